//! A sequential blocking call is one write and one read: counted by strace.
//!
//! The test runs itself under `strace -f -c`, once with few calls and once with
//! many; the difference is what the calls cost, without what starting costs.
//! Where strace is absent or may not trace, the test says so and counts nothing.

#![expect(
    clippy::print_stdout,
    reason = "a skip is for whoever reads the test's output"
)]

use std::path::Path;
use std::process::{Command, Stdio};

use memoxide::{Client, EmbeddedServer, Ttl};

/// Tells the traced process where the server is, and how many calls to make.
const ENDPOINT: &str = "MEMOXIDE_TEST_ENDPOINT";
const CALLS: &str = "MEMOXIDE_TEST_CALLS";

/// Makes calls when it is the traced process, else nothing.
#[test]
fn traced() {
    let (Ok(endpoint), Ok(calls)) = (std::env::var(ENDPOINT), std::env::var(CALLS)) else {
        return;
    };
    let client = Client::new(&endpoint).expect("a client");
    for _ in 0..calls.parse().expect("a number") {
        client.set("k", "v", Ttl::Never).expect("a set");
        let value: Option<String> = client.get("k").expect("a get");
        assert_eq!(value.as_deref(), Some("v"));
    }
}

/// Returns the system calls of a process that makes `calls` sets and gets, by
/// name.
fn traced_calls(endpoint: &str, calls: usize, report: &Path) -> Option<Vec<(String, i64)>> {
    let status = Command::new("strace")
        .args(["-f", "-c", "-o"])
        .arg(report)
        .arg(std::env::current_exe().expect("this test"))
        .args(["--exact", "traced", "--test-threads=1"])
        .env(ENDPOINT, endpoint)
        .env(CALLS, calls.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !status.is_ok_and(|status| status.success()) {
        return None;
    }
    let table = std::fs::read_to_string(report).expect("a report");
    // "% time, seconds, usecs/call, calls, [errors,] syscall"
    let row = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let name = words.last().filter(|name| **name != "total")?;
        Some(((*name).to_owned(), words.get(3)?.parse().ok()?))
    };
    Some(table.lines().filter_map(row).collect())
}

#[test]
fn a_sequential_call_is_two_system_calls() {
    const FEW: usize = 100;
    const MANY: usize = 1100;
    let server = EmbeddedServer::start().expect("a server");
    let report = std::env::temp_dir().join(format!("memoxide-strace-{}", std::process::id()));
    let few = traced_calls(server.endpoint(), FEW, &report);
    let many = traced_calls(server.endpoint(), MANY, &report);
    drop(std::fs::remove_file(&report));
    let (Some(few), Some(many)) = (few, many) else {
        println!("skipped: strace is absent, or may not trace here");
        return;
    };
    let before = |name: &str| few.iter().find(|(of, _)| of == name).map_or(0, |(_, n)| *n);
    // What happens now and then, such as the heap growing, is no part of a call.
    let often = (MANY - FEW) as i64 / 10;
    let more: Vec<_> = many
        .iter()
        .map(|(name, count)| (name.as_str(), count - before(name)))
        .filter(|(_, more)| *more > often)
        .collect();
    let total: i64 = more.iter().map(|(_, more)| more).sum();
    // A set and a get, each with a write and a read.
    let expected = 2 * 2 * (MANY - FEW) as i64;
    assert!(
        (total - expected).abs() <= expected / 50,
        "{total}: {more:?}"
    );
    assert!(
        more.iter()
            .all(|(name, _)| ["sendto", "recvfrom"].contains(name)),
        "{more:?}"
    );
}
