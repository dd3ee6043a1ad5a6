//! The server's certificates, which may be read again while it runs.

use std::sync::Arc;

use parking_lot::RwLock;
use rustls::ServerConfig;

use crate::tls::{Part, ServerTls};
use crate::{Error, Result};

/// What new connections shake hands with.
pub(crate) struct Certificates {
    settings: ServerTls,
    config: RwLock<Arc<ServerConfig>>,
}

impl Certificates {
    /// Takes what `settings` have read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it cannot be used.
    pub(crate) fn new(settings: ServerTls) -> Result<Self> {
        let config = RwLock::new(settings.config()?);
        Ok(Self { settings, config })
    }

    /// Reads the files again, for connections from now on. The answer of
    /// memcached if that fails; what was there before then stays, all of it.
    pub(crate) fn refresh(&self) -> Result<(), String> {
        let anew = self.settings.read_again();
        // A key that is none of the certificate's is noticed last.
        let config = anew.and_then(|tls| tls.config().map_err(|error| (Part::Key, error)));
        *self.config.write() = config.map_err(|(part, error)| complaint(part, &error))?;
        Ok(())
    }

    /// Returns the configuration for the next connection.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config.read())
    }
}

fn complaint(part: Part, error: &Error) -> String {
    let what = match part {
        Part::Authorities => "client CA certificate",
        Part::Chain => "certificate chain",
        Part::Key => "key",
    };
    let message = error.message();
    match error.endpoint() {
        Some(file) => format!("Error loading the {what}: {file} : {message}"),
        None => format!("Error loading the {what}: {message}"),
    }
}
