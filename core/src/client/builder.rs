//! Making clients: servers and options, then the client of choice.

use std::fmt;
use std::sync::Arc;

use super::blocking::{Connector, PlainConnector, Runner, Times};
use super::config;
use super::options::{OnError, Options, Setting};
use super::plan::Plan;
use super::servers::ServerAddress;
use super::sync::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::net::PoolLimits;
use crate::protocol::Limits;

/// Makes a [`Client`] or an [`AsyncClient`](super::AsyncClient).
///
/// ```no_run
/// use memoxide::Client;
/// use memoxide::client::Setting;
///
/// let client = Client::builder()
///     .server("10.0.0.1:11211")?
///     .server("10.0.0.2:11211;weight=2")?
///     .option("timeout", &Setting::Number(0.2))?
///     .build()?;
/// # Ok::<(), memoxide::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builder {
    servers: Vec<ServerAddress>,
    options: Options,
    choose: Option<Choose>,
}

/// A placement function of the caller.
#[derive(Clone)]
struct Choose(Arc<Name>);

type Name = dyn Fn(&[u8], &[ServerAddress]) -> usize + Send + Sync;

impl fmt::Debug for Choose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Choose")
    }
}

impl Builder {
    /// Adds a server, as [`ServerAddress`] reads it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the address does not parse.
    pub fn server(mut self, address: &str) -> Result<Self> {
        self.servers.push(address.parse()?);
        Ok(self)
    }

    /// Adds the servers of a list separated by commas, or of a URL, whose
    /// options are set too ([`config`] has the form).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it does not parse.
    pub fn url(mut self, text: &str) -> Result<Self> {
        let servers = config::read_servers(text, &mut self.options)?;
        Ok(self.servers(servers))
    }

    /// Adds the servers that the environment names, and sets the options that
    /// come with them, as [`config::read_environment`] says.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it names none, or does not parse.
    pub fn environment(mut self) -> Result<Self> {
        let lookup = |name: &str| std::env::var(name).ok();
        let Some(servers) = config::read_environment(lookup, &mut self.options)? else {
            let message = "environment names no servers: MEMOXIDE_URL, MEMCACHIER_SERVERS, \
                MEMCACHE_SERVERS and MEMCACHED_SERVERS are absent";
            return Err(Error::new(ErrorKind::Config, message));
        };
        Ok(self.servers(servers))
    }

    /// Adds servers.
    #[must_use]
    pub fn servers(mut self, servers: impl IntoIterator<Item = ServerAddress>) -> Self {
        self.servers.extend(servers);
        self
    }

    /// Changes options in place.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// Sets an option by the name that URLs and the other languages use.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], see [`Options::set`].
    pub fn option(mut self, name: &str, value: &Setting<'_>) -> Result<Self> {
        self.options.set(name, value)?;
        Ok(self)
    }

    /// Has a function tell which server has a key, in place of a preset.
    ///
    /// It gets the key without the client's prefix and the servers, and returns
    /// the position of one of them. It must always give the same answer for the
    /// same key. A call for which it names a server that is not there ends with
    /// [`ErrorKind::InvalidArgument`].
    ///
    /// The md5 of the key modulo the number of servers, which is what home-made
    /// sharding often does:
    ///
    /// ```
    /// use memoxide::{Client, route::hash};
    ///
    /// let client = Client::builder()
    ///     .server("a")?
    ///     .server("b")?
    ///     .server("c")?
    ///     .hashing_by(|key, servers| {
    ///         let digest = u128::from_be_bytes(hash::md5_digest(key));
    ///         (digest % servers.len() as u128) as usize
    ///     })
    ///     .build()?;
    /// assert_eq!(client.server_for("user:1")?, "b:11211");
    /// # Ok::<(), memoxide::Error>(())
    /// ```
    #[must_use]
    pub fn hashing_by(
        mut self,
        choose: impl Fn(&[u8], &[ServerAddress]) -> usize + Send + Sync + 'static,
    ) -> Self {
        self.choose = Some(Choose(Arc::new(choose)));
        self
    }

    /// Returns the blocking client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when options contradict each other.
    pub fn build(self) -> Result<Client> {
        let plan = self.secured()?;
        let runner = Runner::for_plan(&plan, Box::new(PlainConnector));
        Ok(Client::with_runner(plan, runner))
    }

    /// Returns servers and options for the clients of this crate, which
    /// authenticate and encrypt.
    fn secured(self) -> Result<Plan> {
        let plan = match self.choose {
            None => Plan::secured(self.servers, self.options)?,
            Some(Choose(choose)) => {
                let choose = move |key: &[u8], servers: &[ServerAddress]| Ok(choose(key, servers));
                Plan::secured_choosing(self.servers, self.options, choose)?
            }
        };
        if let Some(entry) = plan.first_entry() {
            entry.trace();
        }
        Ok(plan)
    }

    /// Returns servers and options, for drivers of other clients that neither
    /// authenticate nor encrypt.
    ///
    /// # Errors
    ///
    /// Those of [`Plan::new`].
    pub fn plan(self) -> Result<Plan> {
        match self.choose {
            None => Plan::new(self.servers, self.options),
            Some(Choose(choose)) => {
                let choose = move |key: &[u8], servers: &[ServerAddress]| Ok(choose(key, servers));
                Plan::choosing(self.servers, self.options, choose)
            }
        }
    }
}

#[cfg(feature = "tokio")]
impl Builder {
    /// Returns the async client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when options contradict each other.
    pub fn build_async(self) -> Result<super::AsyncClient> {
        self.secured().map(super::AsyncClient::with_plan)
    }
}

impl Runner {
    /// Creates the runner for the servers and options of a plan. What the
    /// connector opens is encrypted where the plan is [secured](Plan::secured)
    /// and says so.
    #[must_use]
    pub fn for_plan(plan: &Plan, connector: Box<dyn Connector>) -> Self {
        let options = plan.options();
        let addresses = plan.servers().iter().map(|server| server.address.clone());
        let times = Times {
            timeout: options.timeout,
            connect_timeout: options.connect_timeout,
            retry_attempts: options.retry_attempts,
            degrade: options.on_error == OnError::Miss,
        };
        let pool = PoolLimits {
            max_idle: options.max_idle,
            max_connections: options.max_connections.unwrap_or(64),
            idle_timeout: options.idle_timeout,
        };
        let limits = Limits::default();
        Self::new(
            addresses,
            connector,
            times,
            pool,
            options.health,
            limits,
            options.protocol,
        )
        .secured(plan.security().clone())
    }
}
