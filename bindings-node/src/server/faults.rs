//! Fault rules and the log of requests. Rules cross as JSON: what one may say is
//! the core's to know.

use memoxide::EmbeddedServer;
use memoxide::server::fault::{FaultStatus, LoggedRequest};
use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Buffer};
use napi_derive::napi;

use super::options::whole;
use super::{Order, ServerHandle};
use crate::errors::thrown;

/// A rule of a server; `FaultStatus` in `ts/faults.ts` has the documentation.
#[napi(object, object_from_js = false)]
pub struct FaultFields {
    pub id: f64,
    /// The rule as JSON.
    pub rule: String,
    pub hits: f64,
}

impl From<FaultStatus> for FaultFields {
    fn from(status: FaultStatus) -> Self {
        Self {
            id: status.id as f64,
            rule: status.rule.to_json(),
            hits: status.hits as f64,
        }
    }
}

/// A request as it was received; `LoggedRequest` in `ts/faults.ts` has the
/// documentation.
#[napi(object, object_from_js = false)]
pub struct RequestFields {
    pub connection: f64,
    pub request: f64,
    pub command: String,
    pub key: String,
    pub head: Buffer,
    pub length: f64,
    pub reply_length: f64,
    pub faults: Vec<f64>,
}

impl From<LoggedRequest> for RequestFields {
    fn from(request: LoggedRequest) -> Self {
        Self {
            connection: request.connection as f64,
            request: request.request as f64,
            command: request.command,
            key: request.key,
            head: request.head.into(),
            length: request.length as f64,
            reply_length: request.reply_length as f64,
            faults: request.faults.iter().map(|id| *id as f64).collect(),
        }
    }
}

#[napi]
impl ServerHandle {
    /// Adds rules, given as JSON or by the name of a preset, and returns their
    /// numbers.
    #[napi(ts_return_type = "Promise<number[]>")]
    #[must_use]
    pub fn add_faults(&self, rules: String) -> AsyncTask<Order<Vec<f64>>> {
        self.order(move |server| {
            let ids = server.add_faults(&rules)?;
            Ok(ids.iter().map(|id| *id as f64).collect())
        })
    }

    /// Removes a rule; returns whether there was one.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for what is no number of a rule.
    #[napi(ts_return_type = "Promise<boolean>")]
    pub fn remove_fault(&self, env: Env, id: f64) -> napi::Result<AsyncTask<Order<bool>>> {
        let id = whole("id", id).map_err(|error| thrown(&env, &error))?;
        Ok(self.order(move |server| server.remove_fault(id)))
    }

    /// Removes all rules.
    #[napi(ts_return_type = "Promise<void>")]
    #[must_use]
    pub fn clear_faults(&self) -> AsyncTask<Order> {
        self.order(EmbeddedServer::clear_faults)
    }

    /// Returns the rules, in the order in which they were added.
    #[napi]
    pub fn faults(&self) -> Vec<FaultFields> {
        let faults = self.ask(EmbeddedServer::faults).unwrap_or_default();
        faults.into_iter().map(FaultFields::from).collect()
    }

    /// Returns how often a rule has struck, if there is one.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for what is no number of a rule.
    #[napi]
    pub fn fault_hits(&self, env: Env, id: f64) -> napi::Result<Option<f64>> {
        let id = whole("id", id).map_err(|error| thrown(&env, &error))?;
        let hits = self.ask(|server| server.fault_hits(id)).flatten();
        Ok(hits.map(|hits| hits as f64))
    }

    /// How many requests the server has received since its start.
    #[napi(getter)]
    pub fn requests(&self) -> f64 {
        self.ask(EmbeddedServer::requests).unwrap_or_default() as f64
    }

    /// Keeps the last `capacity` requests from now on; 0 stops and forgets.
    ///
    /// # Errors
    ///
    /// `Closed`, and `InvalidArgument` for what is no whole number.
    #[napi]
    pub fn log_requests(&self, env: Env, capacity: f64) -> napi::Result<()> {
        self.have(&env, |server| {
            server.log_requests(whole("capacity", capacity)?)
        })
    }

    /// Returns the logged requests, oldest first.
    #[napi]
    pub fn logged_requests(&self) -> Vec<RequestFields> {
        let requests = self.ask(EmbeddedServer::logged_requests);
        let requests = requests.unwrap_or_default().into_iter();
        requests.map(RequestFields::from).collect()
    }

    /// Forgets the logged requests and goes on logging.
    #[napi]
    pub fn clear_log(&self) {
        // Nothing is logged any more once it stops.
        let _ = self.ask(EmbeddedServer::clear_log);
    }
}
