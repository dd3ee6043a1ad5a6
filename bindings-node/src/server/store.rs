//! What the server holds, its users and its time, without a client's connection.

use std::collections::HashMap;

use napi::Env;
use napi_derive::napi;

use super::ServerHandle;
use super::options::{credentials, whole};

#[napi]
impl ServerHandle {
    /// How many items there are, with expired ones that nobody asked for since.
    ///
    /// # Errors
    ///
    /// `Closed`.
    #[napi]
    pub fn items(&self, env: Env) -> napi::Result<f64> {
        self.have(&env, |server| Ok(server.engine()?.items() as f64))
    }

    /// The bytes that count against the memory limit.
    ///
    /// # Errors
    ///
    /// `Closed`.
    #[napi]
    pub fn footprint(&self, env: Env) -> napi::Result<f64> {
        self.have(&env, |server| Ok(server.engine()?.footprint() as f64))
    }

    /// Returns a report as `stats` sends it; empty for an unknown name.
    ///
    /// # Errors
    ///
    /// `Closed`.
    #[napi(ts_return_type = "Array<[string, string]>")]
    pub fn statistics(&self, env: Env, report: String) -> napi::Result<Vec<Vec<String>>> {
        self.have(&env, |server| {
            let figures = server.engine()?.statistics(&report).into_iter();
            Ok(figures.map(|(name, value)| vec![name, value]).collect())
        })
    }

    /// Evicts items, those unused for longest first; returns how many.
    ///
    /// # Errors
    ///
    /// `Closed`, and `InvalidArgument` for what is no whole number.
    #[napi]
    pub fn evict(&self, env: Env, count: f64) -> napi::Result<f64> {
        self.have(&env, |server| {
            Ok(server.engine()?.evict(whole("count", count)?) as f64)
        })
    }

    /// Lets all items expire, at once or in `delay` seconds.
    ///
    /// # Errors
    ///
    /// As for `evict`.
    #[napi]
    pub fn flush_all(&self, env: Env, delay: f64) -> napi::Result<()> {
        self.have(&env, |server| {
            server.engine()?.flush_all(whole("delay", delay)?);
            Ok(())
        })
    }

    /// Removes all items, as a restart does.
    ///
    /// # Errors
    ///
    /// `Closed`.
    #[napi]
    pub fn clear(&self, env: Env) -> napi::Result<()> {
        self.have(&env, |server| {
            server.engine()?.clear();
            Ok(())
        })
    }

    /// Replaces the users of the text protocol, passwords by name.
    ///
    /// # Errors
    ///
    /// `Closed`.
    #[napi]
    pub fn replace_users(&self, env: Env, users: HashMap<String, String>) -> napi::Result<()> {
        let users = credentials(users).collect();
        self.have(&env, |server| server.replace_users(users))
    }

    /// Stops the server's time.
    #[napi]
    pub fn pause_time(&self) {
        self.clock.pause();
    }

    /// Lets a time that was stopped go on.
    #[napi]
    pub fn resume_time(&self) {
        self.clock.resume();
    }
}
