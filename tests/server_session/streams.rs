//! Dumps and watch streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use memoxide::server::{CloseReason, Next, Settings, StreamState};

use crate::{Line, Pair};

/// Reads a stream until it ends or has nothing.
pub(crate) fn read(line: &mut Line) -> Vec<u8> {
    let mut output = Vec::new();
    while line.session.poll_stream(Waker::noop(), &mut output) == StreamState::More {}
    output
}

fn read_text(line: &mut Line) -> String {
    String::from_utf8(read(line)).expect("streams are text")
}

/// Returns the numbers of the keys `key<number>` of a dump, in order.
fn numbers(dump: &str) -> Vec<usize> {
    let mut numbers: Vec<_> = dump
        .lines()
        .filter_map(|line| line.strip_prefix("key=key")?.split(' ').next())
        .map(|number| number.parse().expect("a number"))
        .collect();
    numbers.sort_unstable();
    numbers
}

#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_dump_comes_in_bounded_pieces_and_has_every_live_item() {
    const ITEMS: usize = 5000;
    let mut pair = Pair::default();
    for number in 0..ITEMS {
        let exptime = if number % 5 == 0 { 1 } else { 0 };
        let length = number % 20_000;
        let value = "v".repeat(length);
        pair.ask(&format!(
            "set key{number} 0 {exptime} {length} noreply\r\n{value}\r\n"
        ));
    }
    pair.advance(5);
    assert_eq!(pair.ask("lru_crawler metadump all\r\n"), "");
    assert_eq!(pair.line.next, Next::Stream);
    let mut other = pair.connect(2);
    let mut lines = String::new();
    loop {
        let mut piece = Vec::new();
        let state = pair.line.session.poll_stream(Waker::noop(), &mut piece);
        assert!(piece.len() < 34 << 10, "{} bytes at once", piece.len());
        // Others are served between two pieces, but for a second dump.
        assert_eq!(other.ask("get key1\r\n"), "VALUE key1 0 1\r\nv\r\nEND\r\n");
        if state == StreamState::More {
            assert_eq!(
                other.ask("lru_crawler mgdump all\r\n"),
                "BUSY currently processing crawler request\r\n"
            );
        }
        lines.push_str(&String::from_utf8(piece).expect("keys are text"));
        if state == StreamState::Done {
            break;
        }
        assert_eq!(state, StreamState::More);
    }
    let live: Vec<_> = (0..ITEMS).filter(|number| number % 5 != 0).collect();
    assert_eq!(numbers(&lines), live);
    assert!(lines.starts_with("OK\r\n") && lines.ends_with("END\r\n"));
    assert_eq!(pair.ask("mn\r\n"), "MN\r\n");
}

#[test]
fn what_is_stored_anew_during_a_dump_is_dumped_once() {
    const ITEMS: usize = 5000;
    let mut pair = Pair::default();
    let store = |line: &mut Line, number: usize, length: usize| {
        let value = "v".repeat(length);
        line.ask(&format!(
            "set key{number} 0 0 {length} noreply\r\n{value}\r\n"
        ));
    };
    for number in 0..ITEMS {
        store(&mut pair.line, number, 10);
    }
    let mut other = pair.connect(2);
    assert_eq!(pair.ask("lru_crawler metadump all\r\n"), "");
    let mut lines = String::new();
    for piece in 1.. {
        let mut bytes = Vec::new();
        let state = pair.line.session.poll_stream(Waker::noop(), &mut bytes);
        lines.push_str(&String::from_utf8(bytes).expect("keys are text"));
        if state == StreamState::Done {
            break;
        }
        // Larger values go where others are, and leave their place to the next.
        for number in (0..ITEMS).rev().step_by(3) {
            store(&mut other, number, 10 + 100 * piece);
        }
    }
    assert_eq!(numbers(&lines), (0..ITEMS).collect::<Vec<_>>());
}

#[test]
fn a_dump_whose_client_leaves_makes_way_for_the_next() {
    let mut pair = Pair::default();
    pair.ask("set a 0 0 1\r\n1\r\n");
    let mut leaver = pair.connect(2);
    leaver.ask("lru_crawler metadump all\r\n");
    assert_eq!(leaver.next, Next::Stream);
    drop(leaver);
    assert_eq!(pair.ask("lru_crawler mgdump all\r\n"), "");
    assert_eq!(read_text(&mut pair.line), "OK\r\nmg a\r\nEN\r\n");
}

#[test]
fn a_crawl_removes_what_has_expired() {
    let mut pair = Pair::default();
    pair.ask("set a 0 1 1\r\n1\r\nset b 0 0 1\r\n1\r\n");
    pair.advance(5);
    assert_eq!(pair.shared.items(), 2);
    assert_eq!(pair.ask("lru_crawler crawl all\r\n"), "OK\r\n");
    assert_eq!(pair.shared.items(), 1);
    assert_eq!(pair.statistic("crawler_reclaimed"), "1");
    assert_eq!(
        pair.ask("lru_crawler crawl hash\r\n"),
        "ERROR an unknown error happened\r\n"
    );
}

