//! `memoxide serve` as a process, where memcached's binary would stand.
//!
//! Exit codes and messages are those of memcached 1.6.18 and 1.6.45.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests open sockets and fail loudly"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A folder of its own for one test, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("memoxide-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn serve(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_memoxide"));
    command.arg("serve").args(["-u", "root"]).args(flags);
    command.stdin(Stdio::null());
    command
}

/// A server that is killed if the test fails before it stops it.
struct Running(Child);

impl Running {
    /// Starts a server and waits until it has written its port file.
    fn start(flags: &[&str], folder: &Folder) -> (Self, String) {
        let port_file = folder.file("ports");
        let child = serve(flags)
            .env("MEMCACHED_PORT_FILENAME", &port_file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let running = Self(child);
        (running, wait_for(&port_file))
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, signal).unwrap();
    }

    /// Waits for the end and returns the exit code and the error stream.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.0.wait().unwrap().code();
        let mut errors = String::new();
        let mut stream = self.0.stderr.take().unwrap();
        stream.read_to_string(&mut errors).unwrap();
        (code, errors)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_for(file: &Path) -> String {
    loop {
        match std::fs::read_to_string(file) {
            Ok(text) if !text.is_empty() => return text,
            _ => std::thread::yield_now(),
        }
    }
}

fn first_port(ports: &str) -> u16 {
    let line = ports.lines().next().unwrap();
    line.strip_prefix("TCP INET: ").unwrap().parse().unwrap()
}

fn converse(mut stream: impl Read + Write, requests: &[u8]) -> String {
    stream.write_all(requests).unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).unwrap();
    replies
}

fn finished(flags: &[&str]) -> Output {
    serve(flags).output().unwrap()
}

#[test]
fn a_free_port_is_told_by_the_port_file() {
    let folder = Folder::new("port-file");
    let (server, ports) = Running::start(&["-p", "-1", "-l", "127.0.0.1"], &folder);
    assert_eq!(ports.lines().count(), 1);
    let stream = TcpStream::connect(("127.0.0.1", first_port(&ports))).unwrap();
    assert_eq!(
        converse(stream, b"version\r\nquit\r\n"),
        "VERSION 1.6.45\r\n"
    );
    assert!(!folder.file("ports.lck").exists());
    server.signal(Signal::TERM);
    assert_eq!(server.end(), (Some(0), String::new()));
}

#[test]
fn several_addresses_have_a_line_each() {
    let folder = Folder::new("addresses");
    let flags = ["-l", "127.0.0.1:0,[::1]:0", "-l", "127.0.0.1:0", "-v"];
    let (server, ports) = Running::start(&flags, &folder);
    let kinds: Vec<&str> = ports
        .lines()
        .map(|line| line.split_once(": ").unwrap().0)
        .collect();
    assert_eq!(kinds, ["TCP INET", "TCP INET6", "TCP INET"]);
    server.signal(Signal::INT);
    assert_eq!(server.end(), (Some(0), "Exiting normally\n".to_owned()));
}

#[test]
fn a_taken_port_ends_with_the_systems_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = finished(&["-p", &port, "-l", "127.0.0.1"]);
    assert_eq!(output.status.code(), Some(71));
    let errors = String::from_utf8(output.stderr).unwrap();
    let expected = "failed to listen on one of interface(s) 127.0.0.1: Address already in use";
    assert!(errors.starts_with(expected), "{errors}");
}

