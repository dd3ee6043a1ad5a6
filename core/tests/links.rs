//! Links that a caller opens and closes, and keys that a caller places itself.

mod caller;

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use caller::Caller;
use memoxide::client::{
    Builder, Connector, Options, Part, Place, PlainConnector, Plan, Runner, ServerAddress, Times,
    Uptake,
};
use memoxide::net::{Address, Link};
use memoxide::protocol::{Admin, Codec, Expiry, StoreMode};
use memoxide::value::Encoded;
use memoxide::{EmbeddedServer, ErrorKind, Result, net};

/// Keeps the stored bytes that come, with the positions of their keys.
fn values() -> Caller<(usize, Vec<u8>)> {
    Caller::new(|part| match part {
        Part::Item(item) => Some((item.index, item.value.into_owned())),
        _ => None,
    })
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
    let mut caller = values();
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
    let mut caller = values();
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
    let mut caller = values();
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

/// A server that lists three keys, one with each read.
#[derive(Debug)]
struct Lister {
    /// The deadlines that reads were given.
    deadlines: Arc<Mutex<Vec<u64>>>,
}

impl Connector for Lister {
    fn connect(&self, _: &Address, _: &Times, _: u64) -> Result<Box<dyn Link>> {
        let deadlines = Arc::clone(&self.deadlines);
        Ok(Box::new(Self { deadlines }))
    }
}

impl Link for Lister {
    fn write(&mut self, bytes: &[u8], _: u64) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn read(&mut self, buffer: &mut [u8], deadline: u64) -> io::Result<usize> {
        let mut deadlines = self.deadlines.lock().expect("no panic");
        let line = match deadlines.len() {
            0..3 => &b"key=a exp=-1 la=1 cas=2 fetch=no cls=1 size=72\n"[..],
            // A part of a line is no progress.
            3 => b"EN",
            _ => b"D\r\n",
        };
        deadlines.push(deadline);
        buffer[..line.len()].copy_from_slice(line);
        Ok(line.len())
    }

    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn try_read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn is_stale(&mut self) -> bool {
        false
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        unreachable!("one server is read without asking what is ready")
    }
}

const SECOND: u64 = 1_000_000_000;

#[test]
fn each_item_of_a_list_puts_its_deadline_off() {
    let mut options = Options::default();
    options.protocol = Some(Codec::Text);
    let servers = ServerAddress::parse_list("127.0.0.1:1").expect("an address");
    let plan = Plan::new(servers, options).expect("a plan");
    let deadlines = Arc::default();
    let lister = Lister {
        deadlines: Arc::clone(&deadlines),
    };
    let runner = Runner::for_plan(&plan, Box::new(lister));
    let list = plan
        .list_keys(Uptake::Immediate, Place::Key)
        .expect("a list");
    let line = |part: Part<'_>| matches!(part, Part::Line { .. }).then_some(());
    let mut caller = Caller::new(line);
    caller.patience = Some(Duration::from_nanos(SECOND));
    let begin = net::now() + SECOND;
    runner.run(list, begin, &mut caller).expect("a list");
    assert_eq!(caller.found.len(), 3);
    let deadlines = deadlines.lock().expect("no panic");
    assert_eq!((deadlines.len(), deadlines[0]), (5, begin));
    let later: Vec<_> = deadlines.windows(2).map(|pair| pair[1] > pair[0]).collect();
    assert_eq!(later, [true, true, true, false]);
}
