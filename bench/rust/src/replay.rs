//! A recorded sequence of requests, performed again: `replay-blocking` and
//! `replay-async`, which keeps the trace's lanes in flight.

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use memoxide::{AsyncClient, Client, Ttl};

use crate::{Spent, report};

/// Requests of one object are in one lane, and each lane is in order.
const LANES: usize = 16;

/// The requests between two movements of the clock.
struct Stretch {
    lanes: Vec<Arc<[Step]>>,
    /// By how many seconds the clock moves afterwards.
    seconds: u64,
}

struct Step {
    verb: Verb,
    key: String,
    size: usize,
    ttl: Ttl,
}

enum Verb {
    Add,
    Delete,
    Get,
    Set,
}

#[derive(Default)]
struct Counts {
    gets: AtomicUsize,
    hits: AtomicUsize,
    calls: AtomicUsize,
}

/// Reads names of traces from standard input and performs them.
pub(crate) fn serve(surface: &str, endpoint: &str) {
    let lanes = if surface == "async" { LANES } else { 1 };
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let trace = std::fs::read_to_string(line.expect("a line").trim()).expect("a trace");
        let trace = parse(&trace, lanes);
        let counts = Arc::new(Counts::default());
        let mut clock = Clock::stop(endpoint);
        let mut spent = Spent::default();
        spent.add(0, || match surface {
            "async" => concurrent(endpoint, trace, &counts, &mut clock),
            _ => sequential(endpoint, trace, &counts, &mut clock),
        });
        spent.operations = counts.calls.load(Ordering::Relaxed);
        let (gets, hits) = (&counts.gets, &counts.hits);
        report(spent, &format!("\"gets\": {gets:?}, \"hits\": {hits:?}"));
    }
}

fn parse(text: &str, lanes: usize) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut open: Vec<Vec<Step>> = (0..lanes).map(|_| Vec::new()).collect();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["t", seconds] => stretches.push(Stretch {
                lanes: open
                    .iter_mut()
                    .map(|lane| std::mem::take(lane).into())
                    .collect(),
                seconds: seconds.parse().expect("seconds"),
            }),
            [verb, lane, key, size, ttl] => {
                let lane: usize = lane.parse().expect("a lane");
                open[lane % lanes].push(Step {
                    verb: match verb {
                        "a" => Verb::Add,
                        "d" => Verb::Delete,
                        "g" => Verb::Get,
                        "s" => Verb::Set,
                        _ => panic!("unknown verb {verb}"),
                    },
                    key: key.to_owned(),
                    size: size.parse().expect("a size"),
                    ttl: Duration::from_secs(ttl.parse().expect("seconds")).into(),
                });
            }
            _ => panic!("not a line of a trace: {line}"),
        }
    }
    stretches
}

/// The server's clock, which stands still between the stretches.
struct Clock(TcpStream);

impl Clock {
    fn stop(endpoint: &str) -> Self {
        let mut clock = Self(TcpStream::connect(endpoint).expect("a server"));
        clock.command("p");
        clock
    }

    fn command(&mut self, word: &str) {
        let command = format!("debugtime {word}\r\n");
        self.0.write_all(command.as_bytes()).expect("sent");
        let mut reply = [0; 4];
        self.0.read_exact(&mut reply).expect("a reply");
        assert_eq!(&reply, b"OK\r\n");
    }
}

static BYTES: [u8; 1 << 20] = [b'x'; 1 << 20];

impl Counts {
    fn get(&self, hit: bool) {
        self.gets.fetch_add(1, Ordering::Relaxed);
        self.hits.fetch_add(usize::from(hit), Ordering::Relaxed);
    }
}

fn sequential(endpoint: &str, trace: Vec<Stretch>, counts: &Counts, clock: &mut Clock) {
    let client = Client::new(endpoint).expect("a client");
    let set = |step: &Step| {
        let stored = client.set(&step.key, &BYTES[..step.size], step.ttl);
        stored.expect("a reply");
        counts.calls.fetch_add(1, Ordering::Relaxed);
    };
    for stretch in trace {
        for step in stretch.lanes.iter().flat_map(|lane| lane.iter()) {
            match step.verb {
                Verb::Get => {
                    let found = client.get::<Vec<u8>>(&step.key).expect("a reply");
                    counts.get(found.is_some());
                    // What is missing is fetched elsewhere and stored.
                    if found.is_none() {
                        set(step);
                    }
                }
                Verb::Set => {
                    set(step);
                    continue;
                }
                Verb::Add => {
                    let added = client.add(&step.key, &BYTES[..step.size], step.ttl);
                    added.expect("a reply");
                }
                Verb::Delete => {
                    client.delete(&step.key).expect("a reply");
                }
            }
            counts.calls.fetch_add(1, Ordering::Relaxed);
        }
        clock.command(&stretch.seconds.to_string());
    }
}

fn concurrent(endpoint: &str, trace: Vec<Stretch>, counts: &Arc<Counts>, clock: &mut Clock) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let client = Arc::new(AsyncClient::new(endpoint).expect("a client"));
    for stretch in trace {
        runtime.block_on(async {
            let lanes = stretch.lanes.iter().map(|lane| {
                let (client, lane) = (Arc::clone(&client), Arc::clone(lane));
                tokio::spawn(lane_of(client, lane, Arc::clone(counts)))
            });
            for lane in lanes.collect::<Vec<_>>() {
                lane.await.expect("a finished lane");
            }
        });
        clock.command(&stretch.seconds.to_string());
    }
}

async fn lane_of(client: Arc<AsyncClient>, lane: Arc<[Step]>, counts: Arc<Counts>) {
    for step in lane.iter() {
        let bytes = &BYTES[..step.size];
        let mut calls = 1;
        match step.verb {
            Verb::Get => {
                let found = client.get::<Vec<u8>>(&step.key).await.expect("a reply");
                counts.get(found.is_some());
                if found.is_none() {
                    let stored = client.set(&step.key, bytes, step.ttl).await;
                    stored.expect("a reply");
                    calls = 2;
                }
            }
            Verb::Set => {
                let stored = client.set(&step.key, bytes, step.ttl).await;
                stored.expect("a reply");
            }
            Verb::Add => {
                let added = client.add(&step.key, bytes, step.ttl).await;
                added.expect("a reply");
            }
            Verb::Delete => {
                client.delete(&step.key).await.expect("a reply");
            }
        }
        counts.calls.fetch_add(calls, Ordering::Relaxed);
    }
}
