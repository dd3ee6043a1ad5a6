//! Arbitrary bytes as PHP's serialized data and sessions: what is read is
//! written back and read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memoxide::value::php::{Objects, Session, Tree};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(tree) = Tree::parse(bytes) {
        drop(tree.to_json(Objects::Properties));
        if let Ok(written) = tree.serialize() {
            let again = Tree::parse(&written).expect("what was written can be read");
            assert_eq!(again.serialize().expect("and written"), written);
        }
    }
    if let Ok(Some(format)) = memoxide::value::php::SessionFormat::detect(bytes)
        && let Ok(session) = Session::parse(format, bytes)
    {
        drop(session.serialize());
    }
});
