//! TLS settings, shared by the client's links and the server's listener.
//!
//! [`ClientTls`] says whom a client trusts and who it is, [`ServerTls`] the same
//! for the embedded server. Both are plain settings: files are read when they
//! are named, and `config` builds the configuration of rustls (with ring) once
//! they are needed. Handshakes and sockets belong to `net` and the listener.
//!
//! ```no_run
//! use memoxide::tls::{ClientTls, Identity, ServerTls};
//!
//! let server = ServerTls::new(Identity::from_files("server.pem", "server.key")?);
//! let client = ClientTls::new().ca_file("ca.pem")?.server_name("cache.internal");
//! # Ok::<(), memoxide::Error>(())
//! ```

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};

use crate::{Error, ErrorKind, Result};

/// A certificate chain and its private key.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// Those of the chain and the key, to read them again.
    files: Option<(PathBuf, PathBuf)>,
}

impl Identity {
    /// Reads a chain (own certificate first) and a key, both in PEM.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if either holds no such thing or is damaged.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self> {
        Ok(Self {
            chain: certificates(chain)?,
            key: private_key(key)?,
            files: None,
        })
    }

    /// Reads a chain and a key from PEM files; both may be the same file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if a file cannot be read or holds no such thing.
    pub fn from_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self> {
        Self::load(chain.as_ref(), key.as_ref()).map_err(|(_, error)| error)
    }

    fn load(chain: &Path, key: &Path) -> Result<Self, (Part, Error)> {
        Ok(Self {
            chain: parse_file(chain, certificates).map_err(|error| (Part::Chain, error))?,
            key: parse_file(key, private_key).map_err(|error| (Part::Key, error))?,
            files: Some((chain.to_owned(), key.to_owned())),
        })
    }
}

/// What a server reads from files; the names are those in memcached's messages.
#[cfg_attr(
    not(feature = "server"),
    expect(dead_code, reason = "a server reads its files again")
)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    /// The certificate and those that vouch for it.
    Chain,
    /// The private key.
    Key,
    /// The authorities of clients' certificates.
    Authorities,
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
            files: self.files.clone(),
        }
    }
}

impl fmt::Debug for Identity {
    /// Shows the size of the chain and hides the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificates", &self.chain.len())
            .field("key", &"***")
            .finish()
    }
}

/// How a client speaks TLS.
///
/// By default it trusts what the operating system trusts, checks that the
/// certificate names the host, and shows no certificate of its own.
#[derive(Clone, Debug, Default)]
pub struct ClientTls {
    trusted: Vec<CertificateDer<'static>>,
    identity: Option<Identity>,
    server_name: Option<String>,
    unverified: bool,
    tls13_only: bool,
}

impl ClientTls {
    /// Creates the default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the authorities in `pem`, and no longer those of the system.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if there is no certificate in it.
    pub fn ca_pem(mut self, pem: &[u8]) -> Result<Self> {
        self.trusted.extend(certificates(pem)?);
        Ok(self)
    }

    /// Trusts the authorities in a PEM file, and no longer those of the system.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the file cannot be read or holds no certificate.
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Result<Self> {
        let trusted = parse_file(path.as_ref(), certificates)?;
        self.trusted.extend(trusted);
        Ok(self)
    }

    /// Shows this certificate to servers that ask for one.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Expects this name in the certificate instead of the host connected to.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Accepts any certificate: the connection is encrypted, but to anybody.
    #[must_use]
    pub fn without_verification(mut self) -> Self {
        self.unverified = true;
        self
    }

    /// Refuses TLS 1.2.
    #[must_use]
    pub fn tls13_only(mut self) -> Self {
        self.tls13_only = true;
        self
    }

    /// Returns the name that a certificate of `host` must carry.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it is neither a DNS name nor an address.
    pub fn name_for(&self, host: &str) -> Result<ServerName<'static>> {
        let name = self.server_name.as_deref().unwrap_or(host);
        let bare = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
        ServerName::try_from(bare.unwrap_or(name).to_owned())
            .map_err(|error| config_error(format!("invalid TLS server name {name:?}"), error))
    }

    /// Builds the configuration for rustls. Reads the system's authorities
    /// unless others were given: build once and keep it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the certificates or the key cannot be used, or
    /// if the system's authorities cannot be loaded.
    pub fn config(&self) -> Result<Arc<ClientConfig>> {
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions(self.tls13_only))
            .map_err(|error| config_error("cannot set up TLS", error))?;
        let builder = if self.unverified {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        } else if self.trusted.is_empty() {
            let verifier = rustls_platform_verifier::Verifier::new(provider)
                .map_err(|error| config_error("cannot load the system's authorities", error))?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
        } else {
            builder.with_root_certificates(roots(self.trusted.iter())?)
        };
        let config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let Identity { chain, key, .. } = identity.clone();
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| config_error("cannot use the client certificate", error))?
            }
        };
        Ok(Arc::new(config))
    }
}

/// How the embedded server speaks TLS.
#[derive(Clone, Debug)]
pub struct ServerTls {
    identity: Identity,
    client_authorities: Vec<Authorities>,
    client_certificate: ClientCertificate,
    tls13_only: bool,
}

