//! How connections are encrypted, which Node does, and how they fail.

use std::path::PathBuf;

use memoxide::client::Options;
use memoxide::{Error, ErrorKind};
use napi_derive::napi;

/// How connections are encrypted. The files are in PEM, and the core has read
/// them once.
#[napi(object, object_from_js = false)]
pub struct TlsFields {
    /// The file of the authorities to trust; those of Node by default.
    pub ca: Option<String>,
    /// The file of the client's certificate.
    pub cert: Option<String>,
    /// The file of its key.
    pub key: Option<String>,
    /// Whether certificates are checked.
    pub verify: bool,
}

impl TlsFields {
    /// Returns what the options say.
    pub(super) fn of(options: &Options) -> Option<Self> {
        let tls = options.tls.as_ref()?;
        let file = |path: &PathBuf| path.to_string_lossy().into_owned();
        Some(Self {
            ca: tls.ca.as_ref().map(file),
            cert: tls.cert.as_ref().map(file),
            key: tls.key.as_ref().or(tls.cert.as_ref()).map(file),
            verify: tls.verify,
        })
    }
}

/// Puts into words why a connection could not be opened, or has ended.
pub(super) fn failure(at: &str, reason: &str) -> Error {
    match at {
        "connect" => Error::new(ErrorKind::Connect, format!("cannot connect: {reason}")),
        "tls" => Error::new(ErrorKind::Tls, format!("TLS handshake failed: {reason}")),
        _ => Error::new(
            ErrorKind::ConnectionLost,
            format!("connection lost: {reason}"),
        ),
    }
}
