//! Each way to misbehave, against each client and protocol.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use memoxide::{Error, ErrorKind, Phase, Result, Sent};

use crate::peer::{Manner, Peer, VALUE};
use crate::surface::{Asynchronous, Blocking, Surface, client, unused_port};

/// What calls may take that wait for it to be over.
const TIMEOUT: Duration = Duration::from_millis(300);

/// What calls may take that end by themselves, long before.
const LONG: Duration = Duration::from_secs(20);

const SLACK: Duration = Duration::from_millis(50);
const PROTOCOLS: [&str; 3] = ["auto", "meta", "text"];

/// How often a call may be late before it counts: other work on the machine can
/// delay a thread, but not each time.
const TRIES: usize = 25;

/// Makes a call and its check until it was in time.
fn in_time<R>(what: &str, mut call: impl FnMut() -> R) -> R {
    let mut late = Vec::new();
    for _ in 0..TRIES {
        let begin = Instant::now();
        let result = call();
        let took = begin.elapsed();
        if took <= TIMEOUT + SLACK {
            return result;
        }
        late.push(took);
    }
    panic!("{what} took {late:?}");
}

/// Checks that a call failed, how, and that it tells where.
fn refuse<R: Debug>(what: &str, peer: &Peer, kinds: &[ErrorKind], result: Result<R>) -> Error {
    let error = match result {
        Ok(result) => panic!("{what} gave {result:?}"),
        Err(error) => error,
    };
    assert!(kinds.contains(&error.kind()), "{what}: {error:?}");
    assert_eq!(error.endpoint(), Some(&*peer.endpoint), "{what}: {error:?}");
    assert!(
        error.was_sent().is_some() || error.kind() == ErrorKind::Protocol,
        "{what}: {error:?}"
    );
    error
}

/// Everything that can be asked of a misbehaving peer, and then of the same
/// peer when it has recovered.
fn check<S: Surface>(manner: Manner, kinds: &[ErrorKind]) {
    let keys = ["k1", "k2", "k3"].map(str::to_owned);
    let items = keys.clone().map(|key| (key, "v".to_owned()));
    let timeout = match kinds {
        [ErrorKind::Timeout] => TIMEOUT,
        _ => LONG,
    };
    for protocol in PROTOCOLS {
        let at = |call: &str| format!("{call} of a peer that {manner:?}, {protocol}, {}", S::NAME);
        let peer = Peer::new(manner);
        let client: S = client(&[&peer.endpoint], timeout, protocol);
        let read = in_time(&at("get"), || client.get("k"));
        refuse(&at("get"), &peer, kinds, read);
        let read = in_time(&at("get_multi"), || client.get_multi(&keys));
        refuse(&at("get_multi"), &peer, kinds, read);
        // A text reply to a write names no key, and has no length.
        let names_key = manner != Manner::AnotherKey || protocol != "text";
        let has_length = !matches!(
            manner,
            Manner::TooLong | Manner::TooShort | Manner::Enormous
        );
        if names_key && has_length && (manner != Manner::AnotherKey || protocol == "meta") {
            let write = in_time(&at("set"), || client.set("k", b"v"));
            let error = refuse(&at("set"), &peer, kinds, write);
            // A write waits until it is known which protocol the peer speaks.
            let waits = protocol == "auto" && manner == Manner::Deaf;
            if error.kind() != ErrorKind::Protocol && manner != Manner::ClosesAtAccept {
                let sent = if waits {
                    Sent::NotSent
                } else {
                    Sent::MaybeApplied
                };
                assert_eq!(error.was_sent(), Some(sent), "{error:?}");
                assert_eq!(error.is_retryable(), waits, "{error:?}");
            }
            let write = in_time(&at("incr"), || client.incr("k"));
            refuse(&at("incr"), &peer, kinds, write);
            // Neither has the reply to several.
            if manner != Manner::AnotherKey {
                let write = in_time(&at("set_multi"), || client.set_multi(&items));
                refuse(&at("set_multi"), &peer, kinds, write);
            }
        }
        peer.turn(Manner::Good);
        recovered(&at("the next call"), &client, &keys);
    }
}

/// Checks that nothing was left behind.
fn recovered<S: Surface>(what: &str, client: &S, keys: &[String]) {
    let client = client.with_timeout(LONG);
    let value = in_time(what, || client.get("k")).expect(what);
    assert_eq!(value.as_deref(), Some(VALUE), "{what}");
    assert!(client.set("k", b"v").expect(what), "{what}");
    assert_eq!(client.incr("k").expect(what), Some(7), "{what}");
    let found = client.get_multi(keys).expect(what);
    assert_eq!(found.len(), keys.len(), "{what}");
    assert!(found.iter().all(|(_, value)| value == VALUE), "{what}");
}

