//! Expiry, flush with delay, ages, and the clock's commands.

use crate::{Pair, START};

#[test]
fn items_live_as_long_as_they_were_told() {
    let mut pair = Pair::default();
    pair.ask("set a 0 10 1\r\n1\r\nset b 0 0 1\r\n2\r\n");
    pair.ask(&format!("set c 0 {} 1\r\n3\r\n", START + 20));
    pair.advance(9);
    assert_eq!(
        pair.ask("mg a t\r\nmg b t\r\nmg c t\r\n"),
        "HD t1\r\nHD t-1\r\nHD t11\r\n"
    );
    pair.advance(1);
    assert_eq!(pair.ask("get a b\r\n"), "VALUE b 0 1\r\n2\r\nEND\r\n");
    assert_eq!(pair.statistic("get_expired"), "1");
    pair.advance(10);
    assert_eq!(pair.ask("get c\r\n"), "END\r\n");
    pair.advance(1_000_000);
    assert_eq!(pair.ask("get b\r\n"), "VALUE b 0 1\r\n2\r\nEND\r\n");
}

#[test]
fn thirty_days_are_relative_and_a_second_more_is_not() {
    let mut pair = Pair::default();
    pair.ask("set a 0 2592000 1\r\n1\r\nset b 0 2592001 1\r\n1\r\n");
    assert_eq!(pair.ask("mg a t\r\nmg b t\r\n"), "HD t2592000\r\nEN\r\n");
}

#[test]
fn touch_and_gat_move_the_end() {
    let mut pair = Pair::default();
    pair.ask("set a 0 10 1\r\n1\r\n");
    pair.advance(9);
    assert_eq!(pair.ask("touch a 10\r\n"), "TOUCHED\r\n");
    pair.advance(9);
    assert_eq!(pair.ask("gat 10 a\r\n"), "VALUE a 0 1\r\n1\r\nEND\r\n");
    pair.advance(9);
    assert_eq!(pair.ask("mg a T10 t\r\n"), "HD t10\r\n");
    pair.advance(10);
    assert_eq!(pair.ask("get a\r\n"), "END\r\n");
}

#[test]
fn a_flush_with_delay_takes_effect_then() {
    let mut pair = Pair::default();
    pair.ask("set a 0 0 1\r\n1\r\n");
    assert_eq!(pair.ask("flush_all 10\r\n"), "OK\r\n");
    pair.advance(5);
    assert_eq!(pair.ask("mg a\r\n"), "HD\r\n");
    pair.ask("set b 0 0 1\r\n1\r\n");
    pair.advance(5);
    assert_eq!(pair.ask("get a b\r\n"), "END\r\n");
    assert_eq!(pair.statistic("get_flushed"), "2");
    assert_eq!(pair.ask("set c 0 0 1\r\n1\r\nmg c\r\n"), "STORED\r\nHD\r\n");
}

#[test]
fn a_later_flush_brings_nothing_back() {
    let mut pair = Pair::default();
    pair.ask("set a 0 0 1\r\n1\r\n");
    pair.advance(30);
    assert_eq!(
        pair.ask("flush_all\r\nflush_all 100\r\nget a\r\n"),
        "OK\r\nOK\r\nEND\r\n"
    );
}

#[test]
fn ages_and_hits_are_shown_before_they_change() {
    let mut pair = Pair::default();
    pair.ask("set a 0 0 1\r\n1\r\n");
    pair.advance(7);
    assert_eq!(pair.ask("mg a h l\r\n"), "HD h0 l7\r\n");
    assert_eq!(pair.ask("mg a h l u\r\n"), "HD h1 l7\r\n");
    // The second fetch makes an item active and notes the time.
    assert_eq!(pair.ask("mg a h l\r\n"), "HD h1 l7\r\n");
    assert_eq!(pair.ask("mg a h l u\r\n"), "HD h1 l0\r\n");
}

#[test]
fn debugtime_moves_the_clock() {
    let mut pair = Pair::default();
    pair.ask("set a 0 10 1\r\n1\r\n");
    assert_eq!(pair.ask("debugtime 9\r\nmg a t\r\n"), "OK\r\nHD t1\r\n");
    assert_eq!(pair.ask("debugtime -4\r\nmg a t\r\n"), "OK\r\nHD t5\r\n");
    assert_eq!(pair.ask("debugtime p\r\ndebugtime r\r\n"), "OK\r\nOK\r\n");
    assert_eq!(
        pair.ask("debugtime\r\ndebugtime x\r\n"),
        "ERROR\r\nERROR\r\n"
    );
    assert_eq!(pair.shared.clock().unix_seconds(), START + 5);
}

#[test]
fn idle_time_is_reported() {
    let mut pair = Pair::default();
    let other = pair.connect(2);
    pair.advance(30);
    pair.ask("mn\r\n");
    let idle = |number: u64| {
        let name = format!("{number}:secs_since_last_cmd");
        let report = pair.shared.statistics("conns");
        report
            .into_iter()
            .find(|(known, _)| *known == name)
            .expect("a connection")
            .1
    };
    assert_eq!((idle(1), idle(2)), ("0".to_owned(), "30".to_owned()));
    drop(other);
    assert_eq!(pair.shared.connections(), 1);
}
