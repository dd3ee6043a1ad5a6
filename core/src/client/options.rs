//! The options of a client, by the names that every language and URL uses.

use std::time::Duration;

use super::health::HealthPolicy;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Codec as Protocol, Expiry};
use crate::route::Preset;
use crate::value::{Codec, Compression, CompressionFormat, Dialect, Format, Serializer};

/// The options of a client. The fields have the names, units and defaults that
/// hold in all languages; [`set`](Self::set) takes them by name.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// What a call takes at most. Default 1 s.
    pub timeout: Duration,
    /// What opening a connection takes at most. Default 0.25 s.
    pub connect_timeout: Duration,
    /// Idle connections kept per server, in clients with a pool. Default 2.
    pub max_idle: usize,
    /// Connections per server. Default 64 in clients with a pool, 1 in others.
    pub max_connections: Option<usize>,
    /// An idle connection is closed after this time. Default 60 s.
    pub idle_timeout: Duration,
    /// The expiry of items stored without one. Default never.
    pub default_ttl: Expiry,
    /// How values become bytes and flags.
    pub values: Codec,
    /// Which server each key goes to. Default [`ketama`](Preset).
    pub hashing: Preset,
    /// Put before each key. Default none.
    pub prefix: Vec<u8>,
    /// The protocol to speak; `None`, the default, finds out per server.
    pub protocol: Option<Protocol>,
    /// How often a read is made again on another connection. Default 1.
    pub retry_attempts: u32,
    /// When a server is taken out of service and tried again.
    pub health: HealthPolicy,
    /// Whether a failing server raises or reads as a miss. Default raise.
    pub on_error: OnError,
}

/// What the caller sees of a server that fails.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OnError {
    /// Reads become misses and writes are dropped; both are counted and logged.
    Miss,
    /// Errors are raised.
    #[default]
    Raise,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_millis(250),
            max_idle: 2,
            max_connections: None,
            idle_timeout: Duration::from_secs(60),
            default_ttl: Expiry::NEVER,
            values: Codec::new(Dialect::Memoxide),
            hashing: Preset::default(),
            prefix: Vec::new(),
            protocol: None,
            retry_attempts: 1,
            health: HealthPolicy::default(),
            on_error: OnError::Raise,
        }
    }
}

/// The value of an option, as a language or a URL has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting<'a> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// Absent: the default stays.
    None,
    /// A number; times are seconds.
    Number(f64),
    /// Text, as in a URL; numbers are read from it.
    Text(&'a str),
    /// Yes or no.
    Truth(bool),
}

impl Options {
    /// Every name that [`set`](Self::set) knows, in alphabetical order.
    pub const NAMES: [&'static str; 20] = [
        "compress_above",
        "compression",
        "connect_timeout",
        "dead_after",
        "dead_retry",
        "default_ttl",
        "foreign",
        "hashing",
        "idle_timeout",
        "max_connections",
        "max_decompressed_size",
        "max_idle",
        "max_value_size",
        "on_error",
        "prefix",
        "protocol",
        "retry_attempts",
        "serializer",
        "timeout",
        "values",
    ];

