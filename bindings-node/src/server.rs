//! The embedded server, for `ts/server.ts`.
//!
//! A call that waits for the server's thread is a promise and waits on a thread
//! of Node's pool, so that the event loop goes on.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use memoxide::server::{Clock, Credential, EmbeddedServerBuilder};
use memoxide::tls::{ClientCertificate, Identity, ServerTls};
use memoxide::{EmbeddedServer, Error, ErrorKind, Result};
use napi::bindgen_prelude::{AsyncTask, Either, Uint8Array};
use napi::{Env, Task};
use napi_derive::napi;

use crate::errors::thrown;

/// What a server is told before it starts; the documentation is with
/// `EmbeddedServerOptions` in `ts/server.ts`.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct ServerOptions {
    /// The address to listen on.
    pub address: Option<String>,
    /// The port to listen on.
    pub port: Option<f64>,
    /// The path of a unix socket to listen on instead.
    pub unix_socket: Option<String>,
    /// Bytes that items may take.
    pub memory_limit: Option<f64>,
    /// Bytes that one item may take.
    pub item_size_limit: Option<f64>,
    /// Threads that serve.
    pub threads: Option<f64>,
    /// Connections that may be open.
    pub max_connections: Option<f64>,
    /// Seconds of silence after which a connection is closed.
    pub idle_timeout: Option<f64>,
    /// Seconds that one request may take to arrive.
    pub request_timeout: Option<f64>,
    /// Passwords by user, for the text protocol.
    pub auth: Option<HashMap<String, String>>,
    /// Passwords by user, for SASL in the binary protocol.
    pub sasl: Option<HashMap<String, String>>,
    /// Certificate and key to speak TLS with.
    pub tls: Option<TlsOptions>,
    /// Unix seconds at which the server's time stands.
    pub time: Option<f64>,
}

/// How a server speaks TLS; everything in PEM.
#[napi(object, object_to_js = false)]
pub struct TlsOptions {
    /// The server's certificate and those between it and the authority.
    #[napi(ts_type = "string | Uint8Array")]
    pub cert: Either<String, Uint8Array>,
    /// The key of the certificate.
    #[napi(ts_type = "string | Uint8Array")]
    pub key: Either<String, Uint8Array>,
    /// The authorities that clients' certificates are checked against.
    #[napi(ts_type = "string | Uint8Array")]
    pub client_ca: Option<Either<String, Uint8Array>>,
    /// Whether clients without a certificate are let in.
    #[napi(ts_type = "'requested' | 'required'")]
    pub client_cert: Option<String>,
}

impl TryFrom<ServerOptions> for EmbeddedServerBuilder {
    type Error = Error;

    fn try_from(options: ServerOptions) -> Result<Self> {
        let mut builder = EmbeddedServer::builder();
        if let Some(address) = options.address {
            let parsed: IpAddr = address.parse().map_err(|_| {
                Error::new(ErrorKind::Config, format!("no such address: {address}"))
            })?;
            builder = builder.address(parsed);
        }
        if let Some(port) = options.port {
            builder = builder.port(whole("port", port)?);
        }
        if let Some(path) = options.unix_socket {
            builder = builder.unix_socket(path);
        }
        if let Some(bytes) = options.memory_limit {
            builder = builder.memory_limit(whole("memoryLimit", bytes)?);
        }
        if let Some(bytes) = options.item_size_limit {
            builder = builder.item_size_limit(whole("itemSizeLimit", bytes)?);
        }
        if let Some(threads) = options.threads {
            builder = builder.threads(whole("threads", threads)?);
        }
        if let Some(connections) = options.max_connections {
            builder = builder.max_connections(whole("maxConnections", connections)?);
        }
        if let Some(timeout) = options.idle_timeout {
            builder = builder.idle_timeout(Some(seconds("idleTimeout", timeout)?));
        }
        if let Some(timeout) = options.request_timeout {
            builder = builder.request_timeout(Some(seconds("requestTimeout", timeout)?));
        }
        if let Some(users) = options.auth {
            builder = builder.auth(credentials(users));
        }
        if let Some(users) = options.sasl {
            builder = builder.sasl(credentials(users));
        }
        if let Some(tls) = options.tls {
            builder = builder.tls(tls.try_into()?);
        }
        if let Some(time) = options.time {
            builder = builder.clock(Clock::virtual_at(whole("time", time)?));
        }
        Ok(builder)
    }
}

impl TryFrom<TlsOptions> for ServerTls {
    type Error = Error;

    fn try_from(options: TlsOptions) -> Result<Self> {
        let tls = Self::new(Identity::from_pem(pem(&options.cert), pem(&options.key))?);
        let certificate = match options.client_cert.as_deref() {
            None | Some("required") => ClientCertificate::Required,
            Some("requested") => ClientCertificate::Requested,
            Some(other) => {
                let message = format!("clientCert is neither requested nor required: {other}");
                return Err(Error::new(ErrorKind::Config, message));
            }
        };
        match &options.client_ca {
            Some(authorities) => tls.client_ca_pem(pem(authorities), certificate),
            None => Ok(tls),
        }
    }
}

fn pem(text: &Either<String, Uint8Array>) -> &[u8] {
    match text {
        Either::A(text) => text.as_bytes(),
        Either::B(bytes) => bytes,
    }
}

fn credentials(users: HashMap<String, String>) -> impl Iterator<Item = Credential> {
    users
        .into_iter()
        .map(|(username, password)| Credential::new(username, password))
}

