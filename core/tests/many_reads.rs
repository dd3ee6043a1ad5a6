//! Reads of several keys: the short way for hits tells the same as the long one,
//! however the bytes are split.

use memoxide::ErrorKind;
use memoxide::protocol::{
    Codec, Connection, Hits, Item, Keys, Limits, Received, Reply, Request, Retrieve, Want,
};
use proptest::prelude::*;

/// How received bytes are taken.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// One reply after the other.
    Long,
    /// Hits together, then the rest.
    Short,
}

/// What came: tag, reply as text, whether it was the last; and the kind of the
/// error that ended it.
type Told = (Vec<(u32, String, bool)>, Option<ErrorKind>);

fn ask(keys: &[String], cas: bool) -> Connection<u32> {
    let limits = Limits {
        line: 64,
        value: 300,
    };
    let mut connection = Connection::new(Some(Codec::Meta), limits);
    let keys = keys.iter().map(|key| key.as_bytes()).collect();
    let want = if cas {
        Want::VALUE | Want::CAS
    } else {
        Want::VALUE
    };
    let request = Request::Retrieve(Retrieve {
        keys: Keys::Many(keys),
        want,
        touch: None,
        bump: true,
    });
    connection.enqueue(7, &request).expect("a place");
    connection.enqueue(8, &Request::get(b"last")).expect("one");
    connection.consume(connection.output().len());
    connection
}

fn shown(reply: &Reply<'_>) -> String {
    match reply {
        Reply::Failed(error) => format!("{:?}", error.kind()),
        reply => format!("{reply:?}"),
    }
}

/// Looks at hits that came together.
fn check(hits: &Hits<'_>) {
    let all = hits.as_slice();
    assert!(!all.is_empty() && all.len() <= 64);
    let chunk = hits.chunk().as_ptr_range();
    for hit in all {
        let value = hit.value.as_ptr_range();
        assert!(chunk.start <= value.start && value.end <= chunk.end);
    }
    assert!(hits.chunk().starts_with(b"VALUE "));
}

/// Takes received bytes in pieces of so many.
fn take(connection: &mut Connection<u32>, bytes: &[u8], piece: usize, way: Way) -> Told {
    let mut told = Vec::new();
    for mut chunk in bytes.chunks(piece.max(1)) {
        loop {
            if let Way::Short = way {
                connection.receive_hits(&mut chunk, |tag, hits| {
                    check(hits);
                    for hit in hits.as_slice() {
                        told.push((tag, shown(&Reply::Item(Item::from(*hit))), false));
                    }
                });
            }
            match connection.receive(&mut chunk) {
                Ok(Some(Received { tag, reply, last })) => told.push((tag, shown(&reply), last)),
                Ok(None) => break,
                Err(error) => return (told, Some(error.kind())),
            }
        }
        assert!(chunk.is_empty());
    }
    (told, None)
}

/// The reply of a server that has some of the keys.
fn answer(keys: &[String], sizes: &[Option<usize>], cas: bool, turned: bool) -> Vec<u8> {
    let mut values = Vec::new();
    for (number, (key, size)) in keys.iter().zip(sizes).enumerate() {
        let Some(size) = size else { continue };
        let flags = [0, 16, u32::MAX][number % 3];
        let mut value = format!("VALUE {key} {flags} {size}");
        if cas {
            value += &format!(" {}", [1, u64::MAX][number % 2]);
        }
        // A value may look like what stands around it.
        let filling = b"\r\nEND\r\nVALUE k1 0 1\r\n".iter().cycle();
        let mut value = (value + "\r\n").into_bytes();
        value.extend(filling.take(*size));
        value.extend_from_slice(b"\r\n");
        values.push(value);
    }
    if turned {
        values.reverse();
    }
    let mut bytes = values.concat();
    bytes.extend_from_slice(b"END\r\nHD O2\r\n");
    bytes
}

fn names(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    let name = |number| format!("k{number}");
    numbers.into_iter().map(name).collect()
}

