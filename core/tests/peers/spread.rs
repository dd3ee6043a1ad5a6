//! A batch over many servers: one request for each, all of them under way before
//! any is answered.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use memoxide::route::{Node, Preset, Router};

use crate::surface::{Asynchronous, Blocking, Surface, client};

const SERVERS: usize = 100;
const KEYS: usize = 100;

/// What all servers together have been asked.
#[derive(Debug, Default)]
struct Asked {
    /// The server and the keys of each request, in order.
    requests: Mutex<Vec<(usize, Vec<String>)>>,
    more: Condvar,
}

impl Asked {
    /// Notes a request and waits until every key has been asked for.
    fn note_and_wait(&self, server: usize, keys: &[&str]) {
        let mut requests = self.requests.lock().expect("the requests");
        requests.push((server, keys.iter().map(|&key| key.to_owned()).collect()));
        self.more.notify_all();
        let missing = |requests: &mut Vec<(usize, Vec<String>)>| {
            requests.iter().map(|(_, keys)| keys.len()).sum::<usize>() < KEYS
        };
        drop(self.more.wait_while(requests, missing));
    }
}

/// Answers with each key as its own value, but only when all servers have been
/// asked.
fn serve(stream: &TcpStream, server: usize, asked: &Asked) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("get"), "{line}");
        let keys: Vec<_> = words.collect();
        asked.note_and_wait(server, &keys);
        let value = |key: &&str| format!("VALUE {key} 16 {}\r\n{key}\r\n", key.len());
        let mut reply: String = keys.iter().map(value).collect();
        reply.push_str("END\r\n");
        (&*stream).write_all(reply.as_bytes())?;
        line.clear();
    }
    Ok(())
}

fn one_request_for_each_server<S: Surface>() {
    let asked = Arc::new(Asked::default());
    let mut endpoints = Vec::new();
    let mut nodes = Vec::new();
    for server in 0..SERVERS {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        endpoints.push(address.to_string());
        nodes.push(Node::new("127.0.0.1", address.port()));
        let asked = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.expect("a connection");
                // A client that is done closes it.
                drop(serve(&stream, server, &asked));
            }
        });
    }
    let endpoints: Vec<_> = endpoints.iter().map(String::as_str).collect();
    let client: S = client(&endpoints, Duration::from_secs(30), "text");
    let keys: Vec<_> = (0..KEYS).map(|n| format!("key:{n}")).collect();
    let found = client
        .get_multi(&keys)
        .expect("servers that are asked together");
    assert_eq!(found.len(), KEYS);
    assert!(found.iter().all(|(key, value)| key == value));

    let requests = asked.requests.lock().expect("the requests");
    let router = Router::new(Preset::default(), &nodes).expect("even weights");
    let owners: HashSet<_> = keys
        .iter()
        .map(|key| router.route(key.as_bytes()))
        .collect();
    assert_eq!(requests.len(), owners.len(), "{}", S::NAME);
    for (server, keys) in &*requests {
        for key in keys {
            assert_eq!(router.route(key.as_bytes()), Some(*server), "{key}");
        }
    }
}

#[test]
fn blocking_batches_are_one_request_for_each_server() {
    one_request_for_each_server::<Blocking>();
}

#[test]
fn async_batches_are_one_request_for_each_server() {
    one_request_for_each_server::<Asynchronous>();
}
