//! What a server is told before it starts, as the core takes it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use memoxide::server::fault::Rule;
use memoxide::server::{Clock, Credential, EmbeddedServerBuilder, ProtocolChoice, Settings};
use memoxide::tls::{ClientCertificate, Identity, ServerTls};
use memoxide::{EmbeddedServer, Error, ErrorKind, Result};
use napi::bindgen_prelude::{Either, Null, Uint8Array};
use napi_derive::napi;

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
    #[napi(ts_type = "number | null")]
    pub request_timeout: Option<Either<f64, Null>>,
    /// Passwords by user, for the text protocol.
    pub auth: Option<HashMap<String, String>>,
    /// Passwords by user, for SASL in the binary protocol.
    pub sasl: Option<HashMap<String, String>>,
    /// Certificate and key to speak TLS with.
    pub tls: Option<TlsOptions>,
    /// Unix seconds at which the server's time stands.
    pub time: Option<f64>,
    /// Addresses with ports to listen on instead.
    pub listen: Option<Vec<String>>,
    /// The same, without TLS.
    pub listen_plain: Option<Vec<String>>,
    /// What connections may speak.
    #[napi(ts_type = "'ascii' | 'auto' | 'binary'")]
    pub protocol: Option<String>,
    /// Whether a full store makes room.
    pub evictions: Option<bool>,
    /// Whether items have a cas id.
    pub cas: Option<bool>,
    /// Whether clients may send `flush_all`.
    pub flush_enabled: Option<bool>,
    /// Whether clients may send `shutdown`.
    pub shutdown_enabled: Option<bool>,
    /// Whether clients may list keys.
    pub dump_enabled: Option<bool>,
    /// Whether clients may send `watch`.
    pub watch_enabled: Option<bool>,
    /// The version that clients are told.
    pub version: Option<String>,
    /// Bytes that unfinished requests and unread replies may take.
    pub buffer_limit: Option<f64>,
    /// Connections that may wait to be accepted.
    pub backlog: Option<f64>,
    /// Whether connections beyond the limit wait.
    pub queue_connections: Option<bool>,
    /// Requests to log from the start.
    pub request_log: Option<f64>,
    /// Fault rules to start with, as JSON or the name of a preset.
    pub faults: Option<String>,
    /// Whether clients may send `fault`.
    pub fault_control: Option<bool>,
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
        // What replaces the settings comes first.
        let mut builder = EmbeddedServer::builder().settings(settings(&options)?);
        if let Some(address) = options.address {
            let wrong = |_| config(format!("no such address: {address}"));
            builder = builder.address(address.parse().map_err(wrong)?);
        }
        if let Some(port) = options.port {
            builder = builder.port(whole("port", port)?);
        }
        for address in options.listen.iter().flatten() {
            builder = builder.listen(socket_address(address)?);
        }
        for address in options.listen_plain.iter().flatten() {
            builder = builder.listen_plain(socket_address(address)?);
        }
        if let Some(path) = options.unix_socket {
            builder = builder.unix_socket(path);
        }
        if let Some(timeout) = options.idle_timeout {
            builder = builder.idle_timeout(Some(seconds("idleTimeout", timeout)?));
        }
        builder = match options.request_timeout {
            None => builder,
            Some(Either::A(timeout)) => {
                builder.request_timeout(Some(seconds("requestTimeout", timeout)?))
            }
            Some(Either::B(Null)) => builder.request_timeout(None),
        };
        if let Some(bytes) = options.buffer_limit {
            builder = builder.buffer_limit(whole("bufferLimit", bytes)?);
        }
        if let Some(connections) = options.backlog {
            builder = builder.backlog(whole("backlog", connections)?);
        }
        if options.queue_connections == Some(true) {
            builder = builder.queue_connections();
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
        if let Some(requests) = options.request_log {
            builder = builder.request_log(whole("requestLog", requests)?);
        }
        for rule in options.faults.as_deref().map_or(Ok(vec![]), Rule::parse)? {
            builder = builder.fault(rule);
        }
        Ok(builder.fault_control(options.fault_control.unwrap_or_default()))
    }
}

/// Reads what the store and the protocol are told.
fn settings(options: &ServerOptions) -> Result<Settings> {
    let mut settings = Settings::default();
    let set = |place: &mut bool, truth: Option<bool>| *place = truth.unwrap_or(*place);
    set(&mut settings.evictions, options.evictions);
    set(&mut settings.cas, options.cas);
    set(&mut settings.flush_enabled, options.flush_enabled);
    set(&mut settings.shutdown_enabled, options.shutdown_enabled);
    set(&mut settings.dump_enabled, options.dump_enabled);
    set(&mut settings.watch_enabled, options.watch_enabled);
    if let Some(bytes) = options.memory_limit {
        settings.memory_limit = whole("memoryLimit", bytes)?;
    }
    if let Some(bytes) = options.item_size_limit {
        settings.item_size_limit = whole("itemSizeLimit", bytes)?;
    }
    if let Some(threads) = options.threads {
        settings.threads = whole::<usize>("threads", threads)?.max(1);
    }
    if let Some(connections) = options.max_connections {
        settings.max_connections = whole("maxConnections", connections)?;
    }
    if let Some(version) = &options.version {
        settings.version = version.clone().into();
    }
    settings.protocol = match options.protocol.as_deref() {
        None | Some("auto") => ProtocolChoice::Auto,
        Some("ascii") => ProtocolChoice::Ascii,
        Some("binary") => ProtocolChoice::Binary,
        Some(other) => {
            let message = format!("protocol is neither auto, ascii nor binary: {other}");
            return Err(config(message));
        }
    };
    Ok(settings)
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
                return Err(config(message));
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

fn socket_address(text: &str) -> Result<SocketAddr> {
    let wrong = |_| config(format!("{text} is no IP address with a port"));
    text.parse().map_err(wrong)
}

pub(super) fn credentials(users: HashMap<String, String>) -> impl Iterator<Item = Credential> {
    users
        .into_iter()
        .map(|(username, password)| Credential::new(username, password))
}

/// Takes a number that counts something.
///
/// # Errors
///
/// `InvalidArgument` for what is no whole number, or too large.
pub(super) fn whole<T: TryFrom<u64>>(name: &str, number: f64) -> Result<T> {
    let safe = number.fract() == 0.0 && (0.0..=9_007_199_254_740_991.0).contains(&number);
    safe.then_some(number as u64)
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| invalid(format!("{name} is out of range: {number}")))
}

/// Takes a number of seconds.
///
/// # Errors
///
/// `InvalidArgument` for what is none.
pub(super) fn seconds(name: &str, number: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(number)
        .map_err(|_| invalid(format!("{name} is out of range: {number}")))
}

fn config(message: String) -> Error {
    Error::new(ErrorKind::Config, message)
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
