//! URLs.

use crate::client::options::{Options, Setting};
use crate::client::servers::ServerAddress;
use crate::error::{Error, ErrorKind, Result};
use crate::net::Address;

/// What a scheme means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Scheme {
    Plain,
    Tls,
    Unix,
}

impl Scheme {
    fn by_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "memcache" | "memcached" => Self::Plain,
            "memcaches" | "memcacheds" => Self::Tls,
            "unix" => Self::Unix,
            _ => return None,
        })
    }
}

/// Whether a text is a URL rather than a list of servers.
///
/// Every text with `://` is, so that one of an unknown scheme is refused for
/// that; but `unix:///path` without options is an address like any other.
#[must_use]
pub fn is_url(text: &str) -> bool {
    match text.trim().split_once("://") {
        Some(("unix", rest)) => rest.contains('?'),
        Some((scheme, _)) => scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+'),
        None => false,
    }
}

/// Returns a URL or list with its password replaced by `***`, for logs.
///
/// ```
/// use memoxide::client::config::mask;
///
/// assert_eq!(mask("memcache://ann:secret@a:11211"), "memcache://ann:***@a:11211");
/// ```
#[must_use]
pub fn mask(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    // Whatever stands before the last @ may belong to a password.
    let rest = match rest.rsplit_once('@') {
        None => rest.to_owned(),
        Some((credentials, rest)) => match credentials.split_once(':') {
            Some((username, _)) => format!("{username}:***@{rest}"),
            None => format!("{credentials}@{rest}"),
        },
    };
    let Some((servers, query)) = rest.split_once('?') else {
        return scheme + &rest;
    };
    let hide = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if is_password(name) => format!("{name}=***"),
        _ => pair.to_owned(),
    };
    let query: Vec<_> = query.split('&').map(hide).collect();
    format!("{scheme}{servers}?{}", query.join("&"))
}

/// Whether an option's name as written is `password`.
fn is_password(name: &str) -> bool {
    decode(name).is_ok_and(|name| name == b"password")
}

/// Reads a URL and sets its options.
pub(super) fn read(url: &str, options: &mut Options) -> Result<Vec<ServerAddress>> {
    let (scheme, rest) = url
        .split_once("://")
        .ok_or_else(|| refuse("has no scheme"))?;
    let Some(kind) = Scheme::by_name(scheme) else {
        let schemes = "memcache, memcached, memcaches, memcacheds, unix";
        let message = format!("has a scheme that is none of {schemes}");
        return Err(refuse(&message));
    };
    if rest.contains('#') {
        return Err(refuse("has a #: write it as %23"));
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    // A part of a password may have strayed there; it must not get into messages.
    if path.contains('@') || query.contains('@') {
        return Err(refuse("has an @ behind the servers: write it as %40"));
    }
    let (credentials, list) = match authority.rsplit_once('@') {
        Some((credentials, list)) => (Some(credentials), list),
        None => (None, authority),
    };
    let mut settings = read_query(query)?;
    if kind == Scheme::Tls {
        match settings.iter().find(|(name, _)| name == "tls") {
            None => settings.push(("tls".to_owned(), b"true".to_vec())),
            Some((_, value)) if value == b"true" => {}
            Some(_) => return Err(refuse("has the scheme of TLS and an option tls against it")),
        }
    }
    if let Some(credentials) = credentials {
        read_credentials(credentials, &mut settings)?;
    }
    let servers = if list.is_empty() {
        vec![read_socket(path)?]
    } else if kind == Scheme::Unix {
        return Err(refuse("has a host where the path of a socket is to begin"));
    } else {
        if let Some(prefix) = path.strip_prefix('/').filter(|path| !path.is_empty()) {
            add(&mut settings, "prefix", decode(prefix)?)?;
        }
        list.split(',').map(read_server).collect::<Result<_>>()?
    };
    // Others refine these two.
    settings.sort_by_key(|(name, _)| !matches!(&**name, "tls" | "values"));
    for (name, value) in &settings {
        let setting = match std::str::from_utf8(value) {
            Ok(text) => Setting::Text(text),
            Err(_) => Setting::Bytes(value),
        };
        options.set(name, &setting)?;
    }
    Ok(servers)
}

type Settings = Vec<(String, Vec<u8>)>;

fn read_query(query: &str) -> Result<Settings> {
    let mut settings = Settings::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(refuse("has an option without a value"));
        };
        add(&mut settings, &text(name)?, decode(value)?)?;
    }
    Ok(settings)
}

fn read_credentials(credentials: &str, settings: &mut Settings) -> Result<()> {
    if credentials.contains('@') {
        return Err(refuse("has an @ in its credentials: write it as %40"));
    }
    let (username, password) = match credentials.split_once(':') {
        Some((username, password)) => (username, Some(password)),
        None => (credentials, None),
    };
    if username.is_empty() {
        return Err(refuse("has an @ and no user name before it"));
    }
    add(settings, "username", decode(username)?)?;
    match password {
        Some(password) => add(settings, "password", decode(password)?),
        None => Ok(()),
    }
}

/// Reads a path that stands where a host would.
fn read_socket(path: &str) -> Result<ServerAddress> {
    if path.len() < 2 {
        return Err(refuse("names no server"));
    }
    let path = text(path)?;
    Ok(ServerAddress::new(Address::Unix { path }))
}

fn read_server(entry: &str) -> Result<ServerAddress> {
    let mut parts = entry.split(';');
    let address = text(parts.next().unwrap_or_default())?;
    let mut server = ServerAddress::new(address.parse()?);
    for part in parts {
        server.set(entry, &text(part)?)?;
    }
    Ok(server)
}

/// Adds an option, which must not be there yet.
fn add(settings: &mut Settings, name: &str, value: Vec<u8>) -> Result<()> {
    if settings.iter().any(|(present, _)| present == name) {
        return Err(refuse(&format!(
            "sets the option {} twice",
            name.escape_debug()
        )));
    }
    settings.push((name.to_owned(), value));
    Ok(())
}

/// Takes the percent-encoding from a part that is text.
fn text(part: &str) -> Result<String> {
    String::from_utf8(decode(part)?).map_err(|_| refuse("has a part that is not UTF-8"))
}

/// Takes the percent-encoding from a part.
fn decode(part: &str) -> Result<Vec<u8>> {
    let mut decoded = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |index: usize| rest.get(index).and_then(|d| char::from(*d).to_digit(16));
        let (Some(high), Some(low)) = (digit(0), digit(1)) else {
            return Err(refuse("has a % without two hexadecimal digits behind it"));
        };
        decoded.push((high << 4 | low) as u8);
        rest = &rest[2..];
    }
    Ok(decoded)
}

#[cold]
fn refuse(what: &str) -> Error {
    Error::new(ErrorKind::Config, format!("URL {what}"))
}
