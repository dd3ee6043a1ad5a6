//! What a server is told before it starts, in the words of memcached's flags.

use std::borrow::Cow;
use std::fmt;

/// Which protocols a connection may speak (`-B`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ProtocolChoice {
    /// The first byte of a connection decides: 0x80 is binary, all else text.
    #[default]
    Auto,
    /// Text and meta only.
    Ascii,
    /// Binary only.
    Binary,
}

/// A user name and a password, compared byte for byte.
#[derive(Clone, Eq, PartialEq)]
pub struct Credential {
    /// The user name.
    pub username: Vec<u8>,
    /// The password.
    pub password: Vec<u8>,
}

impl Credential {
    /// Creates a credential from a name and a password.
    pub fn new(username: impl Into<Vec<u8>>, password: impl Into<Vec<u8>>) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
        }
    }
}

impl fmt::Debug for Credential {
    /// Shows the name and hides the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("username", &String::from_utf8_lossy(&self.username))
            .field("password", &"***")
            .finish()
    }
}

/// The settings of one server; [`Default`] gives memcached's defaults, except
/// for one thread instead of four.
///
/// ```
/// use memoxide::server::Settings;
///
/// let settings = Settings { item_size_limit: 2 << 20, ..Settings::default() };
/// assert_eq!(settings.memory_limit, 64 << 20);
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bytes that items may take (`-m`, there in MiB). Default 64 MiB.
    pub memory_limit: u64,
    /// Bytes that one item may take, key and header included (`-I`). Default 1 MiB.
    pub item_size_limit: u32,
    /// Threads that run sessions (`-t`); also the number of store shards. Default 1.
    pub threads: usize,
    /// Open connections beyond which new ones are refused (`-c`). Default 1024.
    pub max_connections: usize,
    /// Whether a full store evicts (true) or refuses writes (`-M`). Default true.
    pub evictions: bool,
    /// Whether items carry a cas id (`-C` turns it off). Default true.
    pub cas: bool,
    /// Whether `flush_all` is allowed (`-F` turns it off). Default true.
    pub flush_enabled: bool,
    /// Whether `shutdown` is allowed (`-A`). Default false.
    pub shutdown_enabled: bool,
    /// Whether `stats cachedump` and `lru_crawler metadump` are allowed (`-X`
    /// turns them off). Default true.
    pub dump_enabled: bool,
    /// Whether `watch` is allowed (`-W` turns it off). Default true.
    pub watch_enabled: bool,
    /// Users for text authentication (`-Y`); `None` asks nobody. Default `None`.
    pub auth_file: Option<Vec<Credential>>,
    /// Users for SASL over the binary protocol (`-S`); `None` turns SASL off.
    /// Some turns the text protocol off. Default `None`.
    pub sasl: Option<Vec<Credential>>,
    /// Which protocols are spoken (`-B`). Default [`ProtocolChoice::Auto`].
    pub protocol: ProtocolChoice,
    /// Seconds after which an idle connection is closed (`-o idle_timeout`);
    /// 0 never. Kept by the listener, reported here. Default 0.
    pub idle_timeout: u32,
    /// Verbosity (`-v`), only reported. Default 0.
    pub verbosity: u32,
    /// The version reported to clients. Default `1.6.45`.
    pub version: Cow<'static, str>,
    /// The TCP port, only reported. Default 11211.
    pub tcp_port: u16,
    /// The interface listened on, only reported. Default `None`.
    pub interface: Option<String>,
    /// The path of the unix socket, only reported. Default `None`.
    pub unix_socket: Option<String>,
    /// The access mask of the unix socket (`-a`), only reported. Default 0o700.
    pub unix_socket_mask: u32,
    /// Whether the listener speaks TLS, only reported. Default false.
    pub tls: bool,
    /// Requests after which a busy connection lets others go first (`-R`), only
    /// reported: sessions yield by bytes of output. Default 20.
    pub requests_per_event: u32,
    /// Growth factor of the reported slab classes (`-f`). Default 1.25.
    pub growth_factor: f64,
    /// Smallest space for key, value and flags of the reported slab classes
    /// (`-n`). Default 48.
    pub chunk_size: u32,
    /// Prefix delimiter of `stats detail` (`-D`). Default `:`.
    pub prefix_delimiter: u8,
    /// Whether `stats detail` collects from the start (`-D`). Default false.
    pub detail_enabled: bool,
    /// Whether `lru_crawler` starts enabled (`-o no_lru_crawler` turns it off).
    /// Default true.
    pub lru_crawler: bool,
    /// Whether the LRU maintainer is reported as running
    /// (`-o no_lru_maintainer` turns it off). Default true.
    pub lru_maintainer: bool,
    /// Whether `stats sizes` collects (`-o track_sizes`). Default false.
    pub track_sizes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory_limit: 64 << 20,
            item_size_limit: 1 << 20,
            threads: 1,
            max_connections: 1024,
            evictions: true,
            cas: true,
            flush_enabled: true,
            shutdown_enabled: false,
            dump_enabled: true,
            watch_enabled: true,
            auth_file: None,
            sasl: None,
            protocol: ProtocolChoice::Auto,
            idle_timeout: 0,
            verbosity: 0,
            version: Cow::Borrowed("1.6.45"),
            tcp_port: 11211,
            interface: None,
            unix_socket: None,
            unix_socket_mask: 0o700,
            tls: false,
            requests_per_event: 20,
            growth_factor: 1.25,
            chunk_size: 48,
            prefix_delimiter: b':',
            detail_enabled: false,
            lru_crawler: true,
            lru_maintainer: true,
            track_sizes: false,
        }
    }
}