#[test]
fn a_unix_socket_takes_the_place_of_tcp() {
    let folder = Folder::new("unix");
    let socket = folder.file("socket");
    let child = serve(&["-s", socket.to_str().unwrap(), "-a", "0755"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let server = Running(child);
    let stream = loop {
        match UnixStream::connect(&socket) {
            Ok(stream) => break stream,
            Err(_) => std::thread::yield_now(),
        }
    };
    assert_eq!(
        converse(stream, b"version\r\nquit\r\n"),
        "VERSION 1.6.45\r\n"
    );
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    server.signal(Signal::USR1);
    assert_eq!(server.end(), (Some(0), "Gracefully stopping\n".to_owned()));
}

#[test]
fn hang_up_reads_the_users_again() {
    let folder = Folder::new("users");
    let file = folder.file("users");
    std::fs::write(&file, "ann:old\n").unwrap();
    let flags = ["-Y", file.to_str().unwrap(), "-p", "-1", "-l", "127.0.0.1"];
    let (server, ports) = Running::start(&flags, &folder);
    let login = |password: &str| {
        let token = format!("ann {password}");
        let request = format!("set a 0 0 {}\r\n{token}\r\nquit\r\n", token.len());
        let stream = TcpStream::connect(("127.0.0.1", first_port(&ports))).unwrap();
        converse(stream, request.as_bytes())
    };
    assert_eq!(login("old"), "STORED\r\n");
    assert_eq!(login("new"), "CLIENT_ERROR authentication failure\r\n");
    std::fs::write(&file, "ann:new\n").unwrap();
    server.signal(Signal::HUP);
    while login("new") != "STORED\r\n" {
        std::thread::yield_now();
    }
    assert_eq!(login("old"), "CLIENT_ERROR authentication failure\r\n");
}

#[test]
fn faults_come_from_flags() {
    let folder = Folder::new("faults");
    let file = folder.file("rules");
    std::fs::write(&file, r#"{"action": "error", "command": "version"}"#).unwrap();
    let from_file = format!("--fault=@{}", file.display());
    let flags = [
        &from_file,
        "--fault",
        "slow",
        "--fault-control",
        "-p",
        "-1",
        "-l",
        "127.0.0.1",
    ];
    let (_server, ports) = Running::start(&flags, &folder);
    let stream = TcpStream::connect(("127.0.0.1", first_port(&ports))).unwrap();
    let replies = converse(stream, b"fault remove 2\r\nversion\r\nquit\r\n");
    assert_eq!(replies, "REMOVED\r\nSERVER_ERROR injected fault\r\n");
}

#[test]
fn a_daemon_is_reached_by_its_pid_file() {
    let folder = Folder::new("daemon");
    let pid_file = folder.file("pid");
    let port_file = folder.file("ports");
    let status = serve(&["-d", "-p", "-1", "-P", pid_file.to_str().unwrap()])
        .env("MEMCACHED_PORT_FILENAME", &port_file)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    // It listens and has written its files when the command returns.
    let pid = std::fs::read_to_string(&pid_file).unwrap();
    let port = first_port(&std::fs::read_to_string(&port_file).unwrap());
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    assert_eq!(
        converse(stream, b"version\r\nquit\r\n"),
        "VERSION 1.6.45\r\n"
    );
    let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    while pid_file.exists() {
        std::thread::yield_now();
    }
}

#[test]
fn a_daemon_that_cannot_listen_says_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = finished(&["-d", "-p", &port, "-l", "127.0.0.1"]);
    assert_eq!(output.status.code(), Some(71));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("Address already in use"), "{errors}");
}

#[test]
fn wrong_flags_end_as_in_memcached() {
    let cases: &[(&[&str], i32, &str)] = &[
        (
            &["-p"],
            1,
            "memoxide: option requires an argument -- 'p'\nIllegal argument \"?\"\n",
        ),
        (
            &["--bogus"],
            1,
            "memoxide: unrecognized option '--bogus'\nIllegal argument \"?\"\n",
        ),
        (
            &["-t", "0"],
            1,
            "Number of threads must be greater than 0\n",
        ),
        (
            &["-c", "0"],
            1,
            "Maximum connections must be greater than 0\n",
        ),
        (
            &["-R", "0"],
            1,
            "Number of requests per event must be greater than 0\n",
        ),
        (&["-n", "0"], 1, "Chunk size must be greater than 0\n"),
        (&["-f", "0.5"], 1, "Factor must be greater than 1\n"),
        (&["-o", "bogus"], 1, "Illegal suboption \"bogus\"\n"),
        (
            &["-I", "1"],
            64,
            "Item max size cannot be less than 1024 bytes.\n",
        ),
        (
            &["-I", "2000m"],
            64,
            "Cannot set item size limit higher than 1/2 of memory max.\n",
        ),
        (
            &["-m", "0"],
            64,
            "Cannot set item size limit higher than 1/2 of memory max.\n",
        ),
        (
            &["-B", "foo"],
            64,
            "Invalid value for binding protocol: foo\n -- should be one of auto, binary, or ascii\n",
        ),
        (
            &["-S", "-B", "ascii"],
            64,
            "ERROR: You cannot allow the ASCII protocol while using SASL.\n",
        ),
        (&["-p", "70000"], 64, "ERROR: Invalid port number 70000.\n"),
        (
            &["--fault", "slowish"],
            64,
            "no fault preset is called \"slowish\"\n",
        ),
        (&["-p", "x"], 64, "Not a number for --port: \"x\"\n"),
    ];
    for (flags, code, message) in cases {
        let output = finished(flags);
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            *message,
            "{flags:?}"
        );
        assert_eq!(output.status.code(), Some(*code), "{flags:?}");
        assert!(output.stdout.is_empty(), "{flags:?}");
    }
}

