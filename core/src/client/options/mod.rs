//! The options of a client, by the names that every language and URL uses.

mod secrets;
mod set;
mod show;

use std::time::Duration;

pub use self::secrets::{Auth, Password, PlaintextAuth, TlsOptions};
pub use self::set::Setting;
use super::health::HealthPolicy;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Codec as Protocol, Credentials, Expiry};
use crate::route::Preset;
use crate::value::{Codec, Dialect};

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
    /// How long an async client keeps its runtime awake for the reply to a call
    /// that is alone under way, at most; zero is never. Default 50 µs.
    ///
    /// The runtime looks for events without sleeping then, and need not be woken
    /// when the reply comes. That is done only where it was found to make replies a
    /// tenth faster at least: with a near server that has a CPU of its own. The
    /// call's future is polled meanwhile, many times. Blocking clients sleep.
    pub busy_poll: Duration,
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
    /// The name to authenticate with. Default none.
    pub username: Option<String>,
    /// The password that belongs to it. Default none.
    pub password: Option<Password>,
    /// How to authenticate where there is a name. Default SASL.
    pub auth: Auth,
    /// What becomes of credentials that would go unencrypted to another machine.
    /// Default warn.
    pub plaintext_auth: PlaintextAuth,
    /// How links are encrypted; `None`, the default, is not at all.
    pub tls: Option<TlsOptions>,
}

/// What the caller sees of a server that fails.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OnError {
    /// Where a server fails, reads become misses and writes are dropped; both
    /// are logged.
    ///
    /// A server fails that cannot be reached, does not answer in time, or
    /// answers `SERVER_ERROR` (out of memory; a proxy whose server is down).
    /// What the caller did wrong stays an error: an illegal key, a value that is
    /// too large or cannot be encoded. So do calls whose answer decides
    /// something: `add`, `replace`, `cas`, counters, locks and updates.
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
            busy_poll: Duration::from_micros(50),
            default_ttl: Expiry::NEVER,
            values: Codec::new(Dialect::Memoxide),
            hashing: Preset::default(),
            prefix: Vec::new(),
            protocol: None,
            retry_attempts: 1,
            health: HealthPolicy::default(),
            on_error: OnError::Raise,
            username: None,
            password: None,
            auth: Auth::Sasl,
            plaintext_auth: PlaintextAuth::Warn,
            tls: None,
        }
    }
}

impl Options {
    /// Checks that the options fit together.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when a name has no password or the other way
    /// round, or what [`Codec::check`](crate::value::Codec::check) says;
    /// [`ErrorKind::Unsupported`] for SASL, which needs the binary protocol.
    pub fn check(&self) -> Result<()> {
        self.values.check()?;
        self.credentials().map(drop)
    }

    /// Returns what authenticates connections.
    pub(super) fn credentials(&self) -> Result<Option<Credentials>> {
        match (&self.username, &self.password, self.auth) {
            (None, None, _) => Ok(None),
            (None, Some(_), _) => Err(config("password is given without username")),
            (Some(_), None, _) => Err(config("username is given without password")),
            (Some(username), Some(password), Auth::Ascii) => {
                Credentials::new(username, password.reveal()).map(Some)
            }
            (Some(_), Some(_), Auth::Sasl) => {
                let message = "SASL needs the binary protocol, which this client does not speak; \
                    servers started with -Y take auth=ascii";
                Err(Error::new(ErrorKind::Unsupported, message))
            }
        }
    }
}

fn config(message: &'static str) -> Error {
    Error::new(ErrorKind::Config, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value that each option takes.
    fn sample(name: &str) -> Setting<'static> {
        match name {
            "auth" => Setting::Text("ascii"),
            "busy_poll" => Setting::Number(0.0),
            "compression" => Setting::Text("zlib"),
            "foreign" => Setting::Text("pickle"),
            "hashing" => Setting::Text("memjs"),
            "on_error" => Setting::Text("miss"),
            "plaintext_auth" => Setting::Text("refuse"),
            "prefix" => Setting::Text("app:"),
            "protocol" => Setting::Text("text"),
            "serializer" => Setting::Text("json"),
            "tls" | "tls_verify" => Setting::Text("yes"),
            "password" | "username" | "tls_ca" | "tls_cert" | "tls_key" | "tls_server_name" => {
                Setting::Text("x")
            }
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
            ("busy_poll", Setting::Number(-0.00005)),
            ("busy_poll", Setting::Number(50.0)),
            ("max_idle", Setting::Number(1.5)),
            ("protocol", Setting::Text("binary?")),
            ("hashing", Setting::Text("dice")),
            ("prefix", Setting::Text("a b")),
            ("values", Setting::Text("dice")),
            ("timeouts", Setting::Number(1.0)),
        ] {
            let error = options.set(name, &setting).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.message().contains(name), "{error}");
        }
    }
}
