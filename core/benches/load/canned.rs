//! A server that knows one reply: the limit of what sockets allow.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use rustix::event::{PollFd, PollFlags, poll};

/// Answers every request on any connection with as many bytes as the
/// connection's first line says.
pub(crate) fn serve(port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    println!("{}", listener.local_addr().unwrap());
    listener.set_nonblocking(true).unwrap();
    let mut connections: Vec<Connection> = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let mut waiting = vec![PollFd::new(&listener, PollFlags::IN)];
        waiting.extend(connections.iter().map(|connection| {
            let flags = if connection.owed > 0 {
                PollFlags::OUT
            } else {
                PollFlags::IN
            };
            PollFd::new(&connection.stream, flags)
        }));
        poll(&mut waiting, None).unwrap();
        let ready: Vec<bool> = waiting
            .iter()
            .map(|waiting| !waiting.revents().is_empty())
            .collect();
        let mut number = 0;
        connections.retain_mut(|connection| {
            number += 1;
            !ready[number] || connection.turn(&mut buffer)
        });
        if ready[0] {
            let (stream, _) = listener.accept().unwrap();
            connections.push(Connection::open(stream));
        }
    }
}

struct Connection {
    stream: TcpStream,
    request_size: usize,
    reply_size: usize,
    replies: Vec<u8>,
    /// Bytes of a request that is arriving.
    arrived: usize,
    /// Bytes of replies still to be written.
    owed: usize,
}

impl Connection {
    /// Reads the line that tells the sizes.
    fn open(mut stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            line.push(byte[0]);
        }
        stream.write_all(b"ERROR\r\n").unwrap();
        stream.set_nonblocking(true).unwrap();
        let line = String::from_utf8(line).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, request_size, reply_size, end] = words[..] else {
            panic!("not a generator: {line}");
        };
        let (request_size, reply_size) =
            (request_size.parse().unwrap(), reply_size.parse().unwrap());
        let end = end.replace("\\r", "\r").replace("\\n", "\n");
        let mut reply = vec![b'v'; reply_size];
        reply.truncate(reply_size - end.len());
        reply.extend_from_slice(end.as_bytes());
        Self {
            stream,
            request_size,
            reply_size,
            replies: reply.repeat((1 << 20) / reply_size + 1),
            arrived: 0,
            owed: 0,
        }
    }

    /// Reads and answers; `false` at the end.
    fn turn(&mut self, buffer: &mut [u8]) -> bool {
        if self.owed == 0 {
            match self.stream.read(buffer) {
                Ok(0) => return false,
                Ok(read) => self.arrived += read,
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
            self.owed = self.arrived / self.request_size * self.reply_size;
            self.arrived %= self.request_size;
        }
        while self.owed > 0 {
            // Replies end where the buffer ends.
            let offset = (self.reply_size - self.owed % self.reply_size) % self.reply_size;
            let piece = (self.replies.len() - offset).min(self.owed);
            match self.stream.write(&self.replies[offset..offset + piece]) {
                Ok(written) => self.owed -= written,
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        true
    }
}
