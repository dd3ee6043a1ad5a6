//! The async client, on tokio: each method is a line over [`Plan`] and the
//! tokio driver.

mod administration;
mod change;
mod keys;
mod lock;
mod retrieval;
mod storage;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub use self::keys::KeyStream;
pub use self::lock::AsyncLock;
use super::builder::Builder;
use super::multiplexed::Driver;
use super::operation::{Moment, Operation, Outcome};
use super::plan::{Place, Plan};
use super::view::{Conversation, One, View, nothing};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::net;
use crate::protocol::Item;

/// An async client: requests of all tasks share one connection per server and
/// go out together.
///
/// A clone is cheap and shares everything with the original, and so do the
/// views that [`with_timeout`](Self::with_timeout),
/// [`with_server_key`](Self::with_server_key) and
/// [`namespace`](Self::namespace) return: clients whose calls differ in that
/// one thing. Connections are opened on first use, on the runtime of the call,
/// and closed with the last clone. A call ends within
/// [`timeout`](super::Options::timeout) whatever the servers do; dropping its
/// future gives it up. What happens to servers is told to `tracing`
/// ([`log`](super::log)). Its methods panic outside of a tokio runtime.
///
/// ```no_run
/// use std::time::Duration;
/// use memoxide::AsyncClient;
///
/// # async fn example() -> memoxide::Result<()> {
/// let client = AsyncClient::new("127.0.0.1:11211")?;
/// client.set("greeting", "hello", Duration::from_secs(60)).await?;
/// assert_eq!(client.get::<String>("greeting").await?.as_deref(), Some("hello"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AsyncClient {
    view: View,
    held: Arc<Held>,
}

/// Ends the driver with the last clone of its client.
#[derive(Debug)]
struct Held(Arc<Driver>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl AsyncClient {
    /// Creates a client for a list of servers separated by commas, or for a URL
    /// with options ([`config`](super::config) has the form).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it does not parse.
    pub fn new(servers: &str) -> Result<Self> {
        Self::builder().url(servers)?.build_async()
    }

    /// Creates a client for the servers that the environment names, as
    /// [`read_environment`](super::config::read_environment) says.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it names none, or does not parse.
    pub fn from_environment() -> Result<Self> {
        Self::builder().environment()?.build_async()
    }

    /// Begins a client with options.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn with_plan(plan: Plan) -> Self {
        Self {
            held: Arc::new(Held(Driver::new(&plan))),
            view: View::new(plan),
        }
    }

    /// Returns the same client with another time that each call may take.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(client: memoxide::AsyncClient) -> memoxide::Result<()> {
    /// let hurried = client.with_timeout(Duration::from_millis(20));
    /// let greeting: Option<String> = hurried.get("greeting").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        self.viewed(self.view.with_timeout(timeout))
    }

    /// Returns the same client whose keys all go to the server of `key`, so
    /// that items that belong together are kept together. Administration
    /// concerns that server alone.
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
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`] when the name cannot be part of a key;
    /// [`ErrorKind::NotNumeric`] when another program uses the key
    /// `<name>:generation`; those of the way to its server.
    pub async fn namespace(&self, name: impl AsRef<[u8]> + Send) -> Result<Self> {
        let name = name.as_ref();
        let operation = self.plan().generation(name, net::unix_now())?;
        let outcome = self
            .run(operation, self.view.deadline(), &mut nothing)
            .await?;
        let generation = outcome.number().unwrap_or_default();
        Ok(self.viewed(self.view.scoped(name, generation)))
    }

    /// Makes every key of the namespace `name` unreachable, in one request.
    /// What was stored there is evicted in time.
    ///
    /// # Errors
    ///
    /// Those of [`namespace`](Self::namespace).
    pub async fn invalidate(&self, name: impl AsRef<[u8]> + Send) -> Result<()> {
        let operation = self.plan().invalidate(name.as_ref(), net::unix_now())?;
        self.run(operation, self.view.deadline(), &mut nothing)
            .await
            .map(drop)
    }

    /// Returns servers, placement and options.
    #[must_use]
    pub const fn plan(&self) -> &Arc<Plan> {
        self.view.plan()
    }

    /// Closes idle connections; the client can be used on.
    pub fn disconnect_all(&self) {
        self.held.0.disconnect();
    }

    /// Closes the client and its clones: calls under way and further ones fail
    /// with [`ErrorKind::Closed`].
    pub fn close(&self) {
        self.held.0.close();
    }

    /// Closes the client and its clones when the calls under way have ended;
    /// further ones fail with [`ErrorKind::Closed`].
    pub async fn quit(&self) {
        self.held.0.finish().await;
        self.held.0.close();
    }

    fn viewed(&self, view: View) -> Self {
        Self {
            view,
            held: Arc::clone(&self.held),
        }
    }

    /// Plans a call at once; its future runs it and gives the pieces of its
    /// result to `conversation`.
    fn call<'c>(
        &'c self,
        plan: impl FnOnce(&'c Plan, Place<'c>) -> Result<Operation<'c>>,
        conversation: &'c mut (dyn Conversation + Send),
    ) -> impl Future<Output = Result<Outcome>> + Send {
        let deadline = self.view.deadline();
        let operation = plan(self.plan(), self.view.place()).map(Operation::into_owned);
        async move { self.run(operation?, deadline, conversation).await }
    }

    /// Plans the read of one item at once; its future runs it.
    fn read<'c, T: Send>(
        &'c self,
        plan: impl FnOnce(&'c Plan, Place<'c>) -> Result<Operation<'c>>,
        read: impl FnMut(Item<'_>) -> Result<T> + Send,
    ) -> impl Future<Output = Result<Option<T>>> + Send {
        let deadline = self.view.deadline();
        let operation = plan(self.plan(), self.view.place()).map(Operation::into_owned);
        async move {
            let mut one = One::new(read);
            self.run(operation?, deadline, &mut one).await?;
            one.finish()
        }
    }

    async fn run(
        &self,
        operation: Operation<'static>,
        deadline: Moment,
        conversation: &mut (dyn Conversation + Send),
    ) -> Result<Outcome> {
        self.held.0.run(operation, deadline, conversation).await
    }
}
