//! How servers of all versions are asked for their keys, by every way to ask.

mod caller;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use caller::Caller;
use memoxide::client::{Builder, Part, Place, PlainConnector, Runner, Setting, Uptake};
use memoxide::{AsyncClient, Client, ErrorKind, Result};

const LIST: &str = "key=a exp=-1 la=1 cas=2 fetch=no cls=1 size=72\n\
    key=b exp=-1 la=1 cas=3 fetch=no cls=1 size=72\nEND\r\n";
const NO_CLASS: &str = "BADCLASS invalid class id\r\n";
const BUSY: &str = "BUSY currently processing crawler request\r\n";

/// What a server says to each question, the last time and from then on the last.
type Script = &'static [(&'static str, &'static [&'static str])];

/// memcached 1.4.31 to 1.6.8.
const NO_HASH: Script = &[
    ("version", &["VERSION 1.5.22\r\n"]),
    ("lru_crawler metadump hash", &[NO_CLASS]),
    ("lru_crawler metadump all", &[LIST]),
];

/// memcached 1.6.9 to 1.6.18.
const LOCKS: Script = &[
    ("version", &["VERSION 1.6.18\r\n"]),
    ("lru_crawler metadump hash", &[LIST]),
    ("lru_crawler metadump all", &[LIST]),
];

/// memcached 1.6.43 and later, busy and then enlarging its hash table.
const NEW: Script = &[
    ("version", &["VERSION 1.6.45\r\n"]),
    (
        "lru_crawler metadump hash",
        &[
            BUSY,
            "OK\r\nERROR locked try again later\r\n",
            concat!(
                "OK\r\nkey=a exp=-1 la=1 cas=2 fetch=no cls=1 size=72\n",
                "key=b exp=-1\nEND\r\n"
            ),
        ],
    ),
];

/// Something that knows no versions, and no other list than the old one.
const NAMELESS: Script = &[
    ("version", &["ERROR\r\n"]),
    (
        "lru_crawler metadump hash",
        &["SERVER_ERROR what is that\r\n"],
    ),
    ("lru_crawler metadump all", &[LIST]),
];

const NO_LISTS: Script = &[
    ("version", &["VERSION 1.4.30\r\n"]),
    ("lru_crawler metadump hash", &["ERROR\r\n"]),
    ("lru_crawler metadump all", &["ERROR\r\n"]),
];

const ALWAYS_BUSY: Script = &[
    ("version", &["VERSION 1.6.45\r\n"]),
    ("lru_crawler metadump hash", &[BUSY]),
];

/// A server that answers by its script, and the questions it was asked.
struct Peer {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    fn new(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        // It ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, heard) = (stream.expect("a connection"), Arc::clone(&heard));
                thread::spawn(move || serve(&stream, script, &heard));
            }
        });
        Self { address, asked }
    }

    /// Returns the questions since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("no panic"))
    }
}