#[test]
fn watchers_see_what_they_asked_for() {
    let mut pair = Pair::default();
    let mut watcher = pair.connect(7);
    assert_eq!(
        watcher.ask("watch fetchers mutations deletions connevents\r\n"),
        "OK\r\n"
    );
    assert_eq!(watcher.next, Next::Stream);
    let counter = Arc::new(Counter::default());
    let waker = Waker::from(Arc::clone(&counter));
    let mut output = Vec::new();
    assert_eq!(
        watcher.session.poll_stream(&waker, &mut output),
        StreamState::Pending
    );

    pair.ask("set a\u{1} 0 100 3\r\nabc\r\nget a\u{1}\r\nget b\r\ndelete a\u{1}\r\nmd a\u{1}\r\n");
    assert_eq!(
        counter.0.load(Ordering::Relaxed),
        1,
        "woken once until it asks again"
    );
    let mut leaver = pair.connect(8);
    leaver.session.closing(CloseReason::IdleTimeout);
    drop(leaver);

    let text = read_text(&mut watcher);
    let lines: Vec<_> = text
        .lines()
        .map(|line| {
            let (stamp, event) = line.split_once(" type=").expect("an event");
            assert!(stamp.starts_with("ts=1700000000.0 gid="), "{stamp}");
            event
        })
        .collect();
    assert_eq!(
        lines,
        [
            "item_get key=a%01 status=not_found clsid=0 cfd=1 size=0",
            "item_store key=a%01 status=stored cmd=set ttl=100 clsid=1 cfd=1 size=3",
            "item_get key=a%01 status=found clsid=1 cfd=1 size=3",
            "item_get key=b status=not_found clsid=0 cfd=1 size=0",
            "item_get key=a%01 status=found clsid=1 cfd=1 size=3",
            "deleted key=a%01 cmd=delete clsid=1 size=3",
            "item_get key=a%01 status=not_found clsid=0 cfd=1 size=0",
            "conn_new rip=127.0.0.1 rport=40008 transport=tcp cfd=8",
            "conn_close rip=127.0.0.1 rport=40008 transport=tcp reason=idle_timeout cfd=8",
        ]
    );
}

#[test]
fn a_slow_watcher_is_told_what_it_missed() {
    let mut pair = Pair::default();
    let mut watcher = pair.connect(2);
    watcher.ask("watch\r\n");
    for _ in 0..10_000 {
        pair.ask("get some:key:that:is:not:there\r\n");
    }
    let seen = read_text(&mut watcher);
    assert!(seen.len() <= 256 << 10);
    pair.ask("get last\r\n");
    let text = read_text(&mut watcher);
    let (skipped, last) = text.split_once('\n').expect("two lines");
    let skipped: usize = skipped
        .strip_prefix("skipped=")
        .and_then(|count| count.parse().ok())
        .expect("a count");
    assert_eq!(skipped + seen.lines().count(), 10_000);
    assert!(last.contains("key=last status=not_found"));
    assert_eq!(pair.statistic("log_watchers"), "1");
    drop(watcher);
    assert_eq!(pair.statistic("log_watchers"), "0");
}

#[test]
fn there_are_twenty_watchers_at_most() {
    let pair = Pair::default();
    let watchers: Vec<_> = (1..=20)
        .map(|number| {
            let mut watcher = pair.connect(number + 10);
            assert_eq!(watcher.ask("watch\r\n"), "OK\r\n");
            watcher
        })
        .collect();
    let mut late = pair.connect(50);
    assert_eq!(
        late.ask("watch\r\n"),
        "WATCHER_TOO_MANY log watcher limit reached\r\n"
    );
    drop(watchers);
    assert_eq!(late.ask("watch\r\n"), "OK\r\n");
}

#[test]
fn evictions_are_watched() {
    let mut pair = Pair::new(Settings {
        memory_limit: 4 << 20,
        ..Settings::default()
    });
    let mut watcher = pair.connect(2);
    watcher.ask("watch evictions\r\n");
    pair.ask("set first 0 100 1000 noreply\r\n");
    pair.ask(&format!("{}\r\n", "f".repeat(1000)));
    for number in 0..6000 {
        pair.ask(&format!(
            "set key{number} 0 0 1000 noreply\r\n{}\r\n",
            "v".repeat(1000)
        ));
    }
    let text = read_text(&mut watcher);
    let first = text.lines().next().expect("an eviction");
    assert!(
        first.ends_with("type=eviction key=first fetch=no ttl=100 la=0 clsid=12 size=1000"),
        "{first}"
    );
}
