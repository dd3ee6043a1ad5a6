//! memcached's flags, and what they make of a server.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use super::super::getopt::{self, Flag, Value};
use super::extended::{self, Extended};
use super::{Failure, USAGE};
use crate::server::fault::Rule;
use crate::server::{ProtocolChoice, Settings};

/// Every flag of memcached 1.6.45, and behind them our own.
pub(super) const TABLE: [Flag; 41] = [
    flag('a', "unix-mask", Value::Required),
    flag('A', "enable-shutdown", Value::Never),
    flag('Z', "enable-ssl", Value::Never),
    flag('p', "port", Value::Required),
    flag('s', "unix-socket", Value::Required),
    flag('U', "udp-port", Value::Required),
    flag('m', "memory-limit", Value::Required),
    flag('M', "disable-evictions", Value::Never),
    flag('c', "conn-limit", Value::Required),
    flag('k', "lock-memory", Value::Never),
    flag('h', "help", Value::Never),
    flag('i', "license", Value::Never),
    flag('V', "version", Value::Never),
    flag('r', "enable-coredumps", Value::Never),
    flag('v', "verbose", Value::Optional),
    flag('d', "daemon", Value::Never),
    flag('l', "listen", Value::Required),
    flag('u', "user", Value::Required),
    flag('P', "pidfile", Value::Required),
    flag('f', "slab-growth-factor", Value::Required),
    flag('n', "slab-min-size", Value::Required),
    flag('t', "threads", Value::Required),
    flag('D', "prefix-delimiter", Value::Required),
    flag('L', "enable-largepages", Value::Never),
    flag('R', "max-reqs-per-event", Value::Required),
    flag('C', "disable-cas", Value::Never),
    flag('b', "listen-backlog", Value::Required),
    flag('B', "protocol", Value::Required),
    flag('I', "max-item-size", Value::Required),
    flag('S', "enable-sasl", Value::Never),
    flag('F', "disable-flush-all", Value::Never),
    flag('X', "disable-dumping", Value::Never),
    flag('W', "disable-watch", Value::Never),
    flag('Y', "auth-file", Value::Required),
    flag('e', "memory-file", Value::Required),
    flag('o', "extended", Value::Required),
    flag('N', "napi-ids", Value::Required),
    flag(FAULT, "fault", Value::Required),
    flag(FAULT_CONTROL, "fault-control", Value::Never),
    flag(REQUEST_TIMEOUT, "request-timeout", Value::Required),
    flag(BUFFER_LIMIT, "buffer-limit", Value::Required),
];

const FAULT: char = '\u{1}';
const FAULT_CONTROL: char = '\u{2}';
const REQUEST_TIMEOUT: char = '\u{3}';
const BUFFER_LIMIT: char = '\u{4}';

const fn flag(short: char, long: &'static str, value: Value) -> Flag {
    Flag { short, long, value }
}

/// What a command line asks for.
#[derive(Debug)]
pub(super) enum Command {
    /// Print the help.
    Help,
    /// Print the licence.
    License,
    /// Print the version.
    Version,
    /// Run a server.
    Serve(Box<Options>),
}

/// A server to run.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) settings: Settings,
    /// `-p`; -1 for a free port.
    pub(super) port: i32,
    /// `-l`, split at commas and semicolons.
    pub(super) interfaces: Vec<String>,
    pub(super) unix_socket: Option<PathBuf>,
    pub(super) backlog: u32,
    pub(super) daemon: bool,
    pub(super) user: Option<String>,
    pub(super) pid_file: Option<PathBuf>,
    pub(super) auth_file: Option<PathBuf>,
    pub(super) sasl: bool,
    pub(super) tls: bool,
    pub(super) extended: Extended,
    pub(super) faults: Vec<Rule>,
    pub(super) fault_control: bool,
    pub(super) request_timeout: Option<Duration>,
    pub(super) buffer_limit: Option<usize>,
    /// What was asked for and is not done, for the standard error stream.
    pub(super) warnings: Vec<String>,
}

/// Reads a command line as memcached does, in its order: the first flag that is
/// wrong, or that only prints something, decides.
pub(super) fn read(words: &[impl AsRef<OsStr>]) -> Result<Command, Failure> {
    let words: Vec<String> = words
        .iter()
        .map(|word| word.as_ref().to_string_lossy().into_owned())
        .collect();
    let (parsed, error) = getopt::parse(&TABLE, &words);
    let mut reader = Reader::new();
    for (letter, value) in parsed.flags {
        // As memcached, which skips space in front of a value.
        let value = value.unwrap_or_default();
        match letter {
            'h' => return Ok(Command::Help),
            'i' => return Ok(Command::License),
            'V' => return Ok(Command::Version),
            _ => reader.take(letter, value.trim_start())?,
        }
    }
    if let Some(message) = error {
        return Err(Failure::getopt(message));
    }
    for word in parsed.operands {
        let warning = format!("ignoring the argument {word:?}, which belongs to no flag");
        reader.options.warnings.push(warning);
    }
    reader.finish().map(Box::new).map(Command::Serve)
}

