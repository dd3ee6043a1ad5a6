//! The Rust clients as workers of bench/run (bench/README.md): a case is named
//! on the command line, operations are counted out on standard input.

mod asynchronous;
mod blocking;
mod replay;

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const KEYS: usize = 100;
const VALUE: [u8; 100] = [b'x'; 100];
const SMALL: &str = "bench:000";
const LARGE: &str = "bench:10k";
/// Threads, or tasks, of the cases that have several.
const THREADS: usize = 8;
const TASKS: usize = 64;
/// Small gets that come before the large ones of an aged connection.
const AGE: usize = 10_000;
/// Large gets on one connection, fresh or aged.
const LARGE_GETS: usize = 200;

/// Counts what has been allocated so far.
pub type Allocations = fn() -> u64;

/// Performs so many operations and tells what they took.
type Case = Box<dyn FnMut(usize) -> Spent>;

/// What operations took.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    operations: usize,
    wall: Duration,
    cpu: f64,
}

impl Spent {
    /// Adds `operations` that `work` performs.
    fn add(&mut self, operations: usize, work: impl FnOnce()) {
        let before = cpu();
        let begin = Instant::now();
        work();
        self.wall += begin.elapsed();
        self.cpu += cpu() - before;
        self.operations += operations;
    }
}

/// A case in which everything counts.
fn plain(mut work: impl FnMut(usize) + 'static) -> Case {
    Box::new(move |operations| {
        let mut spent = Spent::default();
        spent.add(operations, || work(operations));
        spent
    })
}

/// A case that repeats one call.
fn repeat(mut call: impl FnMut() + 'static) -> Case {
    plain(move |operations| {
        for _ in 0..operations {
            call();
        }
    })
}

/// Runs the worker that the command line names.
///
/// # Panics
///
/// When anything fails: a figure for a failing client means nothing.
pub fn main(allocations: Option<Allocations>) {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, name, host, port] = &arguments[..] else {
        panic!("usage: CASE HOST PORT")
    };
    let endpoint = format!("{host}:{port}");
    if let Some(surface) = name.strip_prefix("replay-") {
        return replay::serve(surface, &endpoint);
    }
    fill(&endpoint);
    let mut case = match name.strip_prefix("async-") {
        Some(name) => asynchronous::case(name, &endpoint),
        None => blocking::case(name, &endpoint),
    };
    case(KEYS * TASKS / 32);
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let Ok(operations) = line.expect("a line").trim().parse() else {
            return;
        };
        let before = allocations.map_or(0, |count| count());
        let spent = case(operations);
        let after = allocations.map_or(0, |count| count());
        report(spent, &format!("\"allocations\": {}", after - before));
    }
}

fn report(spent: Spent, more: &str) {
    println!(
        "{{\"ops\": {}, \"wall\": {:.9}, \"cpu\": {:.9}, {more}}}",
        spent.operations,
        spent.wall.as_secs_f64(),
        spent.cpu
    );
    std::io::stdout().flush().expect("an open pipe");
}

/// Seconds that all threads have run. (rustix reads clocks through the vdso, which
/// callgrind hides.)
fn cpu() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a timespec that lives through the call.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    assert_eq!(result, 0);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn keys() -> Vec<&'static str> {
    let keys = (0..KEYS).map(|key| format!("bench:{key:03}"));
    keys.map(|key| &*key.leak()).collect()
}

/// Stores what the cases read over a plain socket, so that no client is favoured.
fn fill(endpoint: &str) {
    let mut stream = TcpStream::connect(endpoint).expect("a server");
    let mut store = |key: &str, value: &[u8]| {
        let mut request = format!("set {key} 0 0 {}\r\n", value.len()).into_bytes();
        request.extend_from_slice(value);
        request.extend_from_slice(b"\r\n");
        stream.write_all(&request).expect("sent");
        let mut reply = [0; 8];
        stream.read_exact(&mut reply).expect("a reply");
        assert_eq!(&reply, b"STORED\r\n");
    };
    for key in keys() {
        store(key, &VALUE);
    }
    store(LARGE, &[b'x'; 10_000]);
    store("bench:count", b"0");
}
