//! Options as text, for logs and for whoever has another language.

use serde_json::{Map, Value, json};

use super::{OnError, Options, TlsOptions};
use crate::client::servers::ServerAddress;
use crate::protocol::Expiry;
use crate::value::{Format, Formats};

impl Options {
    /// Returns servers and the options that differ from their default as JSON,
    /// under the names that [`set`](Self::set) takes. A password is shown as
    /// `***`.
    ///
    /// ```
    /// use memoxide::client::{Options, Setting};
    ///
    /// let mut options = Options::default();
    /// options.set("timeout", &Setting::Number(0.5))?;
    /// options.set("password", &Setting::Text("secret"))?;
    /// let shown = options.to_json(&["cache1".parse()?]);
    /// assert_eq!(
    ///     shown,
    ///     r#"{"options":{"password":"***","timeout":0.5},"servers":[{"address":"cache1:11211"}]}"#
    /// );
    /// # Ok::<(), memoxide::Error>(())
    /// ```
    #[must_use]
    pub fn to_json(&self, servers: &[ServerAddress]) -> String {
        let servers: Vec<_> = servers.iter().map(shown_server).collect();
        json!({"servers": servers, "options": self.changed()}).to_string()
    }

    /// Returns the options that differ from their default.
    fn changed(&self) -> Map<String, Value> {
        let default = Self::default();
        let mut shown = Shown(Map::new());
        let (own, other) = (&self.values, &default.values);
        shown.add("values", own.dialect.name(), other.dialect.name());
        let natural = own.dialect.serializer();
        shown.add("serializer", own.serializer.name(), natural.name());
        if let Some(compression) = own.compression {
            shown.put("compression", compression.format.name());
            shown.put("compress_above", compression.above);
        }
        shown.add("max_value_size", own.max_value_size, other.max_value_size);
        let most = other.max_decompressed_size;
        shown.add("max_decompressed_size", own.max_decompressed_size, most);
        if own.foreign != Formats::NONE {
            let has = |format: &Format| own.foreign.contains(*format);
            let names = Format::ALL.into_iter().filter(has).map(Format::name);
            shown.put("foreign", names.collect::<Vec<_>>().join(","));
        }

        let seconds = |time: std::time::Duration| time.as_secs_f64();
        let times = [
            ("timeout", self.timeout, default.timeout),
            (
                "connect_timeout",
                self.connect_timeout,
                default.connect_timeout,
            ),
            ("idle_timeout", self.idle_timeout, default.idle_timeout),
            ("busy_poll", self.busy_poll, default.busy_poll),
            (
                "dead_retry",
                self.health.dead_retry,
                default.health.dead_retry,
            ),
        ];
        for (name, time, default) in times {
            shown.add(name, seconds(time), seconds(default));
        }
        shown.add("max_idle", self.max_idle, default.max_idle);
        if let Some(most) = self.max_connections {
            shown.put("max_connections", most);
        }
        if self.default_ttl != Expiry::NEVER {
            shown.put("default_ttl", self.default_ttl.wire());
        }
        shown.add(
            "hashing",
            self.hashing.to_string(),
            default.hashing.to_string(),
        );
        let prefix = String::from_utf8_lossy(&self.prefix);
        shown.add("prefix", &*prefix, "");
        if let Some(protocol) = self.protocol {
            shown.put("protocol", protocol.name());
        }
        let attempts = default.retry_attempts;
        shown.add("retry_attempts", self.retry_attempts, attempts);
        let after = default.health.dead_after;
        shown.add("dead_after", self.health.dead_after, after);
        if self.on_error == OnError::Miss {
            shown.put("on_error", "miss");
        }

        if let Some(username) = &self.username {
            shown.put("username", username.as_str());
        }
        if self.password.is_some() {
            shown.put("password", "***");
        }
        shown.add("auth", self.auth.name(), default.auth.name());
        let plaintext = default.plaintext_auth.name();
        shown.add("plaintext_auth", self.plaintext_auth.name(), plaintext);
        if let Some(tls) = &self.tls {
            shown.tls(tls);
        }
        shown.0
    }
}

struct Shown(Map<String, Value>);

impl Shown {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn add<T: Into<Value> + PartialEq>(&mut self, name: &str, value: T, default: T) {
        if value != default {
            self.put(name, value);
        }
    }

    fn tls(&mut self, tls: &TlsOptions) {
        self.put("tls", true);
        for (name, path) in [
            ("tls_ca", &tls.ca),
            ("tls_cert", &tls.cert),
            ("tls_key", &tls.key),
        ] {
            if let Some(path) = path {
                self.put(name, path.to_string_lossy());
            }
        }
        if let Some(server_name) = &tls.server_name {
            self.put("tls_server_name", server_name.as_str());
        }
        self.add("tls_verify", tls.verify, true);
    }
}

fn shown_server(server: &ServerAddress) -> Value {
    let mut shown = json!({"address": server.address.to_string()});
    if server.weight != 1 {
        shown["weight"] = server.weight.into();
    }
    if let Some(name) = &server.name {
        shown["name"] = name.as_str().into();
    }
    shown
}