struct Reader {
    options: Options,
    tcp_named: bool,
    udp_port: Option<i32>,
    protocol_named: bool,
    item_size: i64,
    memory: i64,
}

impl Reader {
    fn new() -> Self {
        let settings = Settings {
            threads: 4,
            ..Settings::default()
        };
        Self {
            item_size: i64::from(settings.item_size_limit),
            memory: i64::try_from(settings.memory_limit).unwrap_or(i64::MAX),
            options: Options {
                settings,
                port: 11211,
                interfaces: Vec::new(),
                unix_socket: None,
                backlog: 1024,
                daemon: false,
                user: None,
                pid_file: None,
                auth_file: None,
                sasl: false,
                tls: false,
                extended: Extended::default(),
                faults: Vec::new(),
                fault_control: false,
                request_timeout: None,
                buffer_limit: None,
                warnings: Vec::new(),
            },
            tcp_named: false,
            udp_port: None,
            protocol_named: false,
        }
    }

    fn take(&mut self, letter: char, value: &str) -> Result<(), Failure> {
        let options = &mut self.options;
        let settings = &mut options.settings;
        match letter {
            'a' => settings.unix_socket_mask = octal(value)?,
            'A' => settings.shutdown_enabled = true,
            'b' => options.backlog = u32::try_from(number(letter, value)?).unwrap_or(0),
            'B' => {
                self.protocol_named = true;
                settings.protocol = protocol(value)?;
            }
            'c' => {
                let limit = above_zero(letter, value, "Maximum connections")?;
                settings.max_connections = limit as usize;
            }
            'C' => settings.cas = false,
            'd' => options.daemon = true,
            'D' => {
                let delimiter = value.bytes().next();
                let none = || Failure::new(1, "No delimiter specified");
                settings.prefix_delimiter = delimiter.ok_or_else(none)?;
                settings.detail_enabled = true;
            }
            'f' => {
                let factor = value.parse().unwrap_or(0.0);
                if factor <= 1.0 {
                    return Err(Failure::new(1, "Factor must be greater than 1"));
                }
                settings.growth_factor = factor;
            }
            'F' => settings.flush_enabled = false,
            'I' => self.item_size = item_size(value)?,
            'l' => options.interfaces.extend(interfaces(value)),
            'm' => self.memory = i64::from(number(letter, value)?) << 20,
            'M' => settings.evictions = false,
            'n' => settings.chunk_size = above_zero(letter, value, "Chunk size")?,
            'N' => drop(above_zero(letter, value, "Maximum number of NAPI IDs")?),
            'o' => extended::read(value, settings, &mut options.extended)?,
            'p' => {
                self.tcp_named = true;
                options.port = number(letter, value)?;
            }
            'P' => options.pid_file = Some(value.into()),
            'R' => {
                let requests = above_zero(letter, value, "Number of requests per event")?;
                settings.requests_per_event = requests;
            }
            's' => options.unix_socket = Some(value.into()),
            'S' => options.sasl = true,
            't' => self.take_threads(value)?,
            'u' => options.user = Some(value.to_owned()),
            'U' => self.udp_port = Some(number(letter, value)?),
            'v' => settings.verbosity += 1,
            'W' => settings.watch_enabled = false,
            'X' => settings.dump_enabled = false,
            'Y' => options.auth_file = Some(value.into()),
            'Z' => options.tls = true,
            FAULT => options.faults.extend(faults(value)?),
            FAULT_CONTROL => options.fault_control = true,
            REQUEST_TIMEOUT => {
                let seconds = above_zero(letter, value, "Request timeout")?;
                options.request_timeout = Some(Duration::from_secs(u64::from(seconds)));
            }
            BUFFER_LIMIT => {
                let megabytes = above_zero(letter, value, "Buffer limit")? as usize;
                options.buffer_limit = Some(megabytes << 20);
            }
            'e' => options
                .warnings
                .push("-e is ignored: items are kept in memory only".into()),
            // Memory locks, core files, large pages: nothing a client can see.
            _ => {}
        }
        Ok(())
    }

    fn take_threads(&mut self, value: &str) -> Result<(), Failure> {
        let threads = above_zero('t', value, "Number of threads")?;
        self.options.settings.threads = threads as usize;
        if threads > 64 {
            self.options.warnings.push(
                "WARNING: Setting a high number of worker threads is not recommended.\n \
                 Set this value to the number of cores in your machine or less."
                    .into(),
            );
        }
        Ok(())
    }