    /// Sets an option by its name. Give `values` before the options that refine it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when there is no such option or the value does not
    /// fit it; the message names both.
    pub fn set(&mut self, name: &str, setting: &Setting<'_>) -> Result<()> {
        if *setting == Setting::None && Self::NAMES.contains(&name) {
            return Ok(());
        }
        let option = Named { name, setting };
        match name {
            "compress_above" => {
                let above = option.count(usize::MAX as u64)? as usize;
                let format = self
                    .values
                    .compression
                    .map_or(CompressionFormat::Zlib, |c| c.format);
                self.values.compression = Some(Compression { format, above });
            }
            "compression" => {
                let text = option.text()?;
                let format = CompressionFormat::by_name(text)
                    .ok_or_else(|| option.refuse("is no compression format"))?;
                let above = self.values.compression.map_or(1024, |c| c.above);
                self.values.compression = Some(Compression { format, above });
            }
            "connect_timeout" => self.connect_timeout = option.seconds()?,
            "dead_after" => self.health.dead_after = option.count(u64::from(u32::MAX))? as u32,
            "dead_retry" => self.health.dead_retry = option.seconds()?,
            "default_ttl" => {
                let seconds = option.count(i32::MAX as u64)? as i64;
                self.default_ttl = Expiry::from_seconds(seconds, crate::net::unix_now)?;
            }
            "foreign" => {
                for word in option.text()?.split(',') {
                    let format = Format::by_name(word.trim())
                        .ok_or_else(|| option.refuse("is no format"))?;
                    self.values.foreign = self.values.foreign.with(format);
                }
            }
            "hashing" => self.hashing = Preset::by_name(option.text()?)?,
            "idle_timeout" => self.idle_timeout = option.seconds()?,
            "max_connections" => {
                self.max_connections = Some(option.count(65_536)?.max(1) as usize);
            }
            "max_decompressed_size" => {
                self.values.max_decompressed_size = option.count(u64::from(u32::MAX))? as usize;
            }
            "max_idle" => self.max_idle = option.count(65_536)? as usize,
            "max_value_size" => {
                self.values.max_value_size = option.count(u64::from(u32::MAX))? as usize;
            }
            "on_error" => {
                self.on_error = match option.text()? {
                    "miss" => OnError::Miss,
                    "raise" => OnError::Raise,
                    _ => return Err(option.refuse("is neither raise nor miss")),
                };
            }
            "prefix" => {
                self.prefix = match setting {
                    Setting::Bytes(bytes) => bytes.to_vec(),
                    _ => option.text()?.as_bytes().to_vec(),
                };
                if !self.prefix.is_empty() {
                    crate::Key::new(&self.prefix).map_err(|error| {
                        option.refuse(&format!("cannot begin a key: {}", error.message()))
                    })?;
                }
            }
            "protocol" => {
                self.protocol = match option.text()? {
                    "auto" => None,
                    "meta" => Some(Protocol::Meta),
                    "text" => Some(Protocol::Text),
                    _ => return Err(option.refuse("is none of auto, meta, text")),
                };
            }
            "retry_attempts" => self.retry_attempts = option.count(100)? as u32,
            "serializer" => {
                self.values.serializer = Serializer::by_name(option.text()?)
                    .ok_or_else(|| option.refuse("is no serializer"))?;
            }
            "timeout" => self.timeout = option.seconds()?,
            "values" => {
                let dialect = Dialect::by_name(option.text()?)?;
                self.values = Codec {
                    dialect,
                    serializer: dialect.serializer(),
                    ..self.values.clone()
                };
            }
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    /// Checks that the options fit together.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] or [`ErrorKind::Unsupported`], as
    /// [`Codec::check`](crate::value::Codec::check) says.
    pub fn check(&self) -> Result<()> {
        self.values.check()
    }
}

fn unknown(name: &str) -> Error {
    let message = format!(
        "there is no option \"{}\", only: {}",
        name.escape_debug(),
        Options::NAMES.join(", ")
    );
    Error::new(ErrorKind::Config, message)
}

/// An option and what it is to be set to.
struct Named<'a> {
    name: &'a str,
    setting: &'a Setting<'a>,
}

impl<'a> Named<'a> {
    fn number(&self) -> Result<f64> {
        match self.setting {
            Setting::Number(number) => Ok(*number),
            Setting::Text(text) => text.parse().map_err(|_| self.refuse("is no number")),
            _ => Err(self.refuse("is no number")),
        }
    }

    fn seconds(&self) -> Result<Duration> {
        let seconds = self.number()?;
        // Longer than a year is surely milliseconds; sockets could not keep it either.
        if seconds > 0.0 && seconds <= 31_536_000.0 {
            return Ok(Duration::from_secs_f64(seconds));
        }
        Err(self.refuse("is no time in seconds, above 0 and up to a year"))
    }

    fn count(&self, most: u64) -> Result<u64> {
        let number = self.number()?;
        if number >= 0.0 && number.fract() == 0.0 && number <= most as f64 {
            return Ok(number as u64);
        }
        Err(self.refuse(&format!("is no whole number from 0 to {most}")))
    }

    fn text(&self) -> Result<&'a str> {
        match self.setting {
            Setting::Text(text) => Ok(text),
            _ => Err(self.refuse("is no text")),
        }
    }

    fn refuse(&self, why: &str) -> Error {
        let shown = match self.setting {
            Setting::Bytes(bytes) => crate::key::shorten(bytes),
            Setting::None => "none".to_owned(),
            Setting::Number(number) => number.to_string(),
            Setting::Text(text) => crate::key::shorten(text.as_bytes()),
            Setting::Truth(truth) => truth.to_string(),
        };
        Error::new(
            ErrorKind::Config,
            format!("option {}: {shown} {why}", self.name),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value that each option takes.
    fn sample(name: &str) -> Setting<'static> {
        match name {
            "compression" => Setting::Text("zlib"),
            "foreign" => Setting::Text("pickle"),
            "hashing" => Setting::Text("memjs"),
            "on_error" => Setting::Text("miss"),
            "prefix" => Setting::Text("app:"),
            "protocol" => Setting::Text("text"),
            "serializer" => Setting::Text("json"),
            "values" => Setting::Text("python"),
            _ => Setting::Number(5.0),
        }
    }

    #[test]
    fn every_name_is_known_and_none_changes_nothing() {
        for name in Options::NAMES {
            let mut options = Options::default();
            options.set(name, &sample(name)).expect(name);
            options.set(name, &Setting::None).expect(name);
        }
    }

    #[test]
    fn a_misfit_names_the_option() {
        let mut options = Options::default();
        for (name, setting) in [
            ("timeout", Setting::Number(0.0)),
            ("timeout", Setting::Number(f64::NAN)),
            ("max_idle", Setting::Number(1.5)),
            ("protocol", Setting::Text("binary?")),
            ("prefix", Setting::Text("a b")),
            ("timeouts", Setting::Number(1.0)),
        ] {
            let error = options.set(name, &setting).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.message().contains(name), "{error}");
        }
    }
}
