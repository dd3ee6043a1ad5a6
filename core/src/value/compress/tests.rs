use proptest::prelude::*;

use super::*;

const STREAMS: [Stream; 5] = [
    Stream::FastLz,
    Stream::Gzip,
    Stream::Zlib,
    Stream::Zstd,
    Stream::ZstdMagicless,
];

/// Bytes with repetitions near and far, of all lengths.
fn repetitive() -> impl Strategy<Value = Vec<u8>> {
    let block = proptest::collection::vec(any::<u8>(), 0..400);
    let part = (block, 0_usize..40);
    proptest::collection::vec(part, 0..12).prop_map(|parts| {
        let blocks = parts.iter().map(|(block, times)| block.repeat(*times));
        let mut bytes = blocks.collect::<Vec<_>>().concat();
        // Once more, from farther back.
        bytes.extend_from_within(..bytes.len() / 2);
        bytes
    })
}

fn can(stream: Stream) -> bool {
    cfg!(feature = "compress") || stream == Stream::FastLz
}

fn packed(stream: Stream, bytes: &[u8]) -> Option<Vec<u8>> {
    Packing::prefixed(stream).pack(bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_packed_is_unpacked(bytes in repetitive()) {
        for stream in STREAMS {
            let Some(packed) = packed(stream, &bytes) else {
                prop_assert!(!can(stream));
                continue;
            };
            let packing = Packing::prefixed(stream);
            if bytes.is_empty() && stream == Stream::FastLz {
                // FastLZ has no stream for nothing; no dialect packs it.
                continue;
            }
            let unpacked = packing.unpack(&packed, bytes.len());
            prop_assert_eq!(unpacked.as_ref(), Ok(&bytes));
            if !bytes.is_empty() {
                let less = packing.unpack(&packed, bytes.len() - 1);
                prop_assert_eq!(less, Err(Failure::TooLarge));
                let less = stream.inflate(&packed[PREFIX..], bytes.len() - 1);
                prop_assert_eq!(less, Err(Failure::TooLarge));
            }
        }
    }

    #[test]
    fn a_damaged_stream_is_an_error_or_within_the_limit(
        bytes in repetitive(),
        cut in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bit in 0_u32..8,
    ) {
        for stream in STREAMS {
            let Some(mut packed) = packed(stream, &bytes) else {
                continue;
            };
            let short = &packed[..cut.index(packed.len())];
            // Without its last instruction a FastLZ stream is another one, but
            // the length in front does not fit.
            prop_assert!(Packing::prefixed(stream).unpack(short, 1 << 20).is_err());
            let index = at.index(packed.len());
            packed[index] ^= 1 << bit;
            if let Ok(inflated) = stream.inflate(&packed[PREFIX..], 5000) {
                prop_assert!(inflated.len() <= 5000);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in any::<Vec<u8>>(), limit in 0_usize..2000) {
        for stream in STREAMS.into_iter().chain([Stream::Marked]) {
            for packing in [Packing::plain(stream), Packing::prefixed(stream)] {
                if let Ok(inflated) = packing.unpack(&bytes, limit) {
                    prop_assert!(inflated.len() <= limit);
                }
            }
        }
    }
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let zeros = vec![0; 2 << 20];
    for stream in STREAMS.into_iter().filter(|stream| can(*stream)) {
        let mut packed = Vec::new();
        stream.deflate(&zeros, &mut packed).expect("packed");
        assert!(packed.len() < zeros.len() / 50, "{stream:?}");
        assert_eq!(stream.inflate(&packed, 1 << 16), Err(Failure::TooLarge));
    }
}

#[test]
fn a_claimed_length_is_not_believed() {
    for stream in STREAMS.into_iter().filter(|stream| can(*stream)) {
        let mut packed = packed(stream, b"twelve bytes").expect("packed");
        let packing = Packing::prefixed(stream);
        packed[0] += 1;
        assert!(matches!(
            packing.unpack(&packed, 1 << 30),
            Err(Failure::Corrupt(_))
        ));
        packed[0] -= 2;
        assert!(matches!(
            packing.unpack(&packed, 1 << 30),
            Err(Failure::Corrupt(_))
        ));
        packed[..PREFIX].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(packing.unpack(&packed, 1 << 30), Err(Failure::TooLarge));
    }
}

#[test]
fn bytes_behind_a_stream_are_refused() {
    for stream in [
        Stream::Gzip,
        Stream::Zlib,
        Stream::Zstd,
        Stream::ZstdMagicless,
    ] {
        let mut packed = Vec::new();
        if stream.deflate(b"value", &mut packed).is_none() {
            assert!(!can(stream));
            continue;
        }
        packed.push(b'x');
        assert!(matches!(
            stream.inflate(&packed, 100),
            Err(Failure::Corrupt(_))
        ));
    }
}

#[test]
fn fastlz_levels_switch_where_php_switches() {
    for (length, level) in [(65_535, 0), (65_536, 1)] {
        let mut packed = Vec::new();
        fastlz::compress(&vec![7; length], &mut packed);
        assert_eq!(packed[0] >> 5, level);
        assert_eq!(
            fastlz::decompress(&packed, length).map(|out| out.len()),
            Ok(length)
        );
    }
}

#[test]
fn fastlz_reaches_as_far_back_as_its_format_allows() {
    // Blocks of 4-byte numbers repeat only at the distance of the block.
    for distance in [8191, 8192, 8193, 65_536, 73_726, 73_727, 100_000] {
        let block: Vec<u8> = (0_u32..)
            .flat_map(|n| (n.wrapping_mul(0x9e37_79b1)).to_le_bytes())
            .take(distance)
            .collect();
        let bytes = block.repeat(3);
        let mut packed = Vec::new();
        fastlz::compress(&bytes, &mut packed);
        assert_eq!(
            fastlz::decompress(&packed, bytes.len()).as_ref(),
            Ok(&bytes),
            "{distance}"
        );
    }
}
