//! What the clients are run against.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use memoxide::EmbeddedServer;

/// Servers for one scenario.
pub(crate) trait Target: Sized {
    const NAME: &str;

    /// Starts servers, or returns why none can be had.
    fn start(servers: usize) -> Result<Self, String>;
    fn endpoint(&self, server: usize) -> String;
    fn advance(&self, seconds: u64);
    fn stop(&mut self, server: usize);
}

pub(crate) struct Embedded {
    servers: Vec<EmbeddedServer>,
}

impl Target for Embedded {
    const NAME: &str = "embedded";

    fn start(servers: usize) -> Result<Self, String> {
        let start = |_| {
            let server = EmbeddedServer::start().expect("an embedded server");
            // Times to live are told to the second.
            server.clock().pause();
            server
        };
        let servers = (0..servers).map(start).collect();
        Ok(Self { servers })
    }

    fn endpoint(&self, server: usize) -> String {
        self.servers[server].endpoint().to_owned()
    }

    fn advance(&self, seconds: u64) {
        for server in &self.servers {
            server.clock().advance(seconds);
        }
    }

    fn stop(&mut self, server: usize) {
        // One that is gone leaves its port to the servers of other scenarios.
        let server = &self.servers[server];
        server.refuse_connections().expect("a running server");
        server.disconnect_all().expect("a running server");
    }
}

pub(crate) struct Memcached {
    servers: Vec<(Child, u16)>,
}

impl Target for Memcached {
    const NAME: &str = "memcached";

    fn start(servers: usize) -> Result<Self, String> {
        let mut started = Self {
            servers: Vec::new(),
        };
        for _ in 0..servers {
            started.servers.push(spawn()?);
        }
        Ok(started)
    }

    fn endpoint(&self, server: usize) -> String {
        format!("127.0.0.1:{}", self.servers[server].1)
    }

    fn advance(&self, _seconds: u64) {
        panic!("the clock of memcached cannot be moved");
    }

    fn stop(&mut self, server: usize) {
        end(&mut self.servers[server].0);
    }
}

impl Drop for Memcached {
    fn drop(&mut self) {
        for (child, _) in &mut self.servers {
            end(child);
        }
    }
}

fn end(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}

/// Starts memcached on a free port and waits until it answers.
fn spawn() -> Result<(Child, u16), String> {
    for _ in 0..10 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        drop(listener);
        let mut command = Command::new("memcached");
        // Its own use of the crawler would make lists of keys answer "busy".
        command.args(["-o", "no_lru_maintainer,lru_crawler"]);
        command.args([
            "-l",
            "127.0.0.1",
            "-U",
            "0",
            "-t",
            "2",
            "-u",
            "nobody",
            "-p",
        ]);
        command.arg(port.to_string()).stderr(Stdio::null());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return Err(format!("memcached cannot be started: {error}")),
        };
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(5) {
            if answers(port) {
                return Ok((child, port));
            }
            // Another process may have taken the port in between.
            if child.try_wait().is_ok_and(|status| status.is_some()) {
                break;
            }
            std::thread::yield_now();
        }
        end(&mut child);
    }
    Err("memcached does not answer".to_owned())
}

fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let mut reply = [0; 8];
    stream
        .set_read_timeout(Some(Duration::from_secs(1)))
        .is_ok()
        && stream.write_all(b"version\r\n").is_ok()
        && stream.read_exact(&mut reply).is_ok()
        && &reply == b"VERSION "
}
