//! Arbitrary bytes as replies: the connection never panics, never gives more
//! replies than were asked for, and never keeps more than it was sent. Reads that
//! share a command are answered at most once each. The short way for hits tells
//! what the long one does.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memoxide::ErrorKind;
use memoxide::protocol::{
    Admin, BatchItem, Codec, Connection, Delete, Expiry, Item, Keys, Limits, Reply, Request,
    Retrieve, StoreMany, Walk, Want,
};

/// Reads that go out as one command.
const JOINED: usize = 20;

/// What came: tag and reply as text; and the kind of the error that ended it.
type Told = (Vec<(usize, String)>, Option<ErrorKind>);

fuzz_target!(|input: (u16, u8, Vec<u8>)| {
    let (setup, split, bytes) = input;
    let long = take(setup, split, &bytes, false);
    assert_eq!(take(setup, split, &bytes, true), long);
});

fn take(setup: u16, split: u8, bytes: &[u8], together: bool) -> Told {
    let mut told = Vec::new();
    let codec = [None, Some(Codec::Meta), Some(Codec::Text)][usize::from(setup % 3)];
    let mut connection = Connection::new(
        codec,
        Limits {
            line: 2048,
            value: 1 << 20,
        },
    );
    let keys = || Keys::Many([&b"a"[..], b"bb", b"a"].into_iter().collect());
    let item = |key: &'static [u8]| BatchItem {
        key: key.into(),
        flags: 0,
        value: b"v"[..].into(),
    };
    let items = vec![item(b"a"), item(b"b"), item(b"c")];
    let batch = StoreMany::new(items, Expiry::NEVER).expect("items");
    let requests = [
        Request::get(b"key"),
        Request::Retrieve(Retrieve {
            keys: keys(),
            want: Want::VALUE | Want::CAS,
            touch: None,
            bump: true,
        }),
        Request::Delete(Delete {
            key: b"key"[..].into(),
            cas: None,
        }),
        Request::Admin(Admin::Stats {
            report: b""[..].into(),
        }),
        Request::StoreMany(batch.into()),
        Request::Admin(Admin::Metadump {
            walk: Walk::HashTable,
        }),
    ];
    let names: Vec<String> = (0..JOINED).map(|n| format!("k{n}")).collect();
    let mut asked = 0;
    if setup & 4 != 0 {
        for (number, name) in names.iter().enumerate() {
            let read = Request::get(name.as_bytes());
            let tag = requests.len() + number;
            asked += usize::from(connection.enqueue(tag, &read).is_ok());
        }
    }
    for (index, request) in requests.iter().enumerate() {
        if setup & (8 << index) != 0 && connection.enqueue(index, request).is_ok() {
            asked += 1;
        }
    }
    let mut finished = 0;
    let mut answered = [false; JOINED];
    for mut chunk in bytes.chunks(usize::from(split).max(1)) {
        loop {
            if together {
                connection.receive_hits(&mut chunk, |tag, hits| {
                    let items = hits.as_slice().iter().map(|hit| Item::from(*hit));
                    told.extend(items.map(|item| (tag, format!("{:?}", Reply::Item(item)))));
                });
            }
            match connection.receive(&mut chunk) {
                Ok(Some(received)) => {
                    told.push((received.tag, format!("{:?}", received.reply)));
                    finished += usize::from(received.last);
                    if let Some(number) = received.tag.checked_sub(requests.len()) {
                        assert!(received.last && !answered[number]);
                        answered[number] = true;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    assert!(connection.abandon().len() + finished <= asked);
                    return (told, Some(error.kind()));
                }
            }
        }
        assert!(chunk.is_empty());
    }
    assert!(finished <= asked);
    (told, None)
}
