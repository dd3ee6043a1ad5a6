//! Long requests, long answers, credentials and what else ends a connection.

use memoxide::server::{
    Credential, Next, OUTPUT_BUDGET, PeerInfo, ProtocolChoice, Session, Settings,
};

use crate::Pair;

#[test]
fn a_long_answer_comes_in_pieces() {
    const KEYS: usize = 300;
    let mut pair = Pair::default();
    let value = "v".repeat(10_000);
    let mut request = String::from("get");
    for number in 0..KEYS {
        pair.ask(&format!("set key{number} 0 0 10000\r\n{value}\r\n"));
        request.push_str(&format!(" key{number}"));
    }
    request.push_str("\r\nmn\r\n");
    let mut input = request.as_bytes();
    let (mut answer, mut pieces) = (Vec::new(), 0);
    loop {
        let mut output = Vec::new();
        let progress = pair.line.session.process(input, &mut output);
        assert!(output.len() <= OUTPUT_BUDGET + 10_100, "{}", output.len());
        answer.extend(output);
        input = &input[progress.consumed..];
        pieces += 1;
        if progress.next != Next::Yield {
            break;
        }
    }
    assert!(pieces > 40, "{pieces}");
    let mut expected = String::new();
    for number in 0..KEYS {
        expected.push_str(&format!("VALUE key{number} 0 10000\r\n{value}\r\n"));
    }
    expected.push_str("END\r\nMN\r\n");
    assert!(answer == expected.as_bytes());
}

#[test]
fn a_bad_key_behind_a_long_answer_spoils_it_from_the_start() {
    let mut pair = Pair::default();
    let value = "v".repeat(100_000);
    pair.ask(&format!("set a 0 0 100000\r\n{value}\r\n"));
    let long = "k".repeat(251);
    assert_eq!(
        pair.ask(&format!("get a a a {long} a\r\n")),
        "CLIENT_ERROR bad command line format\r\n"
    );
}

#[test]
fn a_list_of_keys_has_a_limit_too() {
    let mut pair = Pair::default();
    let keys = "k ".repeat(4 << 20);
    pair.line.send(b"get ");
    assert_eq!(pair.line.next, Next::NeedInput);
    pair.line.send(keys.as_bytes());
    assert_eq!(pair.line.next, Next::Close);
}

#[test]
fn an_incomplete_line_is_not_scanned_twice() {
    let mut pair = Pair::default();
    let mut line = b"get".to_vec();
    for _ in 0..20_000 {
        line.extend(b" key");
    }
    // Byte by byte this would be quadratic.
    let mut output = Vec::new();
    for end in 1..line.len() {
        let progress = pair.line.session.process(&line[..end], &mut output);
        assert_eq!((progress.consumed, progress.next), (0, Next::NeedInput));
    }
    line.extend(b"\r\n");
    pair.line.session.process(&line, &mut output);
    assert_eq!(output, b"END\r\n");
}

#[test]
fn what_is_incomplete_when_the_peer_leaves_is_dropped() {
    let mut pair = Pair::default();
    pair.ask("set a 0 0 10\r\nabc");
    let mut output = Vec::new();
    pair.line.session.end_of_input(&mut output);
    assert!(output.is_empty());
    let mut other = pair.connect(2);
    assert_eq!(other.ask("get a\r\n"), "END\r\n");
    assert_eq!(pair.shared.footprint(), 0);
}

#[test]
fn shutdown_is_for_those_who_allow_it() {
    let mut pair = Pair::new(Settings {
        shutdown_enabled: true,
        ..Settings::default()
    });
    assert_eq!(
        pair.ask("shutdown later\r\n"),
        "CLIENT_ERROR invalid shutdown mode\r\n"
    );
    assert_eq!(pair.ask("shutdown graceful\r\n"), "");
    assert_eq!(pair.line.next, Next::Shutdown { graceful: true });
    let mut other = pair.connect(2);
    other.ask("shutdown\r\n");
    assert_eq!(other.next, Next::Shutdown { graceful: false });
}

