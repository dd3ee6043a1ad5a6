//! What the server's inside costs without sockets: bytes of memory per item, and
//! time per request by kind.
//!
//! `cargo bench -p memoxide --bench server_session` prints two tables; with a word
//! behind `--`, only the rates of the kinds whose name has it. Rates are
//! the best of several rounds over requests that are pipelined fifty at a time;
//! a busy machine shows in them, memory figures are exact.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use memoxide::server::{Clock, Next, PeerInfo, Session, Settings, Shared};

const ITEMS: usize = 1_000_000;
const KEYS: usize = 10_000;
const PIPELINE: usize = 50;
const ROUNDS: usize = 7;
const REQUESTS: usize = 200_000;

fn main() {
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    if wanted.is_none() {
        memory();
        sessions();
    }
    rates(&wanted.unwrap_or_default());
}

/// A name, and what makes the request of a number.
type Kind = (&'static str, fn(usize) -> Vec<u8>);

/// Resident bytes of this process.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0_usize) * 4096
}

fn server(memory_limit: u64) -> Arc<Shared> {
    let settings = Settings {
        memory_limit,
        ..Settings::default()
    };
    Shared::new(settings, Clock::real())
}

/// Runs `input` to its end and returns the bytes answered.
fn run(session: &mut Session, mut input: &[u8], output: &mut Vec<u8>) -> usize {
    let mut answered = 0;
    loop {
        output.clear();
        let progress = session.process(input, output);
        answered += black_box(&output).len();
        input = &input[progress.consumed..];
        if progress.next != Next::Yield {
            return answered;
        }
    }
}

fn memory() {
    println!("memory, {ITEMS} items of a 20 byte key and a value of");
    for length in [1, 32, 100, 500, 1000, 10_000] {
        let items = ITEMS.min(2_000_000_000 / (length + 200));
        let shared = server(16 << 30);
        let mut session = Session::new(Arc::clone(&shared), PeerInfo::default());
        let value = "v".repeat(length);
        let mut output = Vec::with_capacity(1 << 20);
        let before = resident();
        for number in 0..items {
            let request = format!("set key:{number:016} 0 0 {length}\r\n{value}\r\n");
            run(&mut session, request.as_bytes(), &mut output);
        }
        let each = (resident() - before) as f64 / items as f64;
        assert_eq!(shared.items(), items);
        println!(
            "  {length:>6} bytes: {each:>8.1} resident bytes each, {:>6.1} beside key and value",
            each - 20.0 - length as f64
        );
    }
}

fn sessions() {
    const COUNT: u64 = 10_000;
    let shared = server(64 << 20);
    let before = resident();
    let sessions: Vec<_> = (0..COUNT)
        .map(|connection| {
            let peer = PeerInfo {
                connection,
                ..PeerInfo::default()
            };
            let mut session = Session::new(Arc::clone(&shared), peer);
            run(&mut session, b"get nothing\r\n", &mut Vec::new());
            session
        })
        .collect();
    let each = (resident() - before) / sessions.len();
    println!("idle session: {each} resident bytes each");
}

fn rates(wanted: &str) {
    let kinds: [Kind; 9] = [
        ("get, hit, 100 bytes", |n| {
            format!("get {}\r\n", key(n)).into()
        }),
        ("get, miss", |n| format!("get missing:{n:012}\r\n").into()),
        ("mg v, hit", |n| format!("mg {} v\r\n", key(n)).into()),
        ("mg with opaque and flags", |n| {
            format!("mg {} v f t O{n}\r\n", key(n)).into()
        }),
        ("set, 100 bytes", |n| set(n, 100)),
        ("ms, 100 bytes", |n| {
            format!("ms {} 100 T0\r\n{}\r\n", key(n), "m".repeat(100)).into()
        }),
        ("set, 10000 bytes", |n| set(n % 1000, 10_000)),
        ("get of 100 keys", |n| {
            let keys: Vec<_> = (0..100).map(|k| key(n * 100 + k)).collect();
            format!("get {}\r\n", keys.join(" ")).into()
        }),
        ("binary getk", binary_get),
    ];
    println!("requests of one thread, {PIPELINE} in a slice");
    for (name, request) in kinds {
        if !name.contains(wanted) {
            continue;
        }
        let shared = server(1 << 30);
        let mut session = Session::new(Arc::clone(&shared), PeerInfo::default());
        let mut output = Vec::with_capacity(1 << 20);
        for number in 0..KEYS {
            run(&mut session, &set(number, 100), &mut output);
        }
        let peer = PeerInfo {
            connection: 1,
            ..PeerInfo::default()
        };
        let mut session = Session::new(shared, peer);
        let slices: Vec<Vec<u8>> = (0..200)
            .map(|slice| {
                (0..PIPELINE)
                    .flat_map(|number| request(slice * PIPELINE + number))
                    .collect()
            })
            .collect();
        let mut best = f64::INFINITY;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let mut done = 0;
            let bytes: usize = slices[0].len() / PIPELINE;
            let wanted = REQUESTS.min(400_000_000 / (bytes + 200));
            while done < wanted {
                for slice in &slices {
                    run(&mut session, slice, &mut output);
                    done += PIPELINE;
                }
            }
            best = best.min(start.elapsed().as_secs_f64() / done as f64);
        }
        println!(
            "  {name:<26} {:>9.1} ns each, {:>7.2} million/s",
            best * 1e9,
            1e-6 / best
        );
    }
}

fn key(number: usize) -> String {
    format!("key:{:016}", number.wrapping_mul(7919) % KEYS)
}

fn set(number: usize, length: usize) -> Vec<u8> {
    let key = format!("key:{:016}", number % KEYS);
    format!("set {key} 0 0 {length}\r\n{}\r\n", "v".repeat(length)).into()
}

fn binary_get(number: usize) -> Vec<u8> {
    let key = key(number);
    let mut packet = vec![0; 24];
    packet[..2].copy_from_slice(&[0x80, 0x0c]);
    packet[3] = key.len() as u8;
    packet[11] = key.len() as u8;
    packet.extend_from_slice(key.as_bytes());
    packet
}