fn serve(mut stream: &TcpStream, script: Script, heard: &Mutex<Vec<String>>) {
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { return };
        let answer = {
            let mut heard = heard.lock().expect("no panic");
            let before = heard.iter().filter(|question| **question == line).count();
            let known = script.iter().find(|(question, _)| *question == line);
            let answers =
                known.map_or(&["CLIENT_ERROR unexpected\r\n"][..], |(_, answers)| answers);
            heard.push(line);
            answers[before.min(answers.len() - 1)]
        };
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn builder(address: &str, timeout: &str) -> Builder {
    let options = [("protocol", "text"), ("timeout", timeout)];
    let plain = Builder::default().server(address).expect("an address");
    options.iter().fold(plain, |builder, (name, value)| {
        builder
            .option(name, &Setting::Text(value))
            .expect("an option")
    })
}

/// One way to list keys.
struct Way {
    /// Whether it takes them at once.
    at_once: bool,
    keys: Result<Vec<Vec<u8>>>,
    /// What the server was asked.
    asked: Vec<String>,
}

impl Way {
    fn new(at_once: bool, keys: Result<Vec<Vec<u8>>>, peer: &Peer) -> Self {
        let asked = peer.asked();
        Self {
            at_once,
            keys,
            asked,
        }
    }
}

/// Lists keys by every way there is, with so many seconds for each step.
fn lists(peer: &Peer, timeout: &str) -> Vec<Way> {
    let client: Client = builder(&peer.address, timeout).build().expect("a client");
    let mut lists = vec![Way::new(true, client.keys(""), peer)];

    let mut keys = Vec::new();
    let listed = client.each_key("", |item| {
        keys.push(item.key);
        ControlFlow::Continue(())
    });
    lists.push(Way::new(false, listed.map(|()| keys), peer));

    let patience = Duration::from_secs_f64(timeout.parse().expect("seconds"));
    let plan = builder(&peer.address, timeout).plan().expect("a plan");
    let runner = Arc::new(Runner::for_plan(&plan, Box::new(PlainConnector)));
    for uptake in [Uptake::Immediate, Uptake::Paced] {
        let operation = plan.list_keys(uptake, Place::Key).expect("a list");
        let mut reading = runner.begin(operation, patience);
        let mut reader = Caller::new(|part| match part {
            Part::Line { line, .. } => Some(line[4..5].to_vec()),
            _ => None,
        });
        let end = loop {
            match reading.next(&mut reader) {
                Ok(true) => {}
                Ok(false) => break Ok(reader.found),
                Err(error) => break Err(error),
            }
        };
        lists.push(Way::new(uptake == Uptake::Immediate, end, peer));
    }

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let client: AsyncClient = builder(&peer.address, timeout)
            .build_async()
            .expect("a client");
        lists.push(Way::new(true, client.keys("").await, peer));
        let mut keys = Vec::new();
        let mut stream = client.keys("");
        let end = loop {
            match stream.next().await {
                None => break Ok(keys),
                Some(Ok(item)) => keys.push(item.key),
                Some(Err(error)) => break Err(error),
            }
        };
        lists.push(Way::new(false, end, peer));
    });
    lists
}

/// Checks what each way asked, by whether it takes keys at once.
fn assert_asked(script: Script, at_once: &[&str], paced: &[&str]) {
    for (way, list) in lists(&Peer::new(script), "30").into_iter().enumerate() {
        assert_eq!(list.keys.expect("a list"), [b"a", b"b"], "way {way}");
        let expected = if list.at_once { at_once } else { paced };
        assert_eq!(list.asked, expected, "way {way}");
    }
}

const HASH: &str = "lru_crawler metadump hash";
const ALL: &str = "lru_crawler metadump all";

#[test]
fn the_hash_table_is_walked_where_it_can_be() {
    assert_asked(LOCKS, &[HASH], &["version", ALL]);
}

#[test]
fn old_versions_walk_their_queues() {
    assert_asked(NO_HASH, &[HASH, ALL], &["version", ALL]);
    assert_asked(NAMELESS, &[HASH, ALL], &["version", ALL]);
}

#[test]
fn busy_and_growing_servers_are_asked_again() {
    assert_asked(NEW, &[HASH, HASH, HASH], &["version", HASH, HASH, HASH]);
}

#[test]
fn a_server_without_lists_is_asked_once() {
    for (way, list) in lists(&Peer::new(NO_LISTS), "30").into_iter().enumerate() {
        let error = list.keys.expect_err("no list");
        assert_eq!(error.kind(), ErrorKind::Unsupported, "way {way}: {error}");
        let expected: &[&str] = if list.at_once {
            &[HASH]
        } else {
            &["version", ALL]
        };
        assert_eq!(list.asked, expected, "way {way}");
    }
}

#[test]
fn a_server_that_is_always_busy_is_given_up() {
    for (way, list) in lists(&Peer::new(ALWAYS_BUSY), "0.5")
        .into_iter()
        .enumerate()
    {
        let error = list.keys.expect_err("no list");
        assert_eq!(error.kind(), ErrorKind::Timeout, "way {way}: {error}");
        let times = list
            .asked
            .iter()
            .filter(|question| *question == HASH)
            .count();
        assert!(times > 1, "way {way}: {:?}", list.asked);
    }
}
