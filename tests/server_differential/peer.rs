//! The two sides: a memcached that runs, and a session in memory.

#![expect(
    clippy::disallowed_methods,
    reason = "the other side is a process, reached by a socket"
)]

use std::collections::HashMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use memoxide::server::{Next, PeerInfo, Session, Shared};

/// How long memcached may take to answer before that counts as silence.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long is waited for bytes that should not come.
const GRACE: Duration = Duration::from_millis(50);

/// A memcached of its own, killed when dropped.
pub(crate) struct Memcached {
    child: Child,
    port: u16,
    pub(crate) version: String,
}

impl Memcached {
    /// Starts the memcached of `MEMOXIDE_MEMCACHED` or the path; `Err` tells why
    /// there is none.
    pub(crate) fn start() -> Result<Self, String> {
        let program = std::env::var("MEMOXIDE_MEMCACHED").unwrap_or_else(|_| "memcached".into());
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0")
                .and_then(|listener| listener.local_addr())
                .map_err(|error| format!("no free port: {error}"))?
                .port();
            let child = Command::new(&program)
                .args([
                    "-u",
                    "nobody",
                    "-l",
                    "127.0.0.1",
                    "-U",
                    "0",
                    "-t",
                    "1",
                    "-p",
                ])
                .arg(port.to_string())
                .args(["-o", "no_lru_maintainer,no_lru_crawler"])
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .map_err(|error| format!("cannot run {program}: {error}"))?;
            let mut memcached = Self {
                child,
                port,
                version: String::new(),
            };
            if let Some(version) = memcached.wait_for_version() {
                memcached.version = version;
                return Ok(memcached);
            }
        }
        Err(format!("{program} does not answer"))
    }

    fn wait_for_version(&mut self) -> Option<String> {
        // It either answers or exits because its port was taken meanwhile.
        while self.child.try_wait().ok()?.is_none() {
            let Ok(mut socket) = TcpStream::connect(("127.0.0.1", self.port)) else {
                std::thread::yield_now();
                continue;
            };
            socket.set_read_timeout(Some(PATIENCE)).ok()?;
            socket.write_all(b"version\r\n").ok()?;
            let mut reply = Vec::new();
            while !reply.ends_with(b"\r\n") {
                let mut byte = [0];
                socket.read_exact(&mut byte).ok()?;
                reply.push(byte[0]);
            }
            let reply = String::from_utf8(reply).ok()?;
            return Some(reply.trim().strip_prefix("VERSION ")?.to_owned());
        }
        None
    }

    /// Stops the clock of a debug build and returns the Unix time it shows;
    /// `None` for a build whose clock cannot be stopped.
    pub(crate) fn stop_clock(&self) -> Option<u64> {
        let mut line = self.connect();
        line.send(b"debugtime p\r\n");
        let answer = line.read(|bytes| bytes.ends_with(b"\r\n"), false);
        if answer.bytes != b"OK\r\n" {
            return None;
        }
        self.statistics().get("time")?.parse().ok()
    }

    /// Asks for the general statistics.
    pub(crate) fn statistics(&self) -> HashMap<String, String> {
        let mut line = self.connect();
        line.send(b"stats\r\n");
        let answer = line.read(|bytes| bytes.ends_with(b"END\r\n"), false);
        String::from_utf8_lossy(&answer.bytes)
            .lines()
            .filter_map(|line| line.strip_prefix("STAT ")?.split_once(' '))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    pub(crate) fn connect(&self) -> Theirs {
        let socket = TcpStream::connect(("127.0.0.1", self.port)).expect("memcached accepts");
        socket.set_nodelay(true).expect("a socket has options");
        Theirs { socket }
    }
}

impl Drop for Memcached {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What one side has answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) closed: bool,
}

/// A connection to memcached.
pub(crate) struct Theirs {
    socket: TcpStream,
}

impl Theirs {
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        // A closed connection shows when its answer is read.
        let _ = self.socket.write_all(bytes);
    }

    /// Reads until `done` holds, the connection closes or nothing comes.
    pub(crate) fn read(&mut self, done: impl Fn(&[u8]) -> bool, expect_close: bool) -> Answer {
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        while expect_close || !done(&bytes) {
            self.wait(PATIENCE);
            match self.socket.read(&mut chunk) {
                Ok(0) => {
                    return Answer {
                        bytes,
                        closed: true,
                    };
                }
                Ok(length) => bytes.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return Answer {
                        bytes,
                        closed: true,
                    };
                }
                Err(_) => break,
            }
        }
        Answer {
            bytes,
            closed: false,
        }
    }

    /// Reads what comes beyond expectation, for a report.
    pub(crate) fn read_surplus(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        self.wait(GRACE);
        while let Ok(length @ 1..) = self.socket.read(&mut chunk) {
            bytes.extend_from_slice(&chunk[..length]);
        }
        bytes
    }

    fn wait(&self, time: Duration) {
        self.socket
            .set_read_timeout(Some(time))
            .expect("a socket has options");
    }
}

/// A session of ours, with what a listener would keep for it.
pub(crate) struct Ours {
    session: Session,
    kept: Vec<u8>,
    closed: bool,
}

impl Ours {
    pub(crate) fn new(shared: &Arc<Shared>, connection: u64) -> Self {
        let peer = PeerInfo {
            connection,
            ..PeerInfo::default()
        };
        Self {
            session: Session::new(Arc::clone(shared), peer),
            kept: Vec::new(),
            closed: false,
        }
    }

    /// Hands over one slice of input and returns what it is answered with.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Answer {
        let mut input = std::mem::take(&mut self.kept);
        input.extend_from_slice(bytes);
        let mut output = Vec::new();
        let mut rest = &input[..];
        while !self.closed {
            let progress = self.session.process(rest, &mut output);
            rest = &rest[progress.consumed..];
            match progress.next {
                Next::Yield => {}
                Next::NeedInput => break,
                next => {
                    assert_eq!(next, Next::Close, "no streams are asked for");
                    self.closed = true;
                }
            }
        }
        self.kept = rest.to_vec();
        Answer {
            bytes: output,
            closed: self.closed,
        }
    }
}
