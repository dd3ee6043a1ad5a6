//! What the driver is to do for the engine, other than writing.

use memoxide::client::Action;
use memoxide::net::Address;
use napi_derive::napi;

use super::core::Core;

/// Something for the driver to do; which fields are there depends on the kind.
#[napi(object, object_from_js = false)]
pub struct ActionFields {
    /// What to do.
    #[napi(ts_type = "'close' | 'connect' | 'pause' | 'resolve' | 'resume'")]
    pub kind: &'static str,
    /// The connection that is concerned.
    pub connection: f64,
    /// The endpoint, by position in the configuration.
    pub endpoint: u32,
    /// The IP address to connect to, or the name to look up.
    pub host: Option<String>,
    /// The port to connect to.
    pub port: Option<u16>,
    /// The path of the Unix socket to connect to.
    pub path: Option<String>,
    /// The name that the server's certificate must carry, where connections are
    /// encrypted.
    pub server_name: Option<String>,
}

impl ActionFields {
    /// Puts an action into fields.
    pub(super) fn new(action: Action, core: &Core) -> Self {
        let mut fields = Self {
            kind: "close",
            connection: 0.0,
            endpoint: 0,
            host: None,
            port: None,
            path: None,
            server_name: None,
        };
        match action {
            Action::Close(id) => fields.connection = id.0 as f64,
            Action::Connect {
                connection,
                endpoint,
                address,
            } => {
                fields.kind = "connect";
                fields.connection = connection.0 as f64;
                fields.endpoint = endpoint as u32;
                fields.host = address.map(|address| address.ip().to_string());
                fields.port = address.map(|address| address.port());
                fields.server_name = core.server_name(endpoint).map(str::to_owned);
                if let Address::Unix { path } = core.address(endpoint) {
                    fields.path = Some(path.clone());
                }
            }
            Action::Pause(id) => {
                fields.kind = "pause";
                fields.connection = id.0 as f64;
            }
            Action::Resume(id) => {
                fields.kind = "resume";
                fields.connection = id.0 as f64;
            }
            Action::Resolve { endpoint } => {
                fields.kind = "resolve";
                fields.endpoint = endpoint as u32;
                if let Address::Tcp { host, .. } = core.address(endpoint) {
                    fields.host = Some(host.clone());
                }
            }
        }
        fields
    }
}
