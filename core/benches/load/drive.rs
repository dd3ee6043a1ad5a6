//! Keeping connections busy.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::workload::{ROUND, Workload};

/// Bytes read at once.
const READ: usize = 256 << 10;

/// Part of the time that is spent before the clock starts.
const WARM_UP: f64 = 0.2;

/// Operations per second of `workload` at `address`, and how many there were
/// altogether.
pub(crate) fn rate(address: &str, workload: &Workload, duration: Duration) -> (f64, u64) {
    let mut connections: Vec<Connection> = (0..workload.connections)
        .map(|number| Connection::open(address, workload, number))
        .collect();
    let mut buffer = vec![0; READ];
    for connection in &mut connections {
        connection.due = workload.depth;
        connection.send();
    }
    let before = run(&mut connections, duration.mul_f64(WARM_UP), &mut buffer);
    let started = Instant::now();
    let replies = run(&mut connections, duration, &mut buffer);
    let rate = replies as f64 / started.elapsed().as_secs_f64();
    (rate, before + replies)
}

/// Drives all connections for `duration` and counts the replies.
fn run(connections: &mut [Connection], duration: Duration, buffer: &mut [u8]) -> u64 {
    let end = Instant::now() + duration;
    let patience = Timespec {
        tv_sec: 10,
        tv_nsec: 0,
    };
    let mut replies = 0;
    let mut ready = vec![true; connections.len()];
    loop {
        // The clock is read once in a while, not for every reply.
        for _ in 0..64 {
            for (connection, _) in connections
                .iter_mut()
                .zip(&ready)
                .filter(|(_, ready)| **ready)
            {
                replies += connection.receive(buffer);
                connection.send();
            }
            let mut waiting: Vec<PollFd<'_>> = connections
                .iter()
                .map(|connection| {
                    let mut flags = PollFlags::IN;
                    if connection.unsent() {
                        flags |= PollFlags::OUT;
                    }
                    PollFd::new(&connection.stream, flags)
                })
                .collect();
            let happened = poll(&mut waiting, Some(&patience)).unwrap();
            assert!(happened > 0, "no reply for ten seconds");
            for (ready, waiting) in ready.iter_mut().zip(&waiting) {
                *ready = !waiting.revents().is_empty();
            }
        }
        if Instant::now() >= end {
            return replies;
        }
    }
}

struct Connection {
    stream: TcpStream,
    requests: Vec<u8>,
    request_size: usize,
    reply_size: usize,
    reply_end: &'static [u8],
    /// Requests to send.
    due: usize,
    /// Bytes of `requests` sent since its beginning.
    sent: usize,
    /// Bytes of the reply that is arriving.
    arrived: usize,
}

impl Connection {
    fn open(address: &str, workload: &Workload, number: usize) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        // A real server takes it for an unknown command.
        stream.write_all(workload.greeting().as_bytes()).unwrap();
        let mut answer = Vec::new();
        while answer.last() != Some(&b'\n') {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        stream.set_nonblocking(true).unwrap();
        let (requests, request_size) = workload.requests(number * 617);
        Self {
            stream,
            requests,
            request_size,
            reply_size: workload.reply_size(),
            reply_end: workload.reply_end(),
            due: 0,
            sent: 0,
            arrived: 0,
        }
    }

    /// Whether a request could only be sent in part.
    fn unsent(&self) -> bool {
        self.due > 0
    }

    /// Sends what is due, as far as the socket takes it.
    fn send(&mut self) {
        while self.due > 0 {
            let whole = self.sent / self.request_size;
            let last = (whole + self.due).min(ROUND);
            let piece = &self.requests[self.sent..last * self.request_size];
            match self.stream.write(piece) {
                Ok(written) => {
                    self.sent += written;
                    self.due -= self.sent / self.request_size - whole;
                    if self.sent == self.requests.len() {
                        self.sent = 0;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Counts the replies that have arrived.
    fn receive(&mut self, buffer: &mut [u8]) -> u64 {
        let mut replies = 0;
        loop {
            let read = match self.stream.read(buffer) {
                Ok(0) => panic!("the server has closed the connection"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            };
            self.arrived += read;
            let whole = self.arrived / self.reply_size;
            self.arrived %= self.reply_size;
            // The end of the last whole reply, if it is in this buffer whole.
            if let Some(end) = read.checked_sub(self.arrived)
                && whole > 0
                && end >= self.reply_end.len()
            {
                assert!(
                    buffer[..end].ends_with(self.reply_end),
                    "not the reply expected: {:?}",
                    String::from_utf8_lossy(&buffer[..end.min(200)])
                );
            }
            replies += whole as u64;
            self.due += whole;
            if read < buffer.len() {
                break;
            }
        }
        replies
    }
}
