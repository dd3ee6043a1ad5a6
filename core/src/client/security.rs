//! Who a client is, and whether it is overheard.

use std::sync::Arc;

use super::options::{Options, PlaintextAuth};
use super::servers::ServerAddress;
use crate::error::{Error, ErrorKind, Result};
use crate::net::Address;
#[cfg(feature = "tls")]
use crate::net::TlsLayer;
use crate::protocol::Credentials;

/// What a driver needs to authenticate and to encrypt.
#[derive(Clone, Debug, Default)]
pub(super) struct Security {
    pub(super) credentials: Option<Arc<Credentials>>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Arc<TlsLayer>>,
    /// The server that credentials go to unencrypted over a network.
    pub(super) overheard: Option<Arc<str>>,
}

impl Security {
    /// Prepares what the options ask for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it cannot be had with these servers or files,
    /// [`ErrorKind::Unsupported`] when this build cannot encrypt.
    pub(super) fn new(servers: &[ServerAddress], options: &Options) -> Result<Self> {
        #[cfg(not(feature = "tls"))]
        if options.tls.is_some() {
            let message = "this build has no TLS";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let credentials = options.credentials()?.map(Arc::new);
        let overheard = if credentials.is_some() && options.tls.is_none() {
            overheard(servers, options.plaintext_auth)?
        } else {
            None
        };
        Ok(Self {
            credentials,
            overheard,
            #[cfg(feature = "tls")]
            tls: layer(servers, options)?,
        })
    }

    /// Refuses options that ask for more than a driver without security has.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`].
    pub(super) fn refuse(options: &Options) -> Result<()> {
        let what = if options.tls.is_some() {
            "encrypt its connections"
        } else if options.credentials()?.is_some() {
            "authenticate"
        } else {
            return Ok(());
        };
        let message = format!("this client does not {what} yet");
        Err(Error::new(ErrorKind::Unsupported, message))
    }
}

/// Prepares the encryption of links.
#[cfg(feature = "tls")]
fn layer(servers: &[ServerAddress], options: &Options) -> Result<Option<Arc<TlsLayer>>> {
    let Some(tls) = &options.tls else {
        return Ok(None);
    };
    let is_socket = |server: &&ServerAddress| matches!(server.address, Address::Unix { .. });
    if let Some(server) = servers.iter().find(is_socket) {
        let message = "TLS is for servers on the network, not for Unix sockets";
        return Err(Error::new(ErrorKind::Config, message).at(server.address.to_string()));
    }
    Ok(Some(Arc::new(TlsLayer::new(tls.load()?)?)))
}

/// Returns the server that credentials go to unencrypted over a network, unless
/// that is allowed.
///
/// # Errors
///
/// [`ErrorKind::Config`] when it is to be refused.
fn overheard(servers: &[ServerAddress], policy: PlaintextAuth) -> Result<Option<Arc<str>>> {
    let is_far = |server: &&ServerAddress| !is_local(&server.address);
    let Some(server) = servers.iter().find(is_far) else {
        return Ok(None);
    };
    let endpoint = server.address.to_string();
    match policy {
        PlaintextAuth::Allow => Ok(None),
        PlaintextAuth::Refuse => {
            let message = "credentials would go over the network unencrypted: use TLS, \
                or set plaintext_auth to allow";
            Err(Error::new(ErrorKind::Config, message).at(endpoint))
        }
        PlaintextAuth::Warn => Ok(Some(endpoint.into())),
    }
}

/// Whether what is sent there does not leave this machine.
fn is_local(address: &Address) -> bool {
    match address {
        Address::Unix { .. } => true,
        Address::Tcp { host, .. } => {
            host == "localhost"
                || host
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|ip| ip.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::options::Auth;

    fn options(policy: PlaintextAuth) -> Options {
        Options {
            username: Some("ann".to_owned()),
            password: Some("secret".into()),
            auth: Auth::Ascii,
            plaintext_auth: policy,
            ..Options::default()
        }
    }

    fn servers(list: &str) -> Vec<ServerAddress> {
        ServerAddress::parse_list(list).expect("servers")
    }

    #[test]
    fn credentials_that_would_be_overheard_are_refused_where_that_is_wanted() {
        let refuse = options(PlaintextAuth::Refuse);
        for local in ["127.0.0.1,127.9.9.9:5", "localhost", "[::1]", "unix:/run/m"] {
            assert!(Security::new(&servers(local), &refuse).is_ok(), "{local}");
        }
        for far in ["127.0.0.1,cache1", "10.0.0.1", "localhost.example.org"] {
            let error = Security::new(&servers(far), &refuse).expect_err(far);
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.endpoint().is_some() && !error.to_string().contains("secret"));
            let warn = Security::new(&servers(far), &options(PlaintextAuth::Warn));
            let warned_of = warn.expect("no refusal").overheard;
            assert_eq!(warned_of.as_deref(), error.endpoint());
            let allow = Security::new(&servers(far), &options(PlaintextAuth::Allow));
            assert_eq!(allow.expect("no refusal").overheard, None);
        }
    }

    #[test]
    fn a_name_needs_a_password_and_the_other_way_round() {
        for (username, password) in [(Some("ann"), None), (None, Some("secret"))] {
            let options = Options {
                username: username.map(str::to_owned),
                password: password.map(Into::into),
                ..Options::default()
            };
            let error = options.check().expect_err("half of it");
            assert_eq!(error.kind(), ErrorKind::Config);
        }
        let sasl = Options {
            auth: Auth::Sasl,
            ..options(PlaintextAuth::Warn)
        };
        let error = sasl.check().expect_err("no binary protocol");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}