/// Takes a number that counts something.
fn whole<T: TryFrom<u64>>(name: &str, number: f64) -> Result<T> {
    let safe = number.fract() == 0.0 && (0.0..=9_007_199_254_740_991.0).contains(&number);
    safe.then_some(number as u64)
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| invalid(format!("{name} is out of range: {number}")))
}

fn seconds(name: &str, number: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(number)
        .map_err(|_| invalid(format!("{name} is out of range: {number}")))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

/// A running server.
#[napi(js_name = "EmbeddedServer")]
pub struct ServerHandle {
    server: Arc<RwLock<EmbeddedServer>>,
    clock: Clock,
    endpoints: Vec<String>,
    port: u16,
}

#[napi]
impl ServerHandle {
    /// Starts a server.
    #[napi(ts_return_type = "Promise<EmbeddedServer>")]
    #[must_use]
    pub fn start(options: Option<ServerOptions>) -> AsyncTask<Start> {
        let builder = options.unwrap_or_default().try_into();
        AsyncTask::new(Start(Some(builder)))
    }

    /// Every address listened on.
    #[napi(getter)]
    pub fn endpoints(&self) -> Vec<String> {
        self.endpoints.clone()
    }

    /// The first TCP port listened on, 0 without one.
    #[napi(getter)]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the server still runs.
    #[napi(getter)]
    pub fn is_running(&self) -> bool {
        // Not to be had while the server is being stopped.
        self.server
            .try_read()
            .is_ok_and(|server| server.is_running())
    }

    /// How many connections the server has taken since its start.
    #[napi(getter)]
    pub fn connections(&self) -> f64 {
        self.server
            .try_read()
            .map_or(0.0, |server| server.connections() as f64)
    }

    /// How many connections are open.
    #[napi(getter)]
    pub fn open_connections(&self) -> u32 {
        self.server.try_read().map_or(0, |server| {
            u32::try_from(server.open_connections()).unwrap_or(u32::MAX)
        })
    }

    /// The server's time in Unix seconds.
    #[napi(getter)]
    pub fn time(&self) -> f64 {
        self.clock.unix_seconds() as f64
    }

    /// Moves the server's time forward.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for what is no number of whole seconds.
    #[napi]
    pub fn advance(&self, env: Env, seconds: f64) -> napi::Result<()> {
        let seconds = whole("seconds", seconds).map_err(|error| thrown(&env, &error))?;
        self.clock.advance(seconds);
        Ok(())
    }

    /// Stops answering without closing anything.
    #[napi(ts_return_type = "Promise<void>")]
    #[must_use]
    pub fn freeze(&self) -> AsyncTask<Order> {
        self.order(|server| server.freeze())
    }

    /// Answers again.
    #[napi(ts_return_type = "Promise<void>")]
    #[must_use]
    pub fn thaw(&self) -> AsyncTask<Order> {
        self.order(|server| server.thaw())
    }

    /// Closes every connection.
    #[napi(ts_return_type = "Promise<void>")]
    #[must_use]
    pub fn disconnect_all(&self) -> AsyncTask<Order> {
        self.order(|server| server.disconnect_all())
    }

    /// Refuses new connections.
    #[napi(ts_return_type = "Promise<void>")]
    #[must_use]
    pub fn refuse_connections(&self) -> AsyncTask<Order> {
        self.order(|server| server.refuse_connections())
    }

    /// Takes new connections again.
    #[napi(ts_return_type = "Promise<void>")]
    #[must_use]
    pub fn accept_connections(&self) -> AsyncTask<Order> {
        self.order(|server| server.accept_connections())
    }

    /// Restarts empty on the same port, after `down` seconds.
    #[napi(ts_return_type = "Promise<void>")]
    #[must_use]
    pub fn restart(&self, down: f64) -> AsyncTask<Order> {
        self.order(move |server| server.restart(seconds("down", down)?))
    }

    /// Stops the server; `graceful` lets clients take their replies before.
    #[napi(ts_return_type = "Promise<void>")]
    #[must_use]
    pub fn stop(&self, graceful: bool) -> AsyncTask<Order> {
        let server = Arc::clone(&self.server);
        AsyncTask::new(Order(Some(Box::new(move || {
            let server = server.write().unwrap_or_else(PoisonError::into_inner);
            if graceful {
                server.stop_gracefully();
            } else {
                server.stop();
            }
            Ok(())
        }))))
    }

    fn order(
        &self,
        order: impl FnOnce(&EmbeddedServer) -> Result<()> + Send + 'static,
    ) -> AsyncTask<Order> {
        let server = Arc::clone(&self.server);
        AsyncTask::new(Order(Some(Box::new(move || {
            order(&server.read().unwrap_or_else(PoisonError::into_inner))
        }))))
    }
}

/// Starts a server on a thread of Node's pool.
pub struct Start(Option<Result<EmbeddedServerBuilder>>);

impl Task for Start {
    type Output = Result<EmbeddedServer>;
    type JsValue = ServerHandle;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let builder = self.0.take().expect("a task runs once");
        Ok(builder.and_then(EmbeddedServerBuilder::start))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        let server = output.map_err(|error| thrown(&env, &error))?;
        Ok(ServerHandle {
            clock: server.clock().clone(),
            endpoints: server.endpoints().map(str::to_owned).collect(),
            port: server.port(),
            server: Arc::new(RwLock::new(server)),
        })
    }
}

/// Has a server do something, on a thread of Node's pool.
pub struct Order(Option<Box<dyn FnOnce() -> Result<()> + Send>>);

impl Task for Order {
    type Output = Result<()>;
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let order = self.0.take().expect("a task runs once");
        Ok(order())
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        output.map_err(|error| thrown(&env, &error))
    }
}
