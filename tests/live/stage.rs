//! Programs beside the test: servers, and the clients of other languages.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use memoxide::Client;
use memoxide::client::Setting;
use serde_json::Value as Json;

/// Returns the folder with the clients, unless this is no run of
/// `make test-interop`.
pub(crate) fn folder() -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("MEMOXIDE_LIVE") else {
        println!("skipped: make test-interop runs this");
        return None;
    };
    Some(root().join(folder))
}

/// Returns the top of the project.
pub(crate) fn root() -> &'static Path {
    let core = Path::new(env!("CARGO_MANIFEST_DIR"));
    core.parent().expect("the crate is in the project")
}

/// Returns the command that tells whether the Python with the clients works.
pub(crate) fn python(folder: &Path) -> String {
    format!("{} -c 1", folder.join("venv/bin/python").display())
}

/// Whether all programs are there; with `MEMOXIDE_LIVE_ALL` they must be.
pub(crate) fn has(programs: &[&str]) -> bool {
    let missing: Vec<_> = programs
        .iter()
        .filter(|program| {
            let mut words = program.split(' ');
            let mut command = Command::new(words.next().expect("a program"));
            command
                .args(words)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            !command.status().is_ok_and(|status| status.success())
        })
        .collect();
    if missing.is_empty() {
        return true;
    }
    let all = std::env::var_os("MEMOXIDE_LIVE_ALL");
    assert!(all.is_none(), "not here or not working: {missing:?}");
    println!("skipped: not here or not working: {missing:?}");
    false
}

/// Servers that end with this value.
pub(crate) struct Servers {
    children: Vec<Child>,
    pub(crate) names: Vec<String>,
}

impl Servers {
    /// Starts memcached servers.
    pub(crate) fn memcached(count: usize) -> Self {
        let mut servers = Self {
            children: Vec::new(),
            names: Vec::new(),
        };
        for _ in 0..count {
            servers.start(|port| {
                let mut command = Command::new("memcached");
                let port = port.to_string();
                // memcached does not run as root unless told which user to be.
                command.args(["-u", "nobody", "-l", "127.0.0.1", "-U", "0", "-p", &port]);
                command
            });
        }
        servers
    }

    /// Starts a server and waits until it takes connections.
    pub(crate) fn start(&mut self, command: impl Fn(u16) -> Command) {
        for _ in 0..10 {
            let port = free_port();
            let mut command = command(port);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().expect("a program that was there");
            if answers(port, &mut child) {
                self.children.push(child);
                self.names.push(format!("127.0.0.1:{port}"));
                return;
            }
        }
        panic!("no port was free, ten times");
    }

    /// Returns a client of these servers.
    pub(crate) fn client(&self, settings: &[(&str, &str)]) -> Client {
        client(&self.names, settings)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for child in &mut self.children {
            // Gone already is as good.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Returns a port that nobody listens on, for the moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound port").port()
}

/// Waits until a server takes connections; false when it ended instead.
fn answers(port: u16, child: &mut Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    drop(child.kill());
    drop(child.wait());
    false
}

/// Returns a client of servers, patient unless told otherwise: other programs
/// keep the machine busy.
pub(crate) fn client(servers: &[String], settings: &[(&str, &str)]) -> Client {
    let patience = Setting::Text("20");
    let builder = Client::builder().option("timeout", &patience);
    let mut builder = builder.expect("an option");
    for server in servers {
        builder = builder.server(server).expect("an address");
    }
    for (name, text) in settings {
        builder = builder.option(name, &Setting::Text(text)).expect(name);
    }
    builder.build().expect("options that fit")
}

/// Runs a program that takes JSON and gives JSON.
pub(crate) fn run(command: &mut Command, input: &Json) -> Json {
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{shown}: {error}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(input.to_string().as_bytes())
        .expect("an open pipe");
    drop(stdin);
    let output = child.wait_with_output().expect("a child");
    assert!(output.status.success(), "{shown}: {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{shown}: {error}"))
}
