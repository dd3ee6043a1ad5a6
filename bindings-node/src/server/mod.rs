//! The embedded server, for `ts/server.ts`.
//!
//! A call that waits for the server's thread is a promise and waits on a thread
//! of Node's pool, so that the event loop goes on.

pub mod faults;
pub mod options;
pub mod store;

use std::sync::{Arc, PoisonError, RwLock};

use memoxide::server::{Clock, EmbeddedServerBuilder};
use memoxide::{EmbeddedServer, Error, ErrorKind, Result};
use napi::bindgen_prelude::{AsyncTask, ToNapiValue, TypeName};
use napi::{Env, Task};
use napi_derive::napi;

use self::options::{ServerOptions, seconds, whole};
use crate::errors::thrown;

/// A running server.
#[napi]
pub struct ServerHandle {
    server: Arc<RwLock<EmbeddedServer>>,
    clock: Clock,
    endpoints: Vec<String>,
    port: u16,
}

#[napi]
impl ServerHandle {
    /// Starts a server.
    #[napi(ts_return_type = "Promise<ServerHandle>")]
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
        self.ask(EmbeddedServer::is_running).unwrap_or_default()
    }

    /// How many connections the server has taken since its start.
    #[napi(getter)]
    pub fn connections(&self) -> f64 {
        self.ask(EmbeddedServer::connections).unwrap_or_default() as f64
    }

    /// How many connections are open.
    #[napi(getter)]
    pub fn open_connections(&self) -> u32 {
        let open = self.ask(EmbeddedServer::open_connections);
        u32::try_from(open.unwrap_or_default()).unwrap_or(u32::MAX)
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

    /// Has the server do something that waits for its thread.
    fn order<T: Send + ToNapiValue + TypeName + 'static>(
        &self,
        order: impl FnOnce(&EmbeddedServer) -> Result<T> + Send + 'static,
    ) -> AsyncTask<Order<T>> {
        let server = Arc::clone(&self.server);
        AsyncTask::new(Order(Some(Box::new(move || {
            order(&server.read().unwrap_or_else(PoisonError::into_inner))
        }))))
    }
}

impl ServerHandle {
    /// Asks the server something that takes no time; `None` while it is being
    /// stopped.
    fn ask<T>(&self, ask: impl FnOnce(&EmbeddedServer) -> T) -> Option<T> {
        self.server.try_read().ok().map(|server| ask(&server))
    }

    /// Does something at once that fails once the server has stopped.
    fn have<T>(
        &self,
        env: &Env,
        have: impl FnOnce(&EmbeddedServer) -> Result<T>,
    ) -> napi::Result<T> {
        let stopped = || Err(Error::new(ErrorKind::Closed, "the server has stopped"));
        let done = self.ask(have).unwrap_or_else(stopped);
        done.map_err(|error| thrown(env, &error))
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
pub struct Order<T = ()>(Option<Box<dyn FnOnce() -> Result<T> + Send>>);

impl<T: Send + ToNapiValue + TypeName + 'static> Task for Order<T> {
    type Output = Result<T>;
    type JsValue = T;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let order = self.0.take().expect("a task runs once");
        Ok(order())
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        output.map_err(|error| thrown(&env, &error))
    }
}
