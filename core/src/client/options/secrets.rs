//! Who the client is towards servers, and how links are encrypted.

use std::fmt;
use std::path::PathBuf;

#[cfg(feature = "tls")]
use crate::error::Result;
#[cfg(feature = "tls")]
use crate::tls::{ClientTls, Identity};

/// A password; its debug form does not show it.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Password(String);

impl Password {
    /// Returns the password itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Password {
    fn from(password: T) -> Self {
        Self(password.into())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How a client authenticates.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Auth {
    /// In the text protocol, as memcached's `-Y` wants it.
    Ascii,
    /// By SASL PLAIN in the binary protocol, as memcached's `-S` wants it.
    #[default]
    Sasl,
}

impl Auth {
    /// Returns the name used in options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Sasl => "sasl",
        }
    }
}

/// How links are encrypted. Files are read when the client is made.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct TlsOptions {
    /// The authorities to trust, a PEM file; default those of the system.
    pub ca: Option<PathBuf>,
    /// The client's own certificate and those above it, a PEM file; default none.
    pub cert: Option<PathBuf>,
    /// The key of that certificate, a PEM file; default `cert`, too.
    pub key: Option<PathBuf>,
    /// The name that certificates of servers must carry; default the host.
    pub server_name: Option<String>,
    /// Whether certificates are checked. Default yes; without it anybody can
    /// pass for the server.
    pub verify: bool,
}

/// What becomes of credentials that would go over the network unencrypted.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum PlaintextAuth {
    /// They are sent.
    Allow,
    /// The client is refused.
    Refuse,
    /// They are sent, and the log says so.
    #[default]
    Warn,
}

impl PlaintextAuth {
    /// Returns the name used in options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Refuse => "refuse",
            Self::Warn => "warn",
        }
    }
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self {
            ca: None,
            cert: None,
            key: None,
            server_name: None,
            verify: true,
        }
    }
}

#[cfg(feature = "tls")]
impl TlsOptions {
    /// Reads the files and returns the settings.
    pub(in crate::client) fn load(&self) -> Result<ClientTls> {
        let mut tls = ClientTls::new();
        if let Some(ca) = &self.ca {
            tls = tls.ca_file(ca)?;
        }
        if let Some(cert) = &self.cert {
            let key = self.key.as_ref().unwrap_or(cert);
            tls = tls.identity(Identity::from_files(cert, key)?);
        }
        if let Some(name) = &self.server_name {
            tls = tls.server_name(name);
        }
        if !self.verify {
            tls = tls.without_verification();
        }
        Ok(tls)
    }
}
