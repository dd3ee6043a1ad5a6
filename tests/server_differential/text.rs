//! Random requests in the text protocol.

use crate::command::{Command, draw_cas, draw_exptime, draw_key, draw_value};
use crate::compare::Pairs;
use crate::dice::Dice;
use crate::meta::{self, BASE64_KEYS};

/// Draws a request.
pub(crate) fn draw(dice: &mut Dice, pairs: &Pairs) -> Command {
    match dice.below(100) {
        0..22 => storage(dice, pairs),
        22..40 => retrieval(dice),
        40..50 => arithmetic(dice),
        50..56 => delete(dice),
        56..61 => touch(dice),
        61..88 => meta::draw(dice, pairs),
        88..92 => administration(dice),
        _ => malformed(dice),
    }
}

fn maybe_noreply(dice: &mut Dice, command: &mut Command) {
    if dice.once_in(8) {
        command.push(" noreply");
    }
    command.push(if dice.once_in(12) { "\n" } else { "\r\n" });
}

/// Adds what deletes `key` again.
fn cleaned(mut command: Command, key: &[u8]) -> Command {
    // The classic command would take the key "noreply" for a wish.
    command.cleanup = [b"md ", key, b" q\r\n"].concat();
    command
}

fn storage(dice: &mut Dice, pairs: &Pairs) -> Command {
    let mut command = Command::default();
    let verb = dice.pick(&[
        "set", "set", "set", "add", "replace", "append", "prepend", "cas", "cas",
    ]);
    let (key, value) = (draw_key(dice), draw_value(dice));
    let flags = dice.pick(&["0", "0", "5", "4294967295", "4294967296", "0017"]);
    let length = if verb == "set" && dice.once_in(200) {
        // At the item size limit, a little below and above.
        1_048_576 - 48 - key.len() - 13 - 20 + dice.below(40)
    } else {
        value.len()
    };
    let value = if length == value.len() {
        value
    } else {
        vec![b'x'; length]
    };
    command
        .push(verb)
        .push(" ")
        .push(&key)
        .push(format!(" {flags} {} {length}", draw_exptime(dice)));
    if verb == "cas" {
        command.push(" ").push_cas(draw_cas(dice, pairs, &key));
    }
    maybe_noreply(dice, &mut command);
    command.push(&value).push("\r\n");
    cleaned(command, &key)
}

fn retrieval(dice: &mut Dice) -> Command {
    let mut command = Command::default();
    let verb = dice.pick(&["get", "get", "gets", "gets", "gat", "gats"]);
    command.push(verb);
    if verb.starts_with("gat") {
        command.push(" ").push(draw_exptime(dice));
    }
    let count = match dice.below(12) {
        0 => 40 + dice.below(60),
        1..4 => 2 + dice.below(6),
        _ => 1,
    };
    for _ in 0..count {
        let key = draw_key(dice);
        command
            .push(if dice.once_in(20) { "  " } else { " " })
            .push(&key);
        command.fetched.push(key);
    }
    command.push(if dice.once_in(12) { "\n" } else { "\r\n" });
    command
}

fn arithmetic(dice: &mut Dice) -> Command {
    let mut command = Command::default();
    let key = draw_key(dice);
    let delta = dice.pick(&[
        "1",
        "1",
        "5",
        "95",
        "0",
        "1000000",
        "18446744073709551615",
        "007",
    ]);
    command
        .push(dice.pick(&["incr ", "decr "]))
        .push(&key)
        .push(" ")
        .push(delta);
    maybe_noreply(dice, &mut command);
    // Nothing tells then whether another version has misread the number.
    command.alone = command.ours.trim_ascii_end().ends_with(b" noreply");
    command.counted = Some(key.clone());
    cleaned(command, &key)
}

fn delete(dice: &mut Dice) -> Command {
    let mut command = Command::default();
    let key = draw_key(dice);
    command.push("delete ").push(&key);
    // 1.6.45 takes this key for the wish that nothing be answered.
    command.alone = key == b"noreply";
    if dice.once_in(10) {
        command.push(" 0");
    }
    maybe_noreply(dice, &mut command);
    cleaned(command, &key)
}

fn touch(dice: &mut Dice) -> Command {
    let mut command = Command::default();
    let key = draw_key(dice);
    command
        .push("touch ")
        .push(&key)
        .push(" ")
        .push(draw_exptime(dice));
    maybe_noreply(dice, &mut command);
    cleaned(command, &key)
}

