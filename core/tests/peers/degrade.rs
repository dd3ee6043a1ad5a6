//! `on_error="miss"`: what passes as a miss, and what stays an error.

use memoxide::client::{Builder, Setting};
use memoxide::server::fault::{ErrorReply, Fault, Moment, Rule};
use memoxide::{EmbeddedServer, ErrorKind};

use crate::surface::{Asynchronous, Blocking, Surface, unused_port};

fn client<S: Surface>(endpoint: &str, on_error: &str) -> S {
    let mut builder = Builder::default().server(endpoint).expect("an endpoint");
    for (name, setting) in [
        ("on_error", Setting::Text(on_error)),
        ("dead_after", Setting::Number(1e6)),
        ("timeout", Setting::Number(10.0)),
    ] {
        builder = builder.option(name, &setting).expect("an option");
    }
    S::new(builder)
}

fn refusing(reply: ErrorReply) -> EmbeddedServer {
    let server = EmbeddedServer::start().expect("a server");
    let fault = Fault::Error {
        kind: reply,
        message: None,
        when: Moment::Before,
    };
    server.add_fault(Rule::new(fault)).expect("a rule");
    server
}

fn a_server_error_is_a_miss<S: Surface>() {
    for reply in [
        ErrorReply::OutOfMemory,
        ErrorReply::Busy,
        ErrorReply::Server,
    ] {
        let server = refusing(reply);
        let lenient: S = client(server.endpoint(), "miss");
        assert_eq!(lenient.set("key", b"value"), Ok(false), "{reply:?}");
        assert_eq!(lenient.get("key"), Ok(None), "{reply:?}");
        let keys = ["a".to_owned(), "b".to_owned()];
        assert_eq!(lenient.get_multi(&keys), Ok(Vec::new()), "{reply:?}");
        // A counter decides.
        let error = lenient.incr("key").expect_err("a server that fails");
        assert_eq!(error.kind(), ErrorKind::Server, "{reply:?}");

        let strict: S = client(server.endpoint(), "raise");
        for error in [
            strict.set("key", b"value").map(drop),
            strict.get("key").map(drop),
        ] {
            let error = error.expect_err("a server that fails");
            assert_eq!(error.kind(), ErrorKind::Server, "{reply:?}");
        }
    }
}

fn what_the_caller_did_stays_an_error<S: Surface>() {
    let server = refusing(ErrorReply::TooLarge);
    let lenient: S = client(server.endpoint(), "miss");
    let error = lenient.set("key", b"value").expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::ValueTooLarge);
    let large = vec![b'x'; 2 << 20];
    let error = lenient.set("key", &large).expect_err("not even sent");
    assert_eq!(error.kind(), ErrorKind::ValueTooLarge);
    let error = lenient.get("two words").expect_err("no key");
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
}

fn a_server_that_is_not_there_is_a_miss<S: Surface>() {
    let (_kept, endpoint) = unused_port();
    let lenient: S = client(&endpoint, "miss");
    assert_eq!(lenient.set("key", b"value"), Ok(false));
    assert_eq!(lenient.get("key"), Ok(None));
}

#[test]
fn blocking_calls_degrade() {
    a_server_error_is_a_miss::<Blocking>();
    what_the_caller_did_stays_an_error::<Blocking>();
    a_server_that_is_not_there_is_a_miss::<Blocking>();
}

#[test]
fn async_calls_degrade() {
    a_server_error_is_a_miss::<Asynchronous>();
    what_the_caller_did_stays_an_error::<Asynchronous>();
    a_server_that_is_not_there_is_a_miss::<Asynchronous>();
}
