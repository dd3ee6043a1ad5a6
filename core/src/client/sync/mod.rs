//! The blocking client: each method is a line over [`Plan`] and [`Runner`].

mod administration;
mod change;
mod lock;
mod retrieval;
mod storage;

use std::sync::Arc;
use std::time::Duration;

pub use self::lock::Lock;
use super::blocking::{Host, Runner};
use super::builder::Builder;
use super::operation::{Answer, Moment, Operation, Outcome, Part};
use super::plan::{Place, Plan};
use super::view::{Conversation, One, View, nothing};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::net;
use crate::protocol::{Hits, Item};

/// A blocking client, for use by many threads at once: each call has a
/// connection of its own from a pool.
///
/// A clone is cheap and shares everything with the original, and so do the
/// views that [`with_timeout`](Self::with_timeout),
/// [`with_server_key`](Self::with_server_key) and
/// [`namespace`](Self::namespace) return: clients whose calls differ in that
/// one thing. Connections are opened on first use and closed with the last
/// clone. A call ends within [`timeout`](super::Options::timeout) whatever the
/// servers do. What happens to servers is told to `tracing` ([`log`](super::log)).
///
/// ```no_run
/// use std::time::Duration;
/// use memoxide::Client;
///
/// let client = Client::new("127.0.0.1:11211")?;
/// client.set("greeting", "hello", Duration::from_secs(60))?;
/// assert_eq!(client.get::<String>("greeting")?.as_deref(), Some("hello"));
/// # Ok::<(), memoxide::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    view: View,
    runner: Arc<Runner>,
}

impl Client {
    /// Creates a client for a list of servers separated by commas, or for a URL
    /// with options ([`config`](super::config) has the form).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it does not parse.
    pub fn new(servers: &str) -> Result<Self> {
        Self::builder().url(servers)?.build()
    }

    /// Creates a client for the servers that the environment names, as
    /// [`read_environment`](super::config::read_environment) says.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it names none, or does not parse.
    pub fn from_environment() -> Result<Self> {
        Self::builder().environment()?.build()
    }

    /// Begins a client with options.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn with_runner(plan: Plan, runner: Runner) -> Self {
        Self {
            view: View::new(plan),
            runner: Arc::new(runner),
        }
    }

    /// Returns the same client with another time that each call may take.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # let client = memoxide::Client::new("127.0.0.1:11211")?;
    /// let hurried = client.with_timeout(Duration::from_millis(20));
    /// let greeting: Option<String> = hurried.get("greeting")?;
    /// # Ok::<(), memoxide::Error>(())
    /// ```
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        self.viewed(self.view.with_timeout(timeout))
    }

    /// Returns the same client whose keys all go to the server of `key`, so
    /// that items that belong together are kept together. Administration
    /// concerns that server alone.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # let client = memoxide::Client::new("127.0.0.1:11211")?;
    /// let of_user = client.with_server_key("user:7");
    /// of_user.set("user:7:name", "Ada", Duration::from_secs(60))?;
    /// let found = of_user.get_multi::<_, String>(&["user:7:name", "user:7:mail"])?;
    /// # Ok::<(), memoxide::Error>(())
    /// ```
    #[must_use]
    pub fn with_server_key(&self, key: impl AsRef<[u8]>) -> Self {
        self.viewed(self.view.with_server_key(key.as_ref()))
    }

    /// Returns the same client within the namespace `name`: its keys begin with
    /// the name and the number of the namespace's generation, which is read
    /// here, in one request.
    ///
    /// The view stays in that generation. [`invalidate`](Self::invalidate) is
    /// seen by views that begin after it, so take one for each piece of work
    /// rather than for the life of the program. Namespaces nest.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # let client = memoxide::Client::new("127.0.0.1:11211")?;
    /// let shop = client.namespace("shop")?;
    /// shop.set("offer", "tea", Duration::from_secs(60))?;
    /// client.invalidate("shop")?;
    /// assert_eq!(client.namespace("shop")?.get::<String>("offer")?, None);
    /// # Ok::<(), memoxide::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`] when the name cannot be part of a key;
    /// [`ErrorKind::NotNumeric`] when another program uses the key
    /// `<name>:generation`; those of the way to its server.
    pub fn namespace(&self, name: impl AsRef<[u8]>) -> Result<Self> {
        let name = name.as_ref();
        let operation = self.plan().generation(name, net::unix_now())?;
        let outcome = self.run(operation, self.view.deadline(), &mut nothing)?;
        let generation = outcome.number().unwrap_or_default();
        Ok(self.viewed(self.view.scoped(name, generation)))
    }

    /// Makes every key of the namespace `name` unreachable, in one request.
    /// What was stored there is evicted in time.
    ///
    /// # Errors
    ///
    /// Those of [`namespace`](Self::namespace).
    pub fn invalidate(&self, name: impl AsRef<[u8]>) -> Result<()> {
        let operation = self.plan().invalidate(name.as_ref(), net::unix_now())?;
        self.run(operation, self.view.deadline(), &mut nothing)
            .map(drop)
    }

    /// Returns servers, placement and options.
    #[must_use]
    pub const fn plan(&self) -> &Arc<Plan> {
        self.view.plan()
    }

    /// Closes idle connections; the client can be used on.
    pub fn disconnect_all(&self) {
        self.runner.close(false);
    }

    /// Closes the client and its clones: further calls fail with
    /// [`ErrorKind::Closed`], calls that are under way in other threads end as
    /// they would have.
    pub fn close(&self) {
        self.runner.close(true);
    }

    fn viewed(&self, view: View) -> Self {
        Self {
            view,
            runner: Arc::clone(&self.runner),
        }
    }

    /// Plans a call, runs it, and gives the pieces of its result to
    /// `conversation`.
    fn call<'c>(
        &'c self,
        plan: impl FnOnce(&'c Plan, Place<'c>) -> Result<Operation<'c>>,
        conversation: &mut dyn Conversation,
    ) -> Result<Outcome> {
        let operation = plan(self.plan(), self.view.place())?;
        self.run(operation, self.view.deadline(), conversation)
    }

    /// Reads one item with `read`.
    fn read<'c, T>(
        &'c self,
        plan: impl FnOnce(&'c Plan, Place<'c>) -> Result<Operation<'c>>,
        read: impl FnMut(Item<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut one = One::new(read);
        self.call(plan, &mut one)?;
        one.finish()
    }

    fn run(
        &self,
        operation: Operation<'_>,
        deadline: Moment,
        conversation: &mut dyn Conversation,
    ) -> Result<Outcome> {
        let mut caller = Caller(conversation);
        self.runner.run(operation, deadline.0, &mut caller)
    }
}

/// The host of a plain Rust call.
struct Caller<'c>(&'c mut dyn Conversation);

impl Host for Caller<'_> {
    fn blocking<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        work()
    }

    fn interrupted(&self) -> Result<()> {
        Ok(())
    }

    fn ask(&mut self) -> Result<Answer> {
        self.0.ask()
    }

    fn part(&mut self, part: Part<'_>) {
        self.0.part(part);
    }

    fn hits(&mut self, hits: &Hits<'_>) {
        self.0.hits(hits);
    }

    fn patience(&self) -> Option<Duration> {
        self.0.patience()
    }

    fn is_over(&self) -> bool {
        self.0.is_over()
    }
}
