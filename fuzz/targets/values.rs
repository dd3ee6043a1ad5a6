//! Arbitrary flags and bytes in every dialect: decoding never panics and never
//! inflates beyond the limit, and what it gives can be explained.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memoxide::value::{Codec, Dialect};

fuzz_target!(|input: (u32, Vec<u8>)| {
    let (flags, bytes) = input;
    for dialect in Dialect::ALL {
        let codec = Codec {
            max_decompressed_size: 1 << 20,
            ..Codec::new(dialect)
        };
        if let Ok(value) = codec.decode(flags, bytes.as_slice().into()) {
            drop(codec.encode(value.into_owned()));
        }
    }
    drop(memoxide::value::explain(flags, &bytes));
});
