//! Bytes of any kind, cut anywhere.

use std::sync::Arc;
use std::task::Waker;

use memoxide::server::{Clock, Next, PeerInfo, Session, Settings, Shared, StreamState};
use proptest::collection::vec;
use proptest::prelude::*;

/// Parts of requests, whole and broken.
const PARTS: [&[u8]; 58] = [
    b"\r\n",
    b"\r\n",
    b"\r\n",
    b"\n",
    b" ",
    b" ",
    b" ",
    b"a",
    b"b",
    b"key",
    b"0",
    b"1",
    b"2",
    b"5",
    b"-1",
    b"100",
    b"2147483647",
    b"18446744073709551615",
    b"get",
    b"gets",
    b"gat 0",
    b"gats 0",
    b"set",
    b"add",
    b"replace",
    b"append",
    b"prepend",
    b"cas",
    b"incr",
    b"decr",
    b"touch",
    b"delete",
    b"noreply",
    b"mg",
    b"ms",
    b"md",
    b"ma",
    b"me",
    b"mn",
    b"v",
    b"k",
    b"q",
    b"b",
    b"O1",
    b"T30",
    b"N30",
    b"R30",
    b"C2",
    b"E9",
    b"I",
    b"x",
    b"MA",
    b"J5",
    b"D2",
    b"set a 0 0 3\r\nabc\r\n",
    b"get a b\r\n",
    b"flush_all\r\n",
    b"\x80\x01\0\x01\x08\0\0\0\0\0\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0k1",
];

/// Bytes fewer than that never meet the limit of a line.
const SHORT: usize = 2000;

fn session() -> Session {
    let shared = Shared::new(Settings::default(), Clock::virtual_at(1_700_000_000));
    Session::new(Arc::clone(&shared), PeerInfo::default())
}

/// Feeds slices as a listener does and returns everything that is answered.
fn feed<'a>(slices: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, bool) {
    let mut session = session();
    let (mut kept, mut output) = (Vec::new(), Vec::new());
    for slice in slices {
        kept.extend_from_slice(slice);
        loop {
            let progress = session.process(&kept, &mut output);
            assert!(progress.consumed <= kept.len());
            kept.drain(..progress.consumed);
            match progress.next {
                Next::NeedInput => break,
                Next::Yield => {}
                Next::Close | Next::Shutdown { .. } => return (output, true),
                Next::Stream => {
                    let state = loop {
                        match session.poll_stream(Waker::noop(), &mut output) {
                            StreamState::More => {}
                            state => break state,
                        }
                    };
                    if state != StreamState::Done {
                        return (output, true);
                    }
                }
            }
        }
    }
    (output, false)
}

fn cut(bytes: &[u8], mut places: Vec<usize>) -> Vec<&[u8]> {
    places.sort_unstable();
    let mut slices = Vec::new();
    let mut start = 0;
    for place in places {
        let end = (place % (bytes.len() + 1)).max(start);
        slices.push(&bytes[start..end]);
        start = end;
    }
    slices.push(&bytes[start..]);
    slices
}

proptest! {
    #[test]
    fn no_bytes_make_it_fail(bytes in vec(any::<u8>(), 0..3000), cuts in vec(any::<usize>(), 0..6)) {
        feed(cut(&bytes, cuts));
    }

    #[test]
    fn no_binary_header_makes_it_fail(
        headers in vec((any::<[u8; 23]>(), vec(any::<u8>(), 0..40)), 1..12),
        cuts in vec(any::<usize>(), 0..6),
    ) {
        let mut bytes = Vec::new();
        for (mut header, body) in headers {
            // Lengths that may be right, so that more than the first is read.
            header[7] = 0;
            header[8] = 0;
            header[9] = 0;
            header[1] = 0;
            bytes.push(0x80);
            bytes.extend_from_slice(&header);
            bytes.extend_from_slice(&body);
        }
        feed(cut(&bytes, cuts));
    }

    #[test]
    fn cuts_do_not_change_an_answer(
        parts in vec(0..PARTS.len(), 0..120),
        cuts in vec(any::<usize>(), 0..12),
    ) {
        let mut bytes: Vec<u8> = parts.iter().flat_map(|part| PARTS[*part].to_vec()).collect();
        bytes.truncate(SHORT);
        let whole = feed([&bytes[..]]);
        prop_assert_eq!(&whole, &feed(cut(&bytes, cuts)));
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&whole, &feed(single));
    }
}
