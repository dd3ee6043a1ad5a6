//! What happens to servers, as the driver hands it to whoever listens.

use memoxide::client::log::Entry;
use memoxide::error::ErrorKind;
use napi_derive::napi;

/// One thing that happened to one server; `LogEntry` in `ts/log.ts` is what
/// programs see of it.
#[napi(object, object_from_js = false)]
pub struct EntryFields {
    /// What happened, by its name in every language.
    pub event: &'static str,
    /// How much it matters: `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// What happened, in words.
    pub message: &'static str,
    /// The server.
    pub endpoint: String,
    /// Why it happened.
    pub reason: Option<String>,
    /// The kind of error that is the reason.
    pub kind: Option<&'static str>,
    /// How many requests it concerns.
    pub requests: Option<u32>,
    /// All of it in one line.
    pub text: String,
}

impl From<Entry> for EntryFields {
    fn from(entry: Entry) -> Self {
        let count = |requests| u32::try_from(requests).unwrap_or(u32::MAX);
        Self {
            event: entry.event().name(),
            level: entry.level().name(),
            message: entry.message(),
            endpoint: entry.endpoint().to_owned(),
            reason: entry.reason().map(Into::into),
            kind: entry.kind().map(ErrorKind::name),
            requests: entry.requests().map(count),
            text: entry.to_string(),
        }
    }
}
