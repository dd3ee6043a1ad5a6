//! Commands: from what a caller names to an [`Operation`].
//!
//! Keys get their prefix and are checked, then routed; values arrive encoded.
//! Each command's rule is here and nowhere else; all clients in all languages
//! call these functions and drive what they return.

mod administration;
mod composites;
mod items;

use std::borrow::Cow;
use std::sync::Arc;

use super::log::{Entry, Event};
use super::options::Options;
use super::security::Security;
use super::servers::ServerAddress;
use crate::error::{Error, ErrorKind, Result, Sent};
use crate::key::Key;
use crate::protocol::Expiry;
use crate::route::Router;

/// Behind the name of a namespace: the key that holds its generation.
const NAMESPACE_SUFFIX: &[u8] = b":generation";

/// How often `update` tries, unless it is told otherwise.
pub const UPDATE_ATTEMPTS: u32 = 16;

/// How a call finds its server.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Place<'a> {
    /// These endpoints, one for each key of the call and in the order of the
    /// keys, by position in the configuration: for placement by the caller.
    Each(&'a [usize]),
    /// This endpoint, by position in the configuration.
    Endpoint(usize),
    /// By the key itself.
    #[default]
    Key,
    /// By another key, so that items can be kept together.
    ServerKey(&'a [u8]),
}

impl Place<'_> {
    /// Returns how the key at `position` of the call finds its server.
    fn of(self, position: usize) -> Self {
        match self {
            // No endpoint has the largest number.
            Self::Each(endpoints) => {
                Self::Endpoint(endpoints.get(position).copied().unwrap_or(usize::MAX))
            }
            place => place,
        }
    }
}

/// What an arithmetic command may have beside key and delta.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counting {
    /// Stored when there is no counter; the delta is not applied then.
    pub initial: Option<u64>,
    /// A new expiry, also for a counter that `initial` creates.
    pub expiry: Option<Expiry>,
    /// The expiry of a counter that `initial` creates, where there is no
    /// `expiry`; else the default one.
    pub initial_expiry: Option<Expiry>,
}

/// The servers, the placement, and the options that shape requests.
#[derive(Debug)]
pub struct Plan {
    servers: Arc<[ServerAddress]>,
    labels: Arc<[Arc<str>]>,
    router: Arc<Router>,
    options: Options,
    security: Security,
}

impl Plan {
    /// Prepares placement over `servers`, for a driver that neither
    /// authenticates nor encrypts.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when an option does not fit, or the weights ask
    /// for too much; [`ErrorKind::Unsupported`] when the options have
    /// credentials or TLS.
    pub fn new(servers: Vec<ServerAddress>, options: Options) -> Result<Self> {
        Security::refuse(&options)?;
        Self::over(servers, options)
    }

    /// Prepares placement over `servers`, for a driver that authenticates and
    /// encrypts: one with [`Runner::for_plan`](super::Runner::for_plan), which
    /// does both. The driver tells the log of the
    /// [first entry](Self::first_entry).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when an option does not fit, the weights ask for
    /// too much, or certificates cannot be read; [`ErrorKind::Unsupported`] for
    /// SASL, and for TLS in a build without.
    pub fn secured(servers: Vec<ServerAddress>, options: Options) -> Result<Self> {
        let security = Security::new(&servers, &options)?;
        Ok(Self {
            security,
            ..Self::over(servers, options)?
        })
    }

    /// Prepares what [`secured`](Self::secured) does with the placement of
    /// [`choosing`](Self::choosing).
    ///
    /// # Errors
    ///
    /// Those of [`secured`](Self::secured).
    pub fn secured_choosing(
        servers: Vec<ServerAddress>,
        options: Options,
        choose: impl Fn(&[u8], &[ServerAddress]) -> Result<usize> + Send + Sync + 'static,
    ) -> Result<Self> {
        let security = Security::new(&servers, &options)?;
        Ok(Self {
            security,
            ..Self::over_choice(servers, options, choose)?
        })
    }

    fn over(servers: Vec<ServerAddress>, options: Options) -> Result<Self> {
        options.check()?;
        let nodes: Vec<_> = servers.iter().map(ServerAddress::node).collect();
        let router = Router::new(options.hashing, &nodes)?;
        Ok(Self::with_router(servers, router, options))
    }

    fn with_router(servers: Vec<ServerAddress>, router: Router, options: Options) -> Self {
        Self {
            labels: servers
                .iter()
                .map(|server| server.address.to_string().into())
                .collect(),
            servers: servers.into(),
            router: Arc::new(router),
            options,
            security: Security::default(),
        }
    }

