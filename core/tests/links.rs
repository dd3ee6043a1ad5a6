//! Links that a caller opens and closes, and keys that a caller places itself.

use memoxide::client::{Answer, Builder, Host, Part, Place, PlainConnector, Plan, Runner};
use memoxide::protocol::{Admin, Expiry, StoreMode};
use memoxide::value::Encoded;
use memoxide::{EmbeddedServer, Error, ErrorKind, Result, net};

/// A caller without functions who keeps the stored bytes that come.
#[derive(Default)]
struct Caller {
    found: Vec<(usize, Vec<u8>)>,
}

impl Host for Caller {
    fn blocking<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        work()
    }

    fn interrupted(&self) -> Result<()> {
        Ok(())
    }

    fn ask(&mut self) -> Result<Answer> {
        Err(Error::new(ErrorKind::InvalidArgument, "nothing to ask"))
    }

    fn part(&mut self, part: Part<'_>) {
        if let Part::Item(item) = part {
            self.found.push((item.index, item.value.into_owned()));
        }
    }
}

fn client(servers: &[EmbeddedServer]) -> (Plan, Runner) {
    let builder = servers
        .iter()
        .try_fold(Builder::default(), |builder, server| {
            builder.server(server.endpoint())
        });
    let plan = builder.and_then(Builder::plan).expect("addresses");
    let runner = Runner::for_plan(&plan, Box::new(PlainConnector));
    (plan, runner)
}

fn soon() -> u64 {
    net::now() + 5_000_000_000
}

#[test]
fn a_link_is_opened_once_and_closed_with_a_word_or_without() {
    let server = EmbeddedServer::start().expect("a port");
    let (_, runner) = client(std::slice::from_ref(&server));
    let mut caller = Caller::default();
    for quit in [false, true] {
        assert!(!runner.is_open(0));
        assert_eq!(runner.open(0, soon(), &mut caller), Ok(true));
        assert_eq!(runner.open(0, soon(), &mut caller), Ok(false));
        assert!(runner.is_open(0));
        runner.close_endpoint(0, quit, soon(), &caller);
    }
    assert!(!runner.is_open(0));
    let error = runner.open(1, soon(), &mut caller).expect_err("one server");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn keys_go_where_the_caller_says() {
    let servers = [(); 2].map(|()| EmbeddedServer::start().expect("a port"));
    let (plan, runner) = client(&servers);
    let mut caller = Caller::default();
    let items = ["a", "b", "c"].map(|key| {
        (
            key.as_bytes(),
            Encoded {
                flags: 0,
                bytes: key.as_bytes().into(),
            },
        )
    });
    let place = Place::Each(&[1, 0, 1]);
    let write = plan.store_many(StoreMode::Set, items.into_iter(), None, place);
    runner
        .run(write.expect("keys"), soon(), &mut caller)
        .expect("stored");

    let mut keys = ["a", "b", "c"].map(str::as_bytes);
    for (endpoint, wanted) in [
        (0, vec![(1, b"b".to_vec())]),
        (1, vec![(0, b"a".to_vec()), (2, b"c".to_vec())]),
    ] {
        let place = Place::Endpoint(endpoint);
        let read = plan.retrieve_many(
            keys.iter().copied(),
            memoxide::protocol::Want::VALUE,
            None,
            place,
        );
        runner
            .run(read.expect("keys"), soon(), &mut caller)
            .expect("read");
        assert_eq!(std::mem::take(&mut caller.found), wanted);
    }

    keys.reverse();
    let delete = plan.delete_many(keys.into_iter(), Place::Each(&[1, 1, 1]));
    let outcome = runner
        .run(delete.expect("keys"), soon(), &mut caller)
        .expect("deleted");
    assert_eq!(outcome.into_failed(), [1]);
    let error = plan
        .delete_many([b"a".as_slice()].into_iter(), Place::Each(&[]))
        .expect_err("no place");
    assert_eq!(error.kind(), ErrorKind::NoServers);
}

#[test]
fn a_refusal_carries_the_line_of_the_server() {
    let server = EmbeddedServer::start().expect("a port");
    let (plan, runner) = client(std::slice::from_ref(&server));
    let mut caller = Caller::default();
    let large = vec![b'x'; 2 << 20];
    let value = Encoded {
        flags: 0,
        bytes: large.into(),
    };
    let store = plan.store(
        StoreMode::Set,
        b"key",
        value,
        Some(Expiry::NEVER),
        None,
        Place::Key,
    );
    let error = runner
        .run(store.expect("a key"), soon(), &mut caller)
        .expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::ValueTooLarge);
    assert_eq!(
        error.reply(),
        Some("SERVER_ERROR object too large for cache")
    );

    let report = Admin::Stats {
        report: b"nonsense".into(),
    };
    let stats = plan
        .administer(report, Place::Endpoint(0))
        .expect("one server");
    let error = runner
        .run(stats, soon(), &mut caller)
        .expect_err("no such report");
    assert!(
        error.reply().is_some_and(|line| !line.is_empty()),
        "{error:?}"
    );
}