#[test]
fn a_protocol_can_be_chosen() {
    let noop = [&[0x80, 0x0a][..], &[0; 22]].concat();
    let mut ascii = Pair::new(Settings {
        protocol: ProtocolChoice::Ascii,
        ..Settings::default()
    });
    let answer = ascii.line.send(&[&noop[..], b"\r\n"].concat());
    // The opcode of a noop happens to be a line end.
    assert_eq!(answer, b"CLIENT_ERROR bad command line format\r\nERROR\r\n");
    let mut binary = Pair::new(Settings {
        protocol: ProtocolChoice::Binary,
        ..Settings::default()
    });
    assert_eq!(binary.line.send(&noop).len(), 24);
    binary.line.send(b"version\r\nversion\r\nversion\r\n");
    assert_eq!(binary.line.next, Next::Close);
}

fn packet(opcode: u8, key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut packet = [0; 24];
    packet[..2].copy_from_slice(&[0x80, opcode]);
    packet[3] = key.len() as u8;
    packet[11] = (key.len() + value.len()) as u8;
    [&packet[..], key, value].concat()
}

fn with_sasl() -> Pair {
    Pair::new(Settings {
        sasl: Some(vec![Credential::new("alice", "secret")]),
        ..Settings::default()
    })
}

#[test]
fn sasl_plain_opens_the_way() {
    let mut pair = with_sasl();
    assert!(pair.line.send(&packet(0x20, b"", b"")).ends_with(b"PLAIN"));
    assert!(pair.line.send(&packet(0x0b, b"", b"")).ends_with(b"1.6.45"));
    let wrong = pair.line.send(&packet(0x21, b"PLAIN", b"\0alice\0wrong"));
    assert_eq!((wrong[7], &wrong[24..]), (0x20, &b"Auth failure."[..]));
    let other = pair
        .line
        .send(&packet(0x21, b"CRAM-MD5", b"\0alice\0secret"));
    assert_eq!(other[7], 0x20);
    let right = pair.line.send(&packet(0x21, b"PLAIN", b"\0alice\0secret"));
    assert_eq!((right[7], &right[24..]), (0, &b"Authenticated"[..]));
    let miss = pair.line.send(&packet(0x00, b"key", b""));
    assert_eq!((miss[7], &miss[24..]), (1, &b"Not found"[..]));
    assert_eq!(pair.statistic("auth_cmds"), "3");
    assert_eq!(pair.statistic("auth_errors"), "2");
}

#[test]
fn without_sasl_nothing_else_is_answered() {
    let mut pair = with_sasl();
    let answer = pair.line.send(&packet(0x00, b"key", b""));
    assert_eq!(answer[7], 0x20);
    assert_eq!(pair.line.next, Next::Close);
    let mut text = pair.connect(2);
    assert_eq!(text.ask("version\r\nversion\r\nversion\r\n"), "");
    assert_eq!(text.next, Next::Close);
}

#[test]
fn users_can_be_replaced_while_the_server_runs() {
    let mut pair = Pair::new(Settings {
        auth_file: Some(vec![Credential::new("alice", "secret")]),
        ..Settings::default()
    });
    assert_eq!(pair.ask("set x 0 0 12\r\nalice secret\r\n"), "STORED\r\n");
    pair.shared
        .replace_auth_file(vec![Credential::new("bob", "hunter2")]);
    assert_eq!(pair.ask("get a\r\n"), "END\r\n");
    let mut other = pair.connect(2);
    assert_eq!(
        other.ask("set x 0 0 12\r\nalice secret\r\n"),
        "CLIENT_ERROR authentication failure\r\n"
    );
    assert_eq!(other.ask("set x 0 0 11\r\nbob hunter2\r\n"), "STORED\r\n");
}

#[test]
fn a_head_tells_what_comes_next() {
    let pair = Pair::default();
    let head = pair.line.session.head(b"gat 0 key\r\n").expect("a head");
    assert_eq!(
        (head.command, head.key, head.length),
        ("gat", &b"key"[..], Some(11))
    );
    let set = packet(0x11, b"key", b"12345678v");
    let head = pair.line.session.head(&set).expect("a head");
    assert_eq!((head.command, head.length), ("set", Some(set.len())));
    assert_eq!(pair.line.session.head(b"get k"), None);
    let _ = Session::new(pair.shared.clone(), PeerInfo::default());
}