/// One test for each manner and client.
macro_rules! peers {
    ($($blocking:ident $asynchronous:ident $manner:ident => $($kind:ident)|+;)*) => {$(
        #[test]
        fn $blocking() {
            check::<Blocking>(Manner::$manner, &[$(ErrorKind::$kind),+]);
        }

        #[test]
        fn $asynchronous() {
            check::<Asynchronous>(Manner::$manner, &[$(ErrorKind::$kind),+]);
        }
    )*};
}

peers! {
    blocking_closes_at_accept async_closes_at_accept ClosesAtAccept => ConnectionLost;
    blocking_closes_at_request async_closes_at_request ClosesAtRequest => ConnectionLost;
    blocking_closes_mid_reply async_closes_mid_reply ClosesMidReply => ConnectionLost;
    blocking_resets async_resets Resets => ConnectionLost;
    blocking_silent async_silent Silent => Timeout;
    blocking_deaf async_deaf Deaf => Timeout;
    blocking_drips async_drips Drips => Timeout;
    blocking_nonsense async_nonsense Nonsense => Protocol;
    blocking_another_key async_another_key AnotherKey => Protocol;
    blocking_too_long async_too_long TooLong => Timeout;
    blocking_too_short async_too_short TooShort => Protocol;
    blocking_enormous async_enormous Enormous => Protocol;
    blocking_endless_line async_endless_line EndlessLine => Protocol;
    blocking_http async_http Http => Protocol | ConnectionLost;
}

/// A second reply must never be taken for that of the next request.
fn answers_twice<S: Surface>() {
    let keys = ["k1", "k2", "k3"].map(str::to_owned);
    let items = keys.clone().map(|key| (key, "v".to_owned()));
    for protocol in PROTOCOLS {
        let what = format!("a peer that answers twice, {protocol}, {}", S::NAME);
        let peer = Peer::new(Manner::Twice);
        let client: S = client(&[&peer.endpoint], LONG, protocol);
        for _ in 0..5 {
            match in_time(&what, || client.get("k")) {
                Ok(value) => assert_eq!(value.as_deref(), Some(VALUE), "{what}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Protocol, "{what}: {error:?}"),
            }
            match in_time(&what, || client.get_multi(&keys)) {
                Ok(found) => assert!(found.iter().all(|(_, value)| value == VALUE), "{what}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Protocol, "{what}: {error:?}"),
            }
            match in_time(&what, || client.set_multi(&items)) {
                Ok(failed) => assert_eq!(failed, 0, "{what}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Protocol, "{what}: {error:?}"),
            }
        }
        peer.turn(Manner::Good);
        let value = in_time(&what, || client.get("k")).expect(&what);
        assert_eq!(value.as_deref(), Some(VALUE), "{what}");
    }
}

#[test]
fn blocking_answers_twice() {
    answers_twice::<Blocking>();
}

#[test]
fn async_answers_twice() {
    answers_twice::<Asynchronous>();
}

/// A request that fits into no buffer stays half written.
fn half_written<S: Surface>() {
    let large = vec![b'x'; 16 << 20];
    let peer = Peer::new(Manner::Deaf);
    let client: S = client(&[&peer.endpoint], TIMEOUT, "meta");
    let write = in_time("set", || client.set("k", &large));
    let error = refuse("set", &peer, &[ErrorKind::Timeout], write);
    assert_eq!(error.phase(), Some(Phase::Write), "{error:?}");
    assert_eq!(error.was_sent(), Some(Sent::MaybeApplied), "{error:?}");
    peer.turn(Manner::Good);
    recovered("the next call", &client, &["k1".to_owned()]);
}

#[test]
fn blocking_half_written() {
    half_written::<Blocking>();
}

#[test]
fn async_half_written() {
    half_written::<Asynchronous>();
}

/// Nobody listens.
fn refused<S: Surface>() {
    let (_kept, endpoint) = unused_port();
    let client: S = client(&[&endpoint], LONG, "auto");
    let error = in_time("get", || client.get("k")).expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::Connect, "{error:?}");
    assert_eq!(error.endpoint(), Some(&*endpoint));
    assert_eq!(error.was_sent(), Some(Sent::NotSent));
    let error = in_time("set", || client.set("k", b"v")).expect_err("nobody listens");
    assert!(error.is_retryable(), "{error:?}");
}

#[test]
fn blocking_refused() {
    refused::<Blocking>();
}

#[test]
fn async_refused() {
    refused::<Asynchronous>();
}