/// Certificates, and the file they are from.
#[derive(Clone, Debug)]
struct Authorities {
    certificates: Vec<CertificateDer<'static>>,
    #[cfg_attr(
        not(feature = "server"),
        expect(dead_code, reason = "a server reads its files again")
    )]
    file: Option<PathBuf>,
}

/// Whether the server asks for a client's certificate.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ClientCertificate {
    /// Clients are not asked.
    #[default]
    Ignored,
    /// Clients are asked; one that shows a certificate must show a good one.
    Requested,
    /// Clients without a good certificate are refused.
    Required,
}

impl ServerTls {
    /// Creates settings with the server's certificate and key; clients are not
    /// asked for theirs.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            client_authorities: Vec::new(),
            client_certificate: ClientCertificate::Ignored,
            tls13_only: false,
        }
    }

    /// Checks clients' certificates against the authorities in `pem`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if there is no certificate in it.
    pub fn client_ca_pem(mut self, pem: &[u8], certificate: ClientCertificate) -> Result<Self> {
        self.client_authorities.push(Authorities {
            certificates: certificates(pem)?,
            file: None,
        });
        self.client_certificate = certificate;
        Ok(self)
    }

    /// Checks clients' certificates against the authorities in a PEM file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the file cannot be read or holds no certificate.
    pub fn client_ca_file(
        mut self,
        path: impl AsRef<Path>,
        certificate: ClientCertificate,
    ) -> Result<Self> {
        let path = path.as_ref();
        self.client_authorities.push(Authorities {
            certificates: parse_file(path, certificates)?,
            file: Some(path.to_owned()),
        });
        self.client_certificate = certificate;
        Ok(self)
    }

    /// Refuses TLS 1.2.
    #[must_use]
    pub fn tls13_only(mut self) -> Self {
        self.tls13_only = true;
        self
    }

    /// Builds the configuration for rustls.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the certificates or the key cannot be used.
    pub fn config(&self) -> Result<Arc<ServerConfig>> {
        let provider = provider();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions(self.tls13_only))
            .map_err(|error| config_error("cannot set up TLS", error))?;
        let builder = if self.client_certificate == ClientCertificate::Ignored {
            builder.with_no_client_auth()
        } else {
            let parts = self.client_authorities.iter();
            let authorities = roots(parts.flat_map(|part| &part.certificates))?;
            let authorities = Arc::new(authorities);
            let verifier = WebPkiClientVerifier::builder_with_provider(authorities, provider);
            let verifier = match self.client_certificate {
                ClientCertificate::Requested => verifier.allow_unauthenticated(),
                _ => verifier,
            };
            let verifier = verifier
                .build()
                .map_err(|error| config_error("cannot use the client authorities", error))?;
            builder.with_client_cert_verifier(verifier)
        };
        let Identity { chain, key, .. } = self.identity.clone();
        let config = builder
            .with_single_cert(chain, key)
            .map_err(|error| config_error("cannot use the server certificate", error))?;
        Ok(Arc::new(config))
    }

    /// Reads what is from files again and returns settings with that, or else
    /// which part cannot be read.
    #[cfg(feature = "server")]
    pub(crate) fn read_again(&self) -> Result<Self, (Part, Error)> {
        let mut anew = self.clone();
        if let Some((chain, key)) = &self.identity.files {
            anew.identity = Identity::load(chain, key)?;
        }
        for part in &mut anew.client_authorities {
            if let Some(file) = &part.file {
                part.certificates =
                    parse_file(file, certificates).map_err(|error| (Part::Authorities, error))?;
            }
        }
        Ok(anew)
    }
}

/// Checks signatures, so that the peer holds the key of the certificate it
/// shows, but not whose certificate it is.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn versions(tls13_only: bool) -> &'static [&'static rustls::SupportedProtocolVersion] {
    static TLS13: [&rustls::SupportedProtocolVersion; 1] = [&rustls::version::TLS13];
    if tls13_only {
        &TLS13
    } else {
        rustls::ALL_VERSIONS
    }
}

fn roots<'a>(
    certificates: impl Iterator<Item = &'a CertificateDer<'static>>,
) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store
            .add(certificate.clone())
            .map_err(|error| config_error("cannot use a certificate as authority", error))?;
    }
    Ok(store)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| config_error("damaged PEM", error))?;
    if found.is_empty() {
        return Err(Error::new(ErrorKind::Config, "no certificate found in PEM"));
    }
    Ok(found)
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|error| config_error("no private key found in PEM", error))
}

fn parse_file<T>(path: &Path, parse: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    std::fs::read(path)
        .map_err(|error| config_error(format!("cannot read file: {error}"), error))
        .and_then(|pem| parse(&pem))
        .map_err(|error| error.at(path.display().to_string()))
}

fn config_error(
    message: impl Into<std::borrow::Cow<'static, str>>,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::new(ErrorKind::Config, message).caused_by(source)
}

#[cfg(test)]
mod tests;