#[test]
fn flags_about_memcacheds_insides_are_accepted() {
    let folder = Folder::new("insides");
    let flags = [
        "-U0",
        "-m",
        "128",
        "-c512",
        "-t",
        "2",
        "-I2m",
        "-kMvv",
        "-R",
        "40",
        "-C",
        "-b",
        "64",
        "-f",
        "1.1",
        "-n",
        "72",
        "-D",
        "/",
        "-L",
        "-FXW",
        "--protocol=auto",
        "-A",
        "-o",
        "hashpower=20,slab_reassign,slab_automove=1,lru_crawler,hash_algorithm=xxh3,modern,\
         no_lru_maintainer,worker_logbuf_size=128,ext_path=/nowhere:1G,idle_timeout=60",
        "-l",
        "127.0.0.1",
        "-p",
        "-1",
    ];
    let (server, ports) = Running::start(&flags, &folder);
    let stream = TcpStream::connect(("127.0.0.1", first_port(&ports))).unwrap();
    assert_eq!(
        converse(stream, b"version\r\nquit\r\n"),
        "VERSION 1.6.45\r\n"
    );
    server.signal(Signal::TERM);
    assert_eq!(server.end().0, Some(0));
}

#[test]
fn what_only_prints_ends_with_success() {
    for flag in ["-V", "--version", "-h", "--help", "-i", "--license"] {
        let output = finished(&[flag]);
        assert_eq!(output.status.code(), Some(0), "{flag}");
        assert!(!output.stdout.is_empty(), "{flag}");
        assert!(output.stderr.is_empty(), "{flag}");
    }
}

#[cfg(feature = "tls")]
#[test]
fn certificates_come_from_flags() {
    let folder = Folder::new("tls");
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/tls");
    let option = |name: &str, file: &str| format!("{name}={}", vectors.join(file).display());
    let chain = option("ssl_chain_cert", "server.pem");
    let key = option("ssl_key", "server.key");
    let tls = [
        "-p",
        "-1",
        "-l",
        "127.0.0.1",
        "-Z",
        "-o",
        &chain,
        "-o",
        &key,
    ];
    // Clients may be asked without an authority to hold their answer against;
    // then it does not matter what they answer.
    for mode in ["0", "1"] {
        let verify = format!("ssl_verify_mode={mode}");
        let flags = [&tls[..], &["-o", &verify]].concat();
        let (server, ports) = Running::start(&flags, &folder);
        let stream = TcpStream::connect(("127.0.0.1", first_port(&ports))).unwrap();
        // Plain bytes are answered by an alert in an unencrypted record.
        let mut answer = Vec::new();
        (&stream).write_all(b"version\r\n").unwrap();
        (&stream).read_to_end(&mut answer).unwrap();
        assert_eq!(answer.first(), Some(&0x15), "{answer:?}");
        server.signal(Signal::TERM);
        assert_eq!(server.end().0, Some(0));
        std::fs::remove_file(folder.file("ports")).unwrap();
    }
    let output = finished(&[&tls[..], &["-o", "ssl_verify_mode=2"]].concat());
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "ssl_verify_mode needs -o ssl_ca_cert=FILE\n"
    );
}

#[test]
fn under_memcacheds_name_it_is_memcached() {
    let folder = Folder::new("name");
    let link = folder.file("memcached");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_memoxide"), &link).unwrap();
    let output = Command::new(&link).arg("-V").output().unwrap();
    let version = String::from_utf8(output.stdout).unwrap();
    assert!(version.starts_with("memcached 1.6.45 "), "{version}");
    let output = Command::new(&link).arg("-p").output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.starts_with("memcached: option requires"), "{errors}");
}