    /// Prepares placement by a function of the caller's, which gets a key
    /// without its prefix and the servers, and returns the position of one. It
    /// must always give the same answer for the same key.
    ///
    /// Calls whose function fails end with its error, or with
    /// [`ErrorKind::InvalidArgument`] when it names a server that is not there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when an option does not fit;
    /// [`ErrorKind::Unsupported`] when the options have credentials or TLS.
    pub fn choosing(
        servers: Vec<ServerAddress>,
        options: Options,
        choose: impl Fn(&[u8], &[ServerAddress]) -> Result<usize> + Send + Sync + 'static,
    ) -> Result<Self> {
        Security::refuse(&options)?;
        Self::over_choice(servers, options, choose)
    }

    fn over_choice(
        servers: Vec<ServerAddress>,
        options: Options,
        choose: impl Fn(&[u8], &[ServerAddress]) -> Result<usize> + Send + Sync + 'static,
    ) -> Result<Self> {
        options.check()?;
        let nodes: Vec<_> = servers.iter().map(ServerAddress::node).collect();
        let list: Arc<[ServerAddress]> = servers.clone().into();
        let router = Router::choosing(&nodes, move |key| choose(key, &list));
        Ok(Self::with_router(servers, router, options))
    }

    /// What a driver needs to authenticate and to encrypt.
    pub(super) const fn security(&self) -> &Security {
        &self.security
    }

    /// Returns the server that credentials are sent to unencrypted over a network,
    /// if there is one and `plaintext_auth` says to warn of it; for drivers whose
    /// language has warnings.
    #[must_use]
    pub fn overheard(&self) -> Option<&str> {
        self.security.overheard.as_deref()
    }

    /// Returns what the log of a client with these servers begins with.
    #[must_use]
    pub fn first_entry(&self) -> Option<Entry> {
        let endpoint = Arc::clone(self.security.overheard.as_ref()?);
        Some(Entry::new(Event::CredentialsInClear, endpoint))
    }

    /// Returns the options.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Returns the placement.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// Returns the servers as configured.
    #[must_use]
    pub fn servers(&self) -> &[ServerAddress] {
        &self.servers
    }

    /// Returns the name of an endpoint.
    ///
    /// # Panics
    ///
    /// When there is no endpoint at that position.
    #[must_use]
    pub fn label(&self, endpoint: usize) -> &Arc<str> {
        &self.labels[endpoint]
    }

    /// Returns which server has a key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn server_for(&self, key: &[u8]) -> Result<usize> {
        self.place(key, Place::Key)
    }

    /// Returns which server a call for a key goes to.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn place(&self, key: &[u8], place: Place<'_>) -> Result<usize> {
        self.wire_key(key)?;
        self.route(key, place)
    }

    /// Checks a key and finds its server.
    fn locate<'a>(&self, key: &'a [u8], place: Place<'_>) -> Result<(usize, Cow<'a, [u8]>)> {
        let wire = self.wire_key(key)?;
        Ok((self.route(key, place)?, wire))
    }

    /// Puts the prefix before a key and checks what comes out.
    #[inline(always)]
    pub(super) fn wire_key<'a>(&self, key: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        if self.options.prefix.is_empty() || key.is_empty() {
            return Ok(Cow::Borrowed(Key::new(key)?.as_bytes()));
        }
        self.prefixed(key)
    }

    /// Apart, so that the rest of [`wire_key`](Self::wire_key) is small.
    fn prefixed<'a>(&self, key: &[u8]) -> Result<Cow<'a, [u8]>> {
        let wire = [&self.options.prefix, key].concat();
        Key::new(&wire)?;
        Ok(Cow::Owned(wire))
    }

    /// Returns the server that every key of a call goes to, where no key needs
    /// to be looked at to tell.
    fn only(&self, place: Place<'_>) -> Option<usize> {
        match place {
            Place::Key | Place::ServerKey(_) => self.router.only(),
            Place::Each(_) | Place::Endpoint(_) => None,
        }
    }

    fn route(&self, key: &[u8], place: Place<'_>) -> Result<usize> {
        let index = match place.of(0) {
            Place::Each(_) => None,
            Place::Endpoint(index) => Some(index).filter(|index| *index < self.servers.len()),
            Place::Key => self.router.try_route(&self.options.prefix, key)?,
            Place::ServerKey(key) => self.router.try_route(b"", key)?,
        };
        index.ok_or_else(no_servers)
    }
}

#[cold]
fn no_servers() -> Error {
    let message = "there is no server that may get this key";
    Error::new(ErrorKind::NoServers, message).sent(Sent::NotSent)
}
