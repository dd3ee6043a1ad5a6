//! Setting options by name.

use std::time::Duration;

use super::{Auth, OnError, Options, PlaintextAuth, TlsOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Codec as Protocol, Expiry};
use crate::route::Preset;
use crate::value::{Codec, Compression, CompressionFormat, Dialect, Format, Serializer};

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
    pub const NAMES: [&'static str; 31] = [
        "auth",
        "busy_poll",
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
        "password",
        "plaintext_auth",
        "prefix",
        "protocol",
        "retry_attempts",
        "serializer",
        "timeout",
        "tls",
        "tls_ca",
        "tls_cert",
        "tls_key",
        "tls_server_name",
        "tls_verify",
        "username",
        "values",
    ];

    /// Sets an option by its name. Give `values` before the options that refine
    /// it, and `tls` before those that begin with it.
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
            "auth" => {
                self.auth = match option.text()? {
                    "ascii" => Auth::Ascii,
                    "sasl" => Auth::Sasl,
                    _ => return Err(option.refuse("is neither sasl nor ascii")),
                };
            }
            "busy_poll" => self.busy_poll = option.fraction()?,
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
            "hashing" => {
                self.hashing =
                    Preset::by_name(option.text()?).map_err(|error| option.explain(&error))?;
            }
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
            "password" => self.password = Some(option.text()?.into()),
            "plaintext_auth" => {
                self.plaintext_auth = match option.text()? {
                    "allow" => PlaintextAuth::Allow,
                    "refuse" => PlaintextAuth::Refuse,
                    "warn" => PlaintextAuth::Warn,
                    _ => return Err(option.refuse("is none of warn, allow, refuse")),
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
            "tls" => {
                self.tls = option.truth()?.then(|| self.tls.take().unwrap_or_default());
            }
            "tls_ca" => self.encrypted().ca = Some(option.text()?.into()),
            "tls_cert" => self.encrypted().cert = Some(option.text()?.into()),
            "tls_key" => self.encrypted().key = Some(option.text()?.into()),
            "tls_server_name" => self.encrypted().server_name = Some(option.text()?.to_owned()),
            "tls_verify" => self.encrypted().verify = option.truth()?,
            "username" => self.username = Some(option.text()?.to_owned()),
            "values" => {
                let dialect =
                    Dialect::by_name(option.text()?).map_err(|error| option.explain(&error))?;
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
}

impl Options {
    /// The settings of TLS, which is on from here.
    fn encrypted(&mut self) -> &mut TlsOptions {
        self.tls.get_or_insert_default()
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

    /// A short time, or none at all.
    fn fraction(&self) -> Result<Duration> {
        let seconds = self.number()?;
        if (0.0..=1.0).contains(&seconds) {
            return Ok(Duration::from_secs_f64(seconds));
        }
        Err(self.refuse("is no time in seconds, from 0 to 1"))
    }

    fn count(&self, most: u64) -> Result<u64> {
        let number = self.number()?;
        if number >= 0.0 && number.fract() == 0.0 && number <= most as f64 {
            return Ok(number as u64);
        }
        Err(self.refuse(&format!("is no whole number from 0 to {most}")))
    }

    fn truth(&self) -> Result<bool> {
        match self.setting {
            Setting::Truth(truth) => Ok(*truth),
            Setting::Text("true" | "yes" | "on" | "1") => Ok(true),
            Setting::Text("false" | "no" | "off" | "0") => Ok(false),
            _ => Err(self.refuse("is neither true nor false")),
        }
    }

    fn text(&self) -> Result<&'a str> {
        match self.setting {
            Setting::Text(text) => Ok(text),
            _ => Err(self.refuse("is no text")),
        }
    }

    /// Names the option in an error about its value.
    fn explain(&self, error: &Error) -> Error {
        let message = format!("option {}: {}", self.name, error.message());
        Error::new(ErrorKind::Config, message)
    }

    fn refuse(&self, why: &str) -> Error {
        let shown = match self.setting {
            _ if self.name == "password" => "***".to_owned(),
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
