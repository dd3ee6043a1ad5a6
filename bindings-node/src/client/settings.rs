//! Options and servers as JavaScript has them.

use std::collections::HashMap;

use memoxide::client::{Options, ServerAddress, Setting, config};
use memoxide::{Error, ErrorKind, Result};
use napi::bindgen_prelude::{Either5, Null, Uint8Array};
use napi_derive::napi;

/// The value of an option.
pub type SettingValue = Either5<f64, String, bool, Uint8Array, Null>;

/// A server and its share of the keys.
#[napi(object, object_to_js = false)]
pub struct ServerEntry {
    /// Where it listens, in any spelling that the core reads.
    pub address: String,
    /// Its share of the keys; as the address says by default.
    pub weight: Option<f64>,
}

/// What functions of the program do.
#[napi(object, object_to_js = false)]
pub struct OwnFunctions {
    /// Whether one places keys.
    pub choose: bool,
    /// The flags of values that one reads.
    #[napi(ts_type = "number | undefined")]
    pub opaque: Option<u32>,
}

/// Where the servers are named; one of these.
#[napi(object, object_to_js = false)]
pub struct ServerSource {
    /// A list separated by commas, or a URL.
    pub text: Option<String>,
    /// One by one.
    pub list: Option<Vec<ServerEntry>>,
    /// Environment variables; those of the machine's memcached if they name none.
    pub environment: Option<HashMap<String, String>>,
}

/// Reads the servers, and sets the options that come with them.
///
/// # Errors
///
/// `Config` when they do not parse.
pub(super) fn servers(source: ServerSource, options: &mut Options) -> Result<Vec<ServerAddress>> {
    if let Some(list) = source.list {
        return list.into_iter().map(server).collect();
    }
    if let Some(text) = source.text {
        return config::read_servers(&text, options);
    }
    let variables = source.environment.unwrap_or_default();
    let named = config::read_environment(|name| variables.get(name).cloned(), options)?;
    named.map_or_else(|| Ok(vec!["localhost".parse()?]), Ok)
}

/// Sets options by their names.
///
/// # Errors
///
/// `Config`, see [`Options::set`].
pub(super) fn apply(
    options: &mut Options,
    names: &[String],
    values: &[SettingValue],
) -> Result<()> {
    // What these name is refined by other options, in whatever order they stand.
    let is_first = |name: &str| name == "values" || name == "tls";
    let mut pairs: Vec<_> = names.iter().zip(values).collect();
    pairs.sort_by_key(|(name, _)| !is_first(name));
    for (name, value) in pairs {
        options.set(name, &setting(value))?;
    }
    Ok(())
}

/// Returns a value as the core takes it.
pub(crate) fn setting(value: &SettingValue) -> Setting<'_> {
    match value {
        Either5::A(number) => Setting::Number(*number),
        Either5::B(text) => Setting::Text(text),
        Either5::C(truth) => Setting::Truth(*truth),
        Either5::D(bytes) => Setting::Bytes(bytes),
        Either5::E(Null) => Setting::None,
    }
}

/// Reads a server.
///
/// # Errors
///
/// `Config` when the address does not parse or the weight is no whole number.
fn server(entry: ServerEntry) -> Result<ServerAddress> {
    let server: ServerAddress = entry.address.parse()?;
    let Some(weight) = entry.weight else {
        return Ok(server);
    };
    if weight.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&weight) {
        return Ok(server.with_weight(weight as u32));
    }
    let message = format!("server \"{}\": {weight} is no weight", entry.address);
    Err(Error::new(ErrorKind::Config, message))
}
