//! Arbitrary bytes as requests: the server's session never panics, takes no
//! more than it is given, and comes to an end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memoxide::server::{Clock, Next, PeerInfo, Session, Settings, Shared};

fuzz_target!(|input: (u8, Vec<u8>)| {
    let (split, bytes) = input;
    let settings = Settings {
        memory_limit: 8 << 20,
        ..Settings::default()
    };
    let shared = Shared::new(settings, Clock::virtual_at(1_800_000_000));
    let peer = PeerInfo {
        connection: 1,
        address: None,
        listener: None,
    };
    let mut session = Session::new(shared, peer);
    let mut pending = Vec::new();
    let mut output = Vec::new();
    for chunk in bytes.chunks(usize::from(split).max(1)) {
        pending.extend_from_slice(chunk);
        loop {
            let progress = session.process(&pending, &mut output);
            assert!(progress.consumed <= pending.len());
            pending.drain(..progress.consumed);
            output.clear();
            match progress.next {
                Next::Yield => {}
                Next::NeedInput => break,
                Next::Close | Next::Shutdown { .. } | Next::Stream => return,
            }
        }
    }
    session.end_of_input(&mut output);
});
