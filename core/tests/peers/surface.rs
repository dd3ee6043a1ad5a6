//! Both clients, behind one way of calling them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use memoxide::client::{Builder, Setting};
use memoxide::{AsyncClient, Client, Result, Ttl};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

/// What the tests ask of a client.
pub(crate) trait Surface: Sized {
    const NAME: &str;

    fn new(builder: Builder) -> Self;
    /// The same client, with another timeout.
    fn with_timeout(&self, timeout: Duration) -> Self;
    fn get(&self, key: &str) -> Result<Option<String>>;
    fn set(&self, key: &str, value: &[u8]) -> Result<bool>;
    fn incr(&self, key: &str) -> Result<Option<u64>>;
    /// The values found, in no order.
    fn get_multi(&self, keys: &[String]) -> Result<Vec<(String, String)>>;
    fn set_multi(&self, items: &[(String, String)]) -> Result<usize>;
}

/// A client of `endpoints` that never takes a server out of service.
pub(crate) fn client<S: Surface>(endpoints: &[&str], timeout: Duration, protocol: &str) -> S {
    let mut builder = Builder::default();
    for endpoint in endpoints {
        builder = builder.server(endpoint).expect("an endpoint");
    }
    let seconds = Setting::Number(timeout.as_secs_f64());
    let builder = builder
        .option("timeout", &seconds)
        .and_then(|builder| builder.option("connect_timeout", &seconds))
        .and_then(|builder| builder.option("protocol", &Setting::Text(protocol)))
        .and_then(|builder| builder.option("dead_after", &Setting::Number(1e6)))
        .and_then(|builder| builder.option("max_value_size", &Setting::Number(1e9)))
        .expect("options");
    S::new(builder)
}

/// A port on which nobody listens, and nobody else will as long as this is kept.
pub(crate) fn unused_port() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().expect("a socket");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(any).expect("a port");
    let endpoint = socket.local_addr().expect("an address").to_string();
    (socket, endpoint)
}

pub(crate) struct Blocking(pub(crate) Client);

impl Surface for Blocking {
    const NAME: &str = "blocking";

    fn new(builder: Builder) -> Self {
        Self(builder.build().expect("a client"))
    }

    fn with_timeout(&self, timeout: Duration) -> Self {
        Self(self.0.with_timeout(timeout))
    }

    fn get(&self, key: &str) -> Result<Option<String>> {
        self.0.get(key)
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<bool> {
        self.0.set(key, value, Ttl::Never)
    }

    fn incr(&self, key: &str) -> Result<Option<u64>> {
        self.0.incr(key, 1)
    }

    fn get_multi(&self, keys: &[String]) -> Result<Vec<(String, String)>> {
        Ok(self.0.get_multi(keys)?.into_iter().collect())
    }

    fn set_multi(&self, items: &[(String, String)]) -> Result<usize> {
        Ok(self.0.set_multi(items, Ttl::Never)?.len())
    }
}

pub(crate) struct Asynchronous {
    pub(crate) client: AsyncClient,
    pub(crate) runtime: Arc<Runtime>,
}

impl Surface for Asynchronous {
    const NAME: &str = "async";

    fn new(builder: Builder) -> Self {
        Self {
            client: builder.build_async().expect("a client"),
            runtime: Arc::new(Runtime::new().expect("a runtime")),
        }
    }

    fn with_timeout(&self, timeout: Duration) -> Self {
        Self {
            client: self.client.with_timeout(timeout),
            runtime: Arc::clone(&self.runtime),
        }
    }

    fn get(&self, key: &str) -> Result<Option<String>> {
        self.runtime.block_on(self.client.get(key))
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<bool> {
        let call = self.client.set(key, value, Ttl::Never);
        self.runtime.block_on(call)
    }

    fn incr(&self, key: &str) -> Result<Option<u64>> {
        self.runtime.block_on(self.client.incr(key, 1))
    }

    fn get_multi(&self, keys: &[String]) -> Result<Vec<(String, String)>> {
        let found = self.runtime.block_on(self.client.get_multi(keys))?;
        Ok(found.into_iter().collect())
    }

    fn set_multi(&self, items: &[(String, String)]) -> Result<usize> {
        let call = self.client.set_multi(items, Ttl::Never);
        Ok(self.runtime.block_on(call)?.len())
    }
}
