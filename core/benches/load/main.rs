//! A load generator for memcached servers, ours and others.
//!
//! ```text
//! cargo bench --bench load -- canned [PORT]
//! cargo bench --bench load -- start
//! cargo bench --bench load -- run ADDRESS WORKLOAD CONNECTIONS DEPTH SECONDS
//! cargo bench --bench load -- table SECONDS ROUNDS NAME=ADDRESS[@PID] ...
//! ```
//!
//! `run` prints one JSON object, `table` one line of JSON per workload with the
//! rate of each server and its ratio to the first: medians over the rounds, each
//! ratio taken within a round. With the process id of a
//! server it also prints the processor time that the server spent on one
//! operation, which a busy machine falsifies less (Linux). A server named `canned` is
//! one started with `canned`: it answers every request with the right number of
//! bytes and does nothing else, so that it shows what sockets and generator
//! allow. Whoever calls this pins servers and generator to CPUs of their own
//! (`taskset`), or the figures mean nothing.
//!
//! `start` tells how long an embedded server of this process takes from its start
//! to its first reply.
//!
//! One thread drives all connections. Each keeps `DEPTH` requests in flight:
//! for every reply that arrives one request goes out, all that are due in one
//! write. Keys and values have one size, so that replies are told apart by
//! counting bytes, and are checked where they end.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a program for measuring: it prints, opens sockets, reads the clock and gives up loudly"
)]

mod canned;
mod drive;
mod workload;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use memoxide::EmbeddedServer;

use workload::{Row, Workload};

fn main() {
    // cargo bench adds a flag of its own.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        // What `cargo test --benches` and nextest ask for.
        [] | ["--list", ..] => {}
        ["canned"] => canned::serve(0),
        ["canned", port] => canned::serve(port.parse().unwrap()),
        ["start"] => start(),
        ["run", address, workload, connections, depth, seconds] => {
            let workload = Workload {
                connections: connections.parse().unwrap(),
                depth: depth.parse().unwrap(),
                kind: workload.parse().unwrap(),
            };
            workload.load(address);
            let (rate, _) = drive::rate(address, &workload, duration(seconds));
            let row = Row {
                name: "server",
                results: vec![(rate, 0.0)],
            };
            println!("{}", workload.report(&[row]));
        }
        ["table", seconds, rounds, ref servers @ ..] => {
            table(duration(seconds), rounds.parse().unwrap(), servers);
        }
        _ => panic!(
            "usage: canned [PORT] | start | run ADDRESS get|set|multiget|large|largeset CONNECTIONS DEPTH SECONDS | table SECONDS ROUNDS NAME=ADDRESS[@PID] ..."
        ),
    }
}

fn duration(seconds: &str) -> Duration {
    Duration::from_secs_f64(seconds.parse().unwrap())
}

/// Starts a hundred servers, one after the other.
fn start() {
    let times: Vec<f64> = (0..100)
        .map(|_| {
            let started = Instant::now();
            let server = EmbeddedServer::start().unwrap();
            let mut stream = TcpStream::connect(server.endpoint()).unwrap();
            stream.write_all(b"version\r\n").unwrap();
            assert!(stream.read(&mut [0; 64]).unwrap() > 0);
            started.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    let best = times.iter().copied().fold(f64::INFINITY, f64::min);
    let report = serde_json::json!({
        "workload": "start",
        "microseconds_to_first_reply": {
            "best": best.round(),
            "median": median(times.into_iter()).round(),
        },
    });
    println!("{report}");
}

/// Measures every workload on every server, in turn and several times over, so
/// that what else the machine does hits all of them.
fn table(seconds: Duration, rounds: usize, servers: &[&str]) {
    let servers: Vec<Server<'_>> = servers.iter().map(|text| Server::parse(text)).collect();
    for workload in Workload::table() {
        for server in servers.iter().filter(|server| server.name != "canned") {
            workload.load(server.address);
        }
        let mut results = vec![Vec::new(); servers.len()];
        for _ in 0..rounds {
            for (server, results) in servers.iter().zip(&mut results) {
                let before = server.processor_time();
                let (rate, operations) = drive::rate(server.address, &workload, seconds);
                let spent = server.processor_time() - before;
                results.push((rate, spent * 1e6 / operations as f64));
            }
        }
        let rows: Vec<Row<'_>> = servers
            .iter()
            .zip(results)
            .map(|(server, results)| Row {
                name: server.name,
                results,
            })
            .collect();
        println!("{}", workload.report(&rows));
    }
}

struct Server<'a> {
    name: &'a str,
    address: &'a str,
    process: Option<&'a str>,
}

impl<'a> Server<'a> {
    fn parse(text: &'a str) -> Self {
        let (name, rest) = text.split_once('=').unwrap();
        let (address, process) = match rest.split_once('@') {
            Some((address, process)) => (address, Some(process)),
            None => (rest, None),
        };
        Self {
            name,
            address,
            process,
        }
    }

    /// Seconds that all threads of the server have run; 0 for an unknown one.
    fn processor_time(&self) -> f64 {
        let Some(process) = self.process else {
            return 0.0;
        };
        let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
        let spent = threads.map(|thread| {
            let statistics = thread.unwrap().path().join("schedstat");
            let text = std::fs::read_to_string(statistics).unwrap();
            text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
        });
        spent.sum()
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
