//! Carries a [`memoxide::Error`] to TypeScript, which rebuilds its class.
//!
//! A rejected native promise cannot have a class or a code of its own, so an
//! error crosses the border as plain fields: as they are inside completions,
//! and attached to an `Error` under the property `memoxide` where something is
//! thrown. `ts/errors.ts` turns both into `MemoxideError` and its subclasses.
//!
//! The predicates of the classes ask [`error_traits`], so that the rules behind
//! them exist once for the three languages.

use memoxide::{Error, ErrorKind, Sent};
use napi::bindgen_prelude::{Buffer, Object};
use napi::{Env, JsValue};
use napi_derive::napi;

/// What `ts/errors.ts` needs to build the error class of a kind.
#[napi(object, object_from_js = false)]
pub struct ErrorFields {
    /// The name of the kind, such as `InvalidKey`.
    pub kind: &'static str,
    /// What happened and to which endpoint.
    pub message: String,
    /// The endpoint concerned, as `host:port` or a path.
    pub endpoint: Option<String>,
    /// `not_sent` or `maybe_applied`, for errors of the way.
    #[napi(ts_type = "'not_sent' | 'maybe_applied'")]
    pub sent: Option<&'static str>,
    /// Where the call was when its deadline passed.
    #[napi(ts_type = "'queue' | 'resolve' | 'connect' | 'tls' | 'auth' | 'write' | 'read'")]
    pub phase: Option<&'static str>,
    /// The flags and bytes that could not be decoded.
    pub raw: Option<RawValue>,
    /// The errors of the single servers.
    #[napi(ts_type = "Array<ErrorFields>")]
    pub parts: Option<Vec<Self>>,
    /// The positions of the keys that were not written, or may not have been, of a
    /// call with several.
    pub failed: Option<Vec<u32>>,
    /// The message of the underlying error.
    pub cause: Option<String>,
}

/// Flags and bytes as they are stored.
#[napi(object, object_from_js = false)]
pub struct RawValue {
    /// The flags, as the client that wrote the value set them.
    pub flags: u32,
    /// The stored bytes.
    pub bytes: Buffer,
}

impl From<&Error> for ErrorFields {
    fn from(error: &Error) -> Self {
        let parts = error.parts();
        Self {
            kind: error.kind().name(),
            message: error.to_string(),
            endpoint: error.endpoint().map(str::to_owned),
            sent: error.was_sent().map(|sent| sent.name()),
            phase: error.phase().map(|phase| phase.name()),
            raw: error.raw().map(|(flags, bytes)| RawValue {
                flags,
                bytes: bytes.to_vec().into(),
            }),
            parts: (!parts.is_empty()).then(|| parts.iter().map(Self::from).collect()),
            failed: (!error.failed().is_empty())
                .then(|| error.failed().iter().map(|index| *index as u32).collect()),
            cause: std::error::Error::source(error).map(ToString::to_string),
        }
    }
}

/// Turns `error` into what a native function throws or rejects with.
pub(crate) fn thrown(env: &Env, error: &Error) -> napi::Error {
    match carrier(env, error) {
        Ok(carrier) => carrier.to_unknown().into(),
        // Only when the engine itself is out of memory or shutting down.
        Err(failure) => failure,
    }
}

fn carrier<'env>(env: &'env Env, error: &Error) -> napi::Result<Object<'env>> {
    let mut object = env.create_error(napi::Error::from_reason(error.to_string()))?;
    object.set("memoxide", ErrorFields::from(error))?;
    Ok(object)
}

/// What to do about an error.
#[napi(object, object_from_js = false)]
pub struct ErrorTraits {
    /// Whether the same call can be made again without risk of doing it twice.
    pub is_retryable: bool,
    /// Whether the request may have been applied although no reply arrived.
    pub is_ambiguous: bool,
    /// Whether the deadline passed.
    pub is_timeout: bool,
    /// Whether the way to the server failed, rather than the request.
    pub is_connection: bool,
}

/// Returns what the core says about an error of this kind.
///
/// # Errors
///
/// Throws for a name that is no kind and a `sent` that is none of its values.
#[napi]
pub fn error_traits(kind: String, sent: Option<String>) -> napi::Result<ErrorTraits> {
    let unknown = |name: &str| napi::Error::from_reason(format!("no such name: {name}"));
    let kind = ErrorKind::ALL
        .into_iter()
        .find(|known| known.name() == kind)
        .ok_or_else(|| unknown(&kind))?;
    let mut error = Error::new(kind, "");
    if let Some(name) = sent {
        let sent = [Sent::NotSent, Sent::MaybeApplied]
            .into_iter()
            .find(|known| known.name() == name);
        error = error.sent(sent.ok_or_else(|| unknown(&name))?);
    }
    Ok(ErrorTraits {
        is_retryable: error.is_retryable(),
        is_ambiguous: error.is_ambiguous(),
        is_timeout: error.is_timeout(),
        is_connection: error.is_connection(),
    })
}

/// Returns the name of every kind, for the self-check of the TypeScript classes.
#[napi]
#[must_use]
pub fn error_kinds() -> Vec<&'static str> {
    ErrorKind::ALL.iter().map(|kind| kind.name()).collect()
}