    /// What can only be checked together, in memcached's order.
    fn finish(mut self) -> Result<Options, Failure> {
        let options = &mut self.options;
        let settings = &mut options.settings;
        let wrong = |message: &str| Err(Failure::new(USAGE, message));
        if self.item_size < 1024 {
            return wrong("Item max size cannot be less than 1024 bytes.");
        }
        if self.item_size > self.memory / 2 {
            return wrong("Cannot set item size limit higher than 1/2 of memory max.");
        }
        if self.item_size > 1 << 30 {
            return wrong("Cannot set item size limit higher than a gigabyte.");
        }
        settings.item_size_limit = u32::try_from(self.item_size).unwrap_or(u32::MAX);
        settings.memory_limit = self.memory.unsigned_abs();
        if options.extended.temporary_ttl && !settings.lru_maintainer {
            return wrong("temporary_ttl requires lru_maintainer to be enabled");
        }
        let udp = self.udp_port.filter(|port| *port != 0);
        if options.sasl {
            if !self.protocol_named {
                settings.protocol = ProtocolChoice::Binary;
            } else if settings.protocol != ProtocolChoice::Binary {
                return wrong("ERROR: You cannot allow the ASCII protocol while using SASL.");
            }
            if udp.is_some() {
                return wrong("ERROR: Cannot enable UDP while using binary SASL authentication.");
            }
        }
        if options.auth_file.is_some() {
            if !self.protocol_named {
                settings.protocol = ProtocolChoice::Ascii;
            } else if settings.protocol != ProtocolChoice::Ascii {
                return wrong(
                    "ERROR: You cannot allow the BINARY protocol while using ascii \
                     authentication tokens.",
                );
            }
        }
        if let Some(port) = udp {
            if !self.tcp_named {
                options.port = port;
            }
            options
                .warnings
                .push("-U is ignored: memoxide does not speak UDP".into());
        }
        for port in [Some(options.port), udp].into_iter().flatten() {
            if port > 65535 {
                return wrong(&format!("ERROR: Invalid port number {port}."));
            }
        }
        if options.tls && options.port == 0 {
            return wrong("ERROR: You cannot enable SSL without a TCP port.");
        }
        if options.port == 0 && options.unix_socket.is_none() {
            return wrong(
                "Nothing to listen on: the TCP port is 0 and there is no unix socket \
                 (-p -1 takes any free port).",
            );
        }
        Ok(self.options)
    }
}

/// Reads a whole number. memcached takes anything that is none for 0, which
/// hides mistakes; here they are told.
fn number(letter: char, text: &str) -> Result<i32, Failure> {
    text.trim_end().parse().map_err(|_| {
        let name = TABLE
            .iter()
            .find(|flag| flag.short == letter)
            .map_or("", |flag| flag.long);
        Failure::new(USAGE, format!("Not a number for --{name}: {text:?}"))
    })
}

fn above_zero(letter: char, text: &str, what: &str) -> Result<u32, Failure> {
    match u32::try_from(number(letter, text)?) {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(Failure::new(1, format!("{what} must be greater than 0"))),
    }
}

fn octal(text: &str) -> Result<u32, Failure> {
    u32::from_str_radix(text, 8).map_err(|_| {
        Failure::new(
            USAGE,
            format!("Not an octal number for --unix-mask: {text:?}"),
        )
    })
}

fn item_size(text: &str) -> Result<i64, Failure> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 20),
        _ => (text, 0),
    };
    Ok(i64::from(number('I', digits)?) << shift)
}

fn protocol(text: &str) -> Result<ProtocolChoice, Failure> {
    match text {
        "auto" => Ok(ProtocolChoice::Auto),
        "ascii" => Ok(ProtocolChoice::Ascii),
        "binary" => Ok(ProtocolChoice::Binary),
        other => Err(Failure::new(
            USAGE,
            format!(
                "Invalid value for binding protocol: {other}\n \
                 -- should be one of auto, binary, or ascii"
            ),
        )),
    }
}

fn interfaces(list: &str) -> impl Iterator<Item = String> {
    let parts = list.split([',', ';']).filter(|part| !part.is_empty());
    parts.map(str::to_owned)
}

/// Reads fault rules: JSON, `@` and a file of it, or the name of a preset.
fn faults(text: &str) -> Result<Vec<Rule>, Failure> {
    let usage = |message: String| Failure::new(USAGE, message);
    let rules = if let Some(path) = text.strip_prefix('@') {
        let json = std::fs::read_to_string(path)
            .map_err(|error| usage(format!("cannot read {path}: {error}")))?;
        Rule::parse(&json)
    } else {
        Rule::parse(text)
    };
    rules.map_err(|error| usage(error.message().to_owned()))
}