fn administration(dice: &mut Dice) -> Command {
    let mut command = Command {
        alone: true,
        ..Command::default()
    };
    if dice.time_is_ours && dice.once_in(2) {
        // What an earlier flush hides must be gone: memcached brings it back.
        command
            .push("get noreply ctl\x01\x7f\t schl\u{fc}ssel ")
            .push([b'L'; 250]);
        for number in 0..9 {
            command.push(format!(" key{number}"));
        }
        command.push("\r\n");
        for key in BASE64_KEYS {
            command.push(format!("mg {key} b\r\n"));
        }
        command.push(dice.pick(&["flush_all 1\r\n", "flush_all 30\r\n", "flush_all 70\r\n"]));
        return command;
    }
    command.push(dice.pick(&[
        "mn\r\n",
        "mn\r\n",
        "verbosity 0\r\n",
        "verbosity 0 noreply\r\n",
        "flush_all\r\n",
        "flush_all 0\r\n",
        "flush_all -1\r\n",
        "flush_all noreply\r\n",
        "flush_all 0 noreply\r\n",
        "cache_memlimit 64\r\n",
        "cache_memlimit 1\r\n",
        "slabs automove 0\r\n",
        "slabs reassign 1 1\r\n",
        "lru_crawler sleep 100\r\n",
        "lru_crawler tocrawl 10\r\n",
        "lru_crawler metadump all\r\n",
        "lru_crawler crawl 1\r\n",
        "shutdown\r\n",
        "stats nonsense\r\n",
        "stats detail\r\n",
        "stats detail off\r\n",
        "stats cachedump 1\r\n",
        "stats cachedump 1 a\r\n",
        "stats cachedump 64 1\r\n",
        "stats reset\r\n",
        "stats sizes\r\n",
        "version\n",
        "watch nonsense\r\n",
    ]));
    command
}

/// Requests with something wrong. Versions differ most here.
fn malformed(dice: &mut Dice) -> Command {
    let mut command = Command {
        alone: true,
        ..Command::default()
    };
    let key = draw_key(dice);
    let long = vec![b'k'; 251];
    match dice.below(20) {
        0 => command.push("set ").push(&long).push(" 0 0 3\r\nabc\r\n"),
        1 => command.push("set ").push(&key).push(" -1 0 3\r\nabc\r\n"),
        2 => command.push("set ").push(&key).push(" 0 x 3\r\nabc\r\n"),
        3 => command.push("set ").push(&key).push(dice.pick(&[
            " 0 0 -1\r\n",
            " 0 0 x\r\n",
            " 0 0 2147483647\r\n",
        ])),
        4 => command.push("set ").push(&key).push(" 0 0 3\r\nabcde\r\n"),
        5 => command.push("set ").push(&key).push(" 0 0 3\r\nabc\n\r\n"),
        6 => command.push("cas ").push(&key).push(dice.pick(&[
            " 0 0 3\r\nabc\r\n",
            " 0 0 3 x\r\nabc\r\n",
            " 0 0 3 noreply\r\nabc\r\n",
        ])),
        7 => command.push(dice.pick(&[
            "get\r\n",
            "gets \r\n",
            "gat 0\r\n",
            "gat x key1\r\n",
            "gat\r\n",
            "incr key1\r\n",
            "touch key1\r\n",
            "delete\r\n",
            "set key1 0 0\r\n",
        ])),
        8 => command
            .push(dice.pick(&["get ", "gets "]))
            .push(&long)
            .push("\r\n"),
        9 => command
            .push("get ")
            .push(&key)
            .push(" ")
            .push(&long)
            .push(" key1\r\n"),
        10 => command
            .push(dice.pick(&["incr ", "decr "]))
            .push(&key)
            .push(dice.pick(&[
                " x\r\n",
                " -1\r\n",
                " 1.5\r\n",
                " 18446744073709551616\r\n",
                " x noreply\r\n",
            ])),
        11 => command.push("touch ").push(&key).push(dice.pick(&[
            " x\r\n",
            " 99999999999\r\n",
            " 1.5\r\n",
            " x noreply\r\n",
        ])),
        12 => command.push(dice.pick(&[
            "nonsense\r\n",
            "GET key1\r\n",
            "nonsense noreply\r\n",
            "\r\n",
            "\n",
            "x\r\n",
            " get key1\r\n",
            " flush_all\r\n",
            "m\r\n",
            "mx key1\r\n",
            "gett key1\r\n",
            "verbosity\r\n",
            "verbosity x\r\n",
            "flush_all x\r\n",
            "cache_memlimit x\r\n",
            "lru_crawler\r\n",
            "slabs\r\n",
            "slabs automove 7\r\n",
            "lru_crawler sleep 1000001\r\n",
            "lru_crawler sleep x\r\n",
            "lru mode flat\r\n",
            "lru tune 10 25 0.1 2.0\r\n",
        ])),
        13 => command.push("delete ").push(&key).push(dice.pick(&[
            " 1\r\n",
            " 0 noreply x\r\n",
            " x noreply\r\n",
        ])),
        14 => command
            .push("set ")
            .push(&key)
            .push(" 0 0 3 noreply x\r\nabc\r\n"),
        15 => command
            .push("set ")
            .push(&key)
            .push(" 0 0 3 noreply\r\nabcd\r\n"),
        16 => command.push("delete ").push(&long).push("\r\n"),
        17 if dice.once_in(10) => command
            .push("set ")
            .push(&key)
            .push(" 0 0 2000000 noreply\r\n")
            .push(vec![b'z'; 2_000_000])
            .push("\r\n"),
        18 => command.push("append ").push(&key).push(" 0 0 2\r\nx\r\r\n"),
        _ => command
            .push(dice.pick(&["incr ", "decr ", "touch "]))
            .push(&long)
            .push(" 1\r\n"),
    };
    command.cleanup = [b"delete ", &key[..], b"\r\ndelete key1\r\n"].concat();
    command
}
