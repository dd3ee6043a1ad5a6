//! Arguments of the constructor, as the core takes them.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use memoxide::server::{Credential, ProtocolChoice};
use memoxide::tls::{ClientCertificate, Identity, ServerTls};
use memoxide::{Error, ErrorKind, Result};

/// Returns an IP address.
pub(super) fn address(text: &str) -> Result<IpAddr> {
    let wrong = |_| refuse(format!("address {text:?} is no IP address"));
    text.parse().map_err(wrong)
}

/// Returns an IP address with a port.
pub(super) fn socket_address(text: &str) -> Result<SocketAddr> {
    let wrong = |_| refuse(format!("{text:?} is no IP address with a port"));
    text.parse().map_err(wrong)
}

/// Returns what connections may speak.
pub(super) fn protocol(name: &str) -> Result<ProtocolChoice> {
    match name {
        "auto" => Ok(ProtocolChoice::Auto),
        "ascii" => Ok(ProtocolChoice::Ascii),
        "binary" => Ok(ProtocolChoice::Binary),
        other => Err(refuse(format!(
            "protocol is neither \"auto\", \"ascii\" nor \"binary\": {other:?}"
        ))),
    }
}

/// Returns how to speak TLS, if it is spoken.
pub(super) fn tls(
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
    client_cert: &str,
) -> Result<Option<ServerTls>> {
    let (Some(cert), Some(key)) = (&cert, &key) else {
        if cert.is_none() && key.is_none() && client_ca.is_none() {
            return Ok(None);
        }
        return Err(refuse("TLS needs both tls_cert and tls_key".to_owned()));
    };
    let client_cert = match client_cert {
        "required" => ClientCertificate::Required,
        "requested" => ClientCertificate::Requested,
        other => {
            return Err(refuse(format!(
                "tls_client_cert is neither \"requested\" nor \"required\": {other:?}"
            )));
        }
    };
    let tls = ServerTls::new(Identity::from_files(cert, key)?);
    match client_ca {
        Some(authorities) => tls.client_ca_file(authorities, client_cert).map(Some),
        None => Ok(Some(tls)),
    }
}

/// Returns users from passwords by name.
pub(super) fn credentials(users: HashMap<String, String>) -> impl Iterator<Item = Credential> {
    users
        .into_iter()
        .map(|(name, password)| Credential::new(name, password))
}

/// Returns a duration for a number of seconds from Python.
pub(super) fn seconds(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|cause| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("{seconds} is no number of seconds to wait"),
        )
        .caused_by(cause)
    })
}

fn refuse(message: String) -> Error {
    Error::new(ErrorKind::Config, message)
}
