//! The memory limit, eviction, and what a hostile client can make of both.

use std::sync::Arc;

use memoxide::server::{Clock, PeerInfo, Session, Settings, Shared};

use crate::{Line, Pair};

fn small(megabytes: u64) -> Settings {
    Settings {
        memory_limit: megabytes << 20,
        ..Settings::default()
    }
}

fn set(key: &str, length: usize) -> String {
    format!("set {key} 0 0 {length}\r\n{}\r\n", "v".repeat(length))
}

fn has(pair: &mut Pair, key: &str) -> bool {
    pair.ask(&format!("mg {key} u\r\n")) == "HD\r\n"
}

#[test]
fn what_is_used_stays_and_what_is_not_goes() {
    let mut pair = Pair::new(small(4));
    for number in 0..20_000 {
        assert_eq!(pair.ask(&set(&format!("key{number}"), 1000)), "STORED\r\n");
        if number % 100 == 0 {
            pair.ask("get key0\r\n");
        }
    }
    assert!(has(&mut pair, "key0"), "a key in use is kept");
    assert!(!has(&mut pair, "key1"), "an old key is gone");
    let kept = (19_000..20_000)
        .filter(|number| has(&mut pair, &format!("key{number}")))
        .count();
    assert!(kept > 900, "{kept} of the newest thousand");
    let evictions: usize = pair.statistic("evictions").parse().expect("a number");
    assert_eq!(evictions + pair.shared.items(), 20_000);
}

#[test]
fn memory_follows_the_load_between_sizes() {
    let mut pair = Pair::new(small(8));
    for number in 0..20_000 {
        pair.ask(&set(&format!("small{number}"), 400));
    }
    // Now only larger items come, of many sizes; the small ones make way.
    for number in 0..8000 {
        pair.ask(&set(&format!("large{number}"), 1000 + number % 7000));
    }
    let small = (0..20_000)
        .filter(|number| has(&mut pair, &format!("small{number}")))
        .count();
    let large = (7000..8000)
        .filter(|number| has(&mut pair, &format!("large{number}")))
        .count();
    assert!(large > 800, "{large} of the newest large ones");
    assert!(small < 2000, "{small} small ones are still there");
}

#[test]
fn the_limit_holds_against_any_mixture() {
    const LIMIT: usize = 16 << 20;
    let mut pair = Pair::new(small(16));
    let mut state = 1_u64;
    for number in 0..30_000_u64 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let length = match state >> 60 {
            0 => (state >> 40) as usize % 900_000,
            1..4 => (state >> 40) as usize % 40_000,
            _ => (state >> 40) as usize % 3000,
        };
        let request = set(&format!("key{}", number % 5000), length);
        let answer = pair.ask(&request);
        assert_eq!(answer, "STORED\r\n");
        if number % 7 == 0 {
            pair.ask(&format!("append key{} 0 0 3\r\nabc\r\n", number % 300));
        }
    }
    let footprint = pair.shared.footprint();
    assert!(footprint <= LIMIT, "{footprint} bytes");
    assert!(footprint > LIMIT / 2, "{footprint} bytes");
}

#[test]
fn without_evictions_a_full_store_refuses() {
    let mut pair = Pair::new(Settings {
        evictions: false,
        ..small(4)
    });
    let mut stored = 0;
    let refusal = loop {
        let answer = pair.ask(&set(&format!("key{stored}"), 1000));
        if answer != "STORED\r\n" {
            break answer;
        }
        stored += 1;
    };
    assert_eq!(refusal, "SERVER_ERROR out of memory storing object\r\n");
    assert!((2000..4200).contains(&stored), "{stored}");
    assert!(has(&mut pair, "key0"));
    assert_eq!(pair.ask("incr key0 1\r\nmn\r\n").lines().last(), Some("MN"));
    // Room is made by deleting, and by expiry.
    pair.ask("delete key5\r\n");
    assert_eq!(pair.ask(&set("new", 1000)), "STORED\r\n");
    assert_eq!(pair.statistic("store_no_memory"), "1");
    assert_eq!(pair.statistic("evictions"), "0");
}

#[test]
fn what_has_expired_makes_room_first() {
    let mut pair = Pair::new(small(4));
    for number in 0..1000 {
        pair.ask(&format!(
            "set old{number} 0 5 1000\r\n{}\r\n",
            "v".repeat(1000)
        ));
    }
    pair.advance(10);
    for number in 0..3300 {
        pair.ask(&set(&format!("new{number}"), 1000));
    }
    assert_ne!(pair.statistic("reclaimed"), "0");
}

