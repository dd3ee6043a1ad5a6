//! Options and servers as JavaScript has them.

use memoxide::client::{Options, ServerAddress, Setting};
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
    // What `values` names is refined by other options, in whatever order they stand.
    let first = |name: &String| name != "values";
    let mut pairs: Vec<_> = names.iter().zip(values).collect();
    pairs.sort_by_key(|(name, _)| first(name));
    for (name, value) in pairs {
        options.set(name, &setting(value))?;
    }
    Ok(())
}

fn setting(value: &SettingValue) -> Setting<'_> {
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
pub(super) fn server(entry: ServerEntry) -> Result<ServerAddress> {
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