#[test]
fn hits_come_together_and_misses_are_passed_over() {
    let keys = names(0..200);
    let sizes: Vec<_> = (0..200).map(|n| (n % 3 != 1).then_some(10)).collect();
    let bytes = answer(&keys, &sizes, false, false);
    let mut connection = ask(&keys, false);
    let mut chunk = &bytes[..];
    let mut batches = Vec::new();
    let mut found = Vec::new();
    connection.receive_hits(&mut chunk, |tag, hits| {
        assert_eq!(tag, 7);
        check(hits);
        batches.push(hits.as_slice().len());
        found.extend(hits.as_slice().iter().map(|hit| hit.index));
    });
    assert_eq!(batches, [64, 64, 5]);
    assert_eq!(
        found,
        (0..200).filter(|n| n % 3 != 1).collect::<Vec<usize>>()
    );
    assert!(chunk.starts_with(b"END\r\n"));
}

#[test]
fn large_values_do_not_gather() {
    let keys = names(0..10);
    let mut connection = Connection::new(Some(Codec::Text), Limits::default());
    let read = Request::Retrieve(Retrieve {
        keys: Keys::Many(keys.iter().map(|key| key.as_bytes()).collect()),
        want: Want::VALUE,
        touch: None,
        bump: true,
    });
    connection.enqueue(1, &read).expect("a place");
    let bytes = answer(&keys, &[Some(5000); 10], false, false);
    let mut batches = Vec::new();
    connection.receive_hits(&mut &bytes[..], |_, hits| {
        batches.push(hits.as_slice().len());
    });
    assert_eq!(batches, [2; 5]);
}

#[test]
fn a_value_is_taken_once_and_only_when_it_was_asked_for() {
    for bytes in [
        &b"VALUE k1 0 1\r\na\r\nVALUE k1 0 1\r\nb\r\n"[..],
        b"VALUE k3 0 1\r\na\r\nVALUE k1 0 1\r\nb\r\nVALUE k3 0 1\r\na\r\n",
        b"VALUE k0 0 1\r\na\r\nVALUE k4 0 1\r\nb\r\n",
        b"VALUE k0 0 1\r\na\r\nVALUE k 0 1\r\nb\r\n",
        b"VALUE k0 0 1 5\r\na\r\n",
        b"VALUE k0 0 1\r\nab\r\n",
        b"VALUE k0 0 \r\n\r\n",
        b"VALUE k0 4294967296 1\r\na\r\n",
        b"VALUE k0 0 301\r\n",
    ] {
        let mut connection = ask(&names(0..4), false);
        let (_, error) = take(&mut connection, bytes, usize::MAX, Way::Short);
        assert_eq!(
            error,
            Some(ErrorKind::Protocol),
            "{} was taken",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn a_key_that_is_asked_for_twice_is_answered_twice() {
    let keys = names([1, 1, 2]);
    let bytes = answer(&keys, &[Some(1); 3], true, false);
    let mut connection = ask(&keys, true);
    let (told, error) = take(&mut connection, &bytes, usize::MAX, Way::Short);
    assert_eq!((told.len(), error), (5, None));
}

proptest! {
    #[test]
    fn both_ways_tell_the_same_however_bytes_are_split(
        numbers in prop::collection::vec(0_usize..120, 1..100),
        sizes in prop::collection::vec(prop::option::of(0_usize..250), 100),
        cas: bool,
        turned: bool,
        piece in 1_usize..6000,
        fault in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let keys = names(numbers);
        let mut bytes = answer(&keys, &sizes, cas, turned);
        if let Some((place, byte)) = fault {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        // Byte by byte no value is ever whole.
        let expected = take(&mut ask(&keys, cas), &bytes, 1, Way::Long);
        for way in [Way::Long, Way::Short] {
            let mut connection = ask(&keys, cas);
            let told = take(&mut connection, &bytes, piece, way);
            prop_assert_eq!(&told, &expected, "{:?}", way);
            if fault.is_none() {
                prop_assert_eq!(told.1, None);
                prop_assert!(connection.is_clean());
            }
        }
    }
}