#[test]
fn the_limit_can_be_changed() {
    let mut pair = Pair::new(small(64));
    for number in 0..30_000 {
        pair.ask(&set(&format!("key{number}"), 1000));
    }
    assert!(pair.shared.footprint() > 30 << 20);
    assert_eq!(pair.ask("cache_memlimit 8\r\n"), "OK\r\n");
    assert!(pair.shared.footprint() <= 8 << 20);
    assert_eq!(pair.statistic("limit_maxbytes"), (8 << 20).to_string());
}

#[test]
fn a_length_that_lies_takes_little() {
    let shared = Shared::new(small(16), Clock::virtual_at(1));
    let mut lines: Vec<_> = (0..400).map(|number| Line::new(&shared, number)).collect();
    let refused = lines
        .iter_mut()
        .filter_map(|line| match &*line.ask("set big 0 0 1000000\r\nabc") {
            "" => None,
            refusal => Some(refusal.to_owned()),
        })
        .inspect(|refusal| assert_eq!(refusal, "SERVER_ERROR out of memory storing object\r\n"))
        .count();
    // 64 KiB of each count against the limit, so 256 were taken on.
    assert_eq!(refused, 400 - 256);
    assert!(shared.footprint() <= 16 << 20);
    let mut other = Line::new(&shared, 1000);
    assert_eq!(other.ask("version\r\n"), "VERSION 1.6.45\r\n");
    drop(lines);
    assert!(shared.footprint() < 1 << 20, "all is given back");
    assert_eq!(other.ask(&set("a", 100_000)), "STORED\r\n");
}

#[test]
fn a_value_that_finds_no_room_half_way_is_swallowed() {
    let shared = Shared::new(small(4), Clock::virtual_at(1));
    let mut lines: Vec<_> = (0..30).map(|number| Line::new(&shared, number)).collect();
    let half = "v".repeat(500_000);
    let mut refused = 0;
    for line in &mut lines {
        let answer = line.ask(&format!("set big 0 0 1000000\r\n{half}"));
        refused += usize::from(answer == "SERVER_ERROR out of memory storing object\r\n");
    }
    for line in &mut lines {
        let answer = line.ask(&format!("{half}\r\nmn\r\n"));
        assert!(answer.ends_with("MN\r\n"), "in step: {answer}");
    }
    assert!((20..30).contains(&refused), "{refused}");
}

#[test]
fn an_owner_can_evict_and_clear() {
    let mut pair = Pair::default();
    for number in 0..100 {
        pair.ask(&set(&format!("key{number}"), 10));
    }
    assert_eq!(pair.shared.evict(30), 30);
    assert_eq!(pair.shared.items(), 70);
    assert_eq!(pair.statistic("evictions"), "30");
    pair.shared.clear();
    assert_eq!(pair.shared.items(), 0);
    assert_eq!(pair.statistic("total_items"), "100");
    pair.ask(&set("a", 1));
    pair.shared.flush_all(0);
    assert_eq!(pair.ask("get a\r\n"), "END\r\n");
}

#[test]
fn shards_share_the_load_and_the_limit() {
    let shared = Shared::new(
        Settings {
            threads: 4,
            ..small(64)
        },
        Clock::virtual_at(1),
    );
    let threads: Vec<_> = (0..4_u64)
        .map(|thread| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                let peer = PeerInfo {
                    connection: thread,
                    ..PeerInfo::default()
                };
                let mut session = Session::new(shared, peer);
                let mut output = Vec::new();
                for number in 0..20_000 {
                    let request = format!("incr counter 1\r\nset key{number} 0 0 1\r\n{thread}\r\nget key{number} key{}\r\n", number / 2);
                    session.process(request.as_bytes(), &mut output);
                    output.clear();
                }
            })
        })
        .collect();
    let mut line = Line::new(&shared, 99);
    line.ask("set counter 0 0 1\r\n0\r\n");
    for thread in threads {
        thread.join().expect("no thread panics");
    }
    assert_eq!(shared.items(), 20_001);
    let report = shared.statistics("");
    let number = |name: &str| -> u64 {
        let (_, value) = report.iter().find(|(known, _)| known == name).expect(name);
        value.parse().expect("a number")
    };
    assert_eq!(number("cmd_set"), 80_001);
    assert_eq!(number("cmd_get"), 160_000);
    assert_eq!(number("incr_hits") + number("incr_misses"), 80_000);
    let ids = line.ask("gets key1 key2 key3\r\n");
    assert_eq!(ids.lines().count(), 7);
}
