//! Servers and options, read from Python objects.
//!
//! Names, values and defaults of options are the core's affair.

use memoxide::client::{Options, Plan, ServerAddress, Setting, config};
use memoxide::{Error, ErrorKind};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDelta, PyDict, PyMapping, PyString, PyTuple};

use super::arguments::{number, refuse};
use crate::errors::{Failure, Result};

/// Prepares placement over the servers, which may be text as in a URL, a list, or
/// None for those of the environment. Keywords win over options of a URL.
///
/// # Errors
///
/// `Config` when a server or an option does not parse, `Unsupported` when this
/// client cannot do what an option asks for.
pub(crate) fn plan(servers: &Bound<'_, PyAny>, keywords: &Bound<'_, PyDict>) -> Result<Plan> {
    let mut options = Options::default();
    let servers = self::servers(servers, &mut options)?;
    let hashing = keywords.get_item(intern!(keywords.py(), "hashing"))?;
    let choose = hashing.filter(|hashing| hashing.is_callable());
    set_options(&mut options, keywords, choose.is_some())?;
    let Some(choose) = choose else {
        return Ok(Plan::secured(servers, options)?);
    };
    let names = servers.iter().map(|server| server.address.to_string());
    let names = names.collect::<Vec<_>>().into_pyobject(keywords.py())?;
    let (choose, names) = (choose.unbind(), names.unbind());
    let choose = move |key: &[u8], _: &[ServerAddress]| {
        Python::attach(|py| choose.bind(py).call1((key, names.bind(py)))?.extract()).map_err(
            |cause: PyErr| {
                let message = "the function given as hashing failed";
                Error::new(ErrorKind::InvalidArgument, message).caused_by(cause)
            },
        )
    };
    Ok(Plan::secured_choosing(servers, options, choose)?)
}

/// Reads the servers: text as it stands in a URL, an iterable of text and of
/// pairs of text and weight, a mapping of text to weights, or none for those that
/// the environment names.
/// Options that come with them are set.
///
/// # Errors
///
/// `Config` when it is none of these, or does not parse.
fn servers(servers: &Bound<'_, PyAny>, options: &mut Options) -> Result<Vec<ServerAddress>> {
    if servers.is_none() {
        let lookup = |name: &str| std::env::var(name).ok();
        return config::read_environment(lookup, options)?.ok_or_else(|| {
            let message = "no servers are given, and the environment names none: \
                MEMOXIDE_URL, MEMCACHIER_SERVERS, MEMCACHE_SERVERS and \
                MEMCACHED_SERVERS are absent";
            Error::new(ErrorKind::Config, message).into()
        });
    }
    if servers.is_instance_of::<PyString>() {
        return Ok(config::read_servers(servers.extract()?, options)?);
    }
    let message =
        "servers is to be text or a list of \"host:port\" or (\"host:port\", weight), not";
    let refuse = |object: &_| Failure::from(refuse(ErrorKind::Config, message, object));
    let items = match servers.cast::<PyMapping>() {
        Ok(weights) => weights.items()?.into_any(),
        Err(_) => servers.clone(),
    };
    let iterator = items.try_iter().map_err(|_| refuse(servers))?;
    let mut read = Vec::new();
    for server in iterator {
        let server = server?;
        let server = if let Ok(text) = server.extract::<&str>() {
            text.parse()?
        } else if let Ok(pair) = server.cast::<PyTuple>()
            && let Ok((text, weight)) = pair.extract::<(String, Bound<'_, PyAny>)>()
        {
            let server: ServerAddress = text.parse()?;
            let weight = weight.extract().map_err(|_| {
                let message = format!("the weight of server {} is no whole number", server.address);
                Error::new(ErrorKind::Config, message)
            })?;
            server.with_weight(weight)
        } else {
            return Err(refuse(&server));
        };
        read.push(server);
    }
    Ok(read)
}

/// Sets options by their keywords, except `hashing` where it is a function.
///
/// # Errors
///
/// `Config`, as [`Options::set`] says.
fn set_options(options: &mut Options, keywords: &Bound<'_, PyDict>, chooses: bool) -> Result<()> {
    // Others refine what these set.
    let first = ["values", "tls"];
    for name in first {
        if let Some(value) = keywords.get_item(name)? {
            set(options, name, &value)?;
        }
    }
    for (name, value) in keywords {
        let name: &str = name.extract()?;
        let is_done = first.contains(&name) || (chooses && name == "hashing");
        if !is_done {
            set(options, name, &value)?;
        }
    }
    Ok(())
}

fn set(options: &mut Options, name: &str, value: &Bound<'_, PyAny>) -> Result<()> {
    let setting = if value.is_none() {
        Setting::None
    } else if let Ok(truth) = value.cast::<PyBool>() {
        Setting::Truth(truth.is_true())
    } else if let Ok(text) = value.extract::<&str>() {
        Setting::Text(text)
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        Setting::Bytes(bytes.as_bytes())
    } else if let Ok(delta) = value.cast::<PyDelta>() {
        Setting::Number(delta.call_method0("total_seconds")?.extract()?)
    } else if let Some(number) = number(value) {
        Setting::Number(number)
    } else {
        let message = format!("option {name} cannot be");
        return Err(refuse(ErrorKind::Config, &message, value).into());
    };
    Ok(options.set(name, &setting)?)
}
