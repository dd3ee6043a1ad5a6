//! Clusters of embedded servers, and plain conversations with them.

use std::io::{BufRead, BufReader, Read, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::LazyLock;

use memoxide::EmbeddedServer;
use memoxide::client::{Builder, Plan, Setting};
use memoxide::server::Clock;

/// When the servers' clocks begin, and stand still. It is the client's time, by
/// which long times to live become dates.
pub(crate) static NOW: LazyLock<i64> = LazyLock::new(memoxide::net::unix_now);

/// Servers with clocks that stand still.
pub(crate) struct Cluster {
    pub(crate) servers: Vec<EmbeddedServer>,
}

impl Cluster {
    pub(crate) fn new(count: usize) -> Self {
        let server = || {
            let builder = EmbeddedServer::builder().clock(Clock::virtual_at(*NOW as u64));
            builder.start().expect("a port")
        };
        Self {
            servers: (0..count).map(|_| server()).collect(),
        }
    }

    pub(crate) fn plan(&self, settings: &[(&str, &str)]) -> Plan {
        let servers = self.servers.iter().map(EmbeddedServer::endpoint);
        let builder = servers.fold(Builder::default(), |builder, server| {
            builder.server(server).expect("an address")
        });
        let builder = settings.iter().fold(builder, |builder, (name, text)| {
            builder
                .option(name, &Setting::Text(text))
                .expect("an option")
        });
        builder.plan().expect("options that fit")
    }

    /// Stores where `plan` says, as any client of that placement would.
    pub(crate) fn store(&self, plan: &Plan, key: &str, flags: u32, ttl: i64, value: &[u8]) {
        let server = plan.server_for(key.as_bytes()).expect("a legal key");
        let prefix = String::from_utf8_lossy(&plan.options().prefix).into_owned();
        self.store_at(server, &format!("{prefix}{key}"), flags, ttl, value);
    }

    /// Stores on one server.
    pub(crate) fn store_at(&self, server: usize, key: &str, flags: u32, ttl: i64, value: &[u8]) {
        let mut request = format!("set {key} {flags} {ttl} {}\r\n", value.len()).into_bytes();
        request.extend_from_slice(value);
        request.extend_from_slice(b"\r\n");
        let reply = Wire::to(&self.servers[server]).line(&request);
        assert_eq!(reply, "STORED");
    }

    /// Reads flags, time to live and value of a key where `plan` says.
    pub(crate) fn load(&self, plan: &Plan, key: &str) -> Option<(u32, i64, Vec<u8>)> {
        let server = plan.server_for(key.as_bytes()).expect("a legal key");
        let prefix = String::from_utf8_lossy(&plan.options().prefix).into_owned();
        Wire::to(&self.servers[server]).load(&format!("{prefix}{key}"))
    }

    /// Returns how many items all servers have.
    pub(crate) fn items(&self) -> usize {
        let lists = self.servers.iter().map(|server| Wire::to(server).dump());
        lists.map(|lines| lines.len()).sum()
    }

    /// Returns whether any item was read since it was stored.
    pub(crate) fn was_read(&self) -> bool {
        let mut lists = self.servers.iter().map(|server| Wire::to(server).dump());
        lists.any(|lines| lines.iter().any(|line| line.contains("fetch=yes")))
    }
}

/// A connection to a server, without a client.
pub(crate) struct Wire(BufReader<TcpStream>);

impl Wire {
    pub(crate) fn to(server: &EmbeddedServer) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port())).expect("a server");
        Self(BufReader::new(stream))
    }

    /// Sends a request and reads one line.
    pub(crate) fn line(&mut self, request: &[u8]) -> String {
        self.0.get_mut().write_all(request).expect("an open socket");
        self.next_line()
    }

    fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    fn load(&mut self, key: &str) -> Option<(u32, i64, Vec<u8>)> {
        let head = self.line(format!("mg {key} f t v u\r\n").as_bytes());
        let mut words = head.split(' ');
        if words.next() != Some("VA") {
            assert_eq!(head, "EN");
            return None;
        }
        let length: usize = words.next()?.parse().expect("a length");
        let flags = words.next()?.strip_prefix('f')?.parse().expect("flags");
        let ttl = words.next()?.strip_prefix('t')?.parse().expect("a ttl");
        let mut value = vec![0; length + 2];
        self.0.read_exact(&mut value).expect("a value");
        value.truncate(length);
        Some((flags, ttl, value))
    }

    fn dump(&mut self) -> Vec<String> {
        let mut lines = vec![self.line(b"lru_crawler metadump all\r\n")];
        while lines.last().is_some_and(|line| line != "END") {
            lines.push(self.next_line());
        }
        lines.pop();
        lines.retain(|line| line != "OK");
        assert!(
            lines.iter().all(|line| line.starts_with("key=")),
            "{lines:?}"
        );
        lines
    }
}

/// Listens in front of a server and ends each connection after so many bytes of
/// replies. Returns the address.
pub(crate) fn cut_after(bytes: u64, port: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.expect("a connection");
            let server = TcpStream::connect(("127.0.0.1", port)).expect("a server");
            let mut requests = (clone(&client), clone(&server));
            std::thread::spawn(move || copy(&mut requests.0, &mut requests.1));
            std::thread::spawn(move || {
                let mut client = client;
                // Ends early when the client goes first.
                drop(copy(&mut (&server).take(bytes), &mut client));
                drop(client.shutdown(Shutdown::Both));
                drop(server.shutdown(Shutdown::Both));
            });
        }
    });
    address
}

fn clone(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a descriptor")
}
