//! Which dialect and options read what a recorded client wrote.

use memoxide::value::{Codec, CompressionFormat, Dialect, Format, Formats, Serializer};

pub(crate) fn dialect(id: &str) -> Dialect {
    const PREFIXES: [(&str, Dialect); 18] = [
        ("aiomcache", Dialect::Raw),
        ("cachelib", Dialect::Pylibmc),
        ("connect-memcached", Dialect::NodeMemcached),
        ("dalli", Dialect::Dalli),
        ("django-PyLibMC", Dialect::Pylibmc),
        ("django-PyMemcache", Dialect::Python),
        ("emcache", Dialect::Raw),
        ("memcache-client", Dialect::MemcacheClient),
        ("memjs", Dialect::Raw),
        ("meta-memcache", Dialect::MetaMemcache),
        ("node-memcached", Dialect::NodeMemcached),
        ("node-memcache", Dialect::Raw),
        ("php-memcached", Dialect::Php),
        ("pylibmc", Dialect::Pylibmc),
        ("pymemcache-compressed_serde", Dialect::Python),
        ("pymemcache-no-serde", Dialect::Raw),
        ("pymemcache-pickle_serde", Dialect::Python),
        ("python-memcached", Dialect::Python),
    ];
    let found = PREFIXES
        .into_iter()
        .find(|(prefix, _)| id.starts_with(prefix));
    found.unwrap_or_else(|| panic!("no dialect for {id}")).1
}

pub(crate) fn codec(id: &str) -> Codec {
    let dialect = dialect(id);
    let json = id.ends_with("json");
    Codec {
        foreign: Formats::ALL,
        serializer: if json {
            Serializer::Json
        } else {
            Serializer::Native
        },
        user_flags: if id == "php-memcached-userflags" {
            4660
        } else {
            0
        },
        ..Codec::new(dialect)
    }
}

/// Whose plain payloads have the same serialized bytes, and in which format.
pub(crate) fn serializer(id: &str) -> (&str, Format) {
    match id {
        "meta-memcache-mixed" | "python-memcached-min_compress_len-100" => {
            ("python-memcached", Format::Pickle)
        }
        "meta-memcache-zstd" | "pymemcache-compressed_serde" => {
            ("pymemcache-pickle_serde", Format::Pickle)
        }
        "pylibmc-min_compress_len-100" | "pylibmc-min_compress_len-100-level-9" => {
            ("pylibmc", Format::Pickle)
        }
        "php-memcached-igbinary" => (id, Format::Igbinary),
        "php-memcached-msgpack" => (id, Format::Msgpack),
        _ if id.starts_with("php") => ("php-memcached-nocompress", Format::PhpSerialized),
        _ if id.starts_with("dalli") => ("dalli-nocompress", Format::Marshal),
        _ => (id, Format::Pickle),
    }
}

/// The format that flags and bytes say.
pub(crate) fn compression(dialect: Dialect, flags: u32, bytes: &[u8]) -> Option<CompressionFormat> {
    use CompressionFormat::{FastLz, Gzip, Zlib, Zstd};

    let bit = |bit: u32, format| (flags & bit != 0).then_some(format);
    match dialect {
        Dialect::Dalli if bytes.starts_with(b"\x1f\x8b") => bit(2, Gzip),
        Dialect::Dalli => bit(2, Zlib),
        Dialect::MemcacheClient => bit(1, Zlib),
        Dialect::MetaMemcache => bit(8, Zlib).or_else(|| bit(32, Zstd)),
        Dialect::Php => bit(32, Zlib).or_else(|| bit(64, FastLz)),
        Dialect::Pylibmc | Dialect::Python => bit(8, Zlib),
        _ => None,
    }
}
