//! `memoxide serve`: the embedded server as a process of its own.
//!
//! It takes memcached's command line and behaves like its binary: the same
//! flags, exit codes, port file, pid file and signals. Two things differ on
//! purpose: without `-l` it listens on the loopback addresses only, and a number
//! that is none is an error instead of 0.

mod extended;
mod flags;
mod help;
mod process;
mod sockets;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use crate::server::{Credential, EmbeddedServer, parse_credentials};
use flags::{Command, Options};

/// Exit codes as in the C library's `sysexits.h`.
const USAGE: u8 = 64;
const NO_USER: u8 = 67;
const SYSTEM: u8 = 71;

/// Why the command ends without having served, and its exit code.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Failure {
    code: u8,
    message: String,
    /// The message comes from reading flags and is preceded by the program's
    /// name.
    getopt: bool,
}

impl Failure {
    fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            getopt: false,
        }
    }

    fn getopt(message: String) -> Self {
        Self {
            code: 1,
            message,
            getopt: true,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Runs `serve` with `words` behind it and returns the exit code.
pub(super) fn run(program: &str, words: &[OsString]) -> u8 {
    match try_run(words) {
        Ok(()) => 0,
        Err(failure) => {
            if failure.getopt {
                complain(&format!("{program}: {failure}\nIllegal argument \"?\""));
            } else {
                complain(&failure.message);
            }
            failure.code
        }
    }
}

fn try_run(words: &[OsString]) -> Result<(), Failure> {
    let options = match flags::read(words)? {
        Command::Help => return say(&help::help()),
        Command::License => return say(help::LICENSE),
        Command::Version => return say(&help::version()),
        Command::Serve(options) => *options,
    };
    for warning in &options.warnings {
        complain(warning);
    }
    serve(options, words)
}

fn serve(options: Options, words: &[OsString]) -> Result<(), Failure> {
    process::allow_open_files(options.settings.max_connections);
    if let Some(user) = &options.user {
        process::assume_identity(user, words)?;
    }
    let daemon = options.daemon;
    if daemon && !process::is_daemon() {
        return process::become_daemon(words);
    }

    let pid_file = options.pid_file.clone();
    let auth_file = options.auth_file.clone();
    let verbosity = options.settings.verbosity;
    let wait = Wait::new()?;
    let server = start(options)?;
    if let Some(path) = &pid_file {
        process::write_pid_file(path);
    }
    if daemon {
        process::detach(verbosity > 0);
    }
    match wait.wait(&server, auth_file.as_deref()) {
        End::Graceful => {
            server.stop_gracefully();
            complain("Gracefully stopping");
        }
        End::Normal => {
            server.stop();
            if verbosity > 0 {
                complain("Exiting normally");
            }
        }
    }
    if let Some(path) = pid_file.filter(|_| daemon) {
        // Somebody else may have removed it.
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

/// Binds the sockets and starts the server.
fn start(mut options: Options) -> Result<EmbeddedServer, Failure> {
    if let Some(path) = &options.auth_file {
        options.settings.auth_file = Some(users(path)?);
    }
    if options.sasl {
        options.settings.sasl = Some(match std::env::var_os("MEMCACHED_SASL_PWDB") {
            Some(path) => users(Path::new(&path))?,
            None => {
                complain(
                    "WARNING: nobody can log in: MEMCACHED_SASL_PWDB names no file \
                     of user:password lines",
                );
                Vec::new()
            }
        });
    }
    let mut builder = EmbeddedServer::builder().settings(options.settings.clone());
    if options.tls {
        builder = with_tls(builder, &options)?;
    }
    if let Some(timeout) = options.request_timeout {
        builder = builder.request_timeout(Some(timeout));
    }
    if let Some(limit) = options.buffer_limit {
        builder = builder.buffer_limit(limit);
    }
    if options.extended.queue_connections {
        builder = builder.queue_connections();
    }
    for rule in options.faults.clone() {
        builder = builder.fault(rule);
    }
    builder = builder.fault_control(options.fault_control);
    let places = sockets::bind(&options)?;
    let listening = sockets::tcp_addresses(&places);
    let server = builder
        .places(places.into_iter().map(Arc::new).collect())
        .start()
        .map_err(|error| Failure::new(SYSTEM, error.to_string()))?;
    if options.unix_socket.is_none() {
        sockets::write_port_file(&listening);
    }
    Ok(server)
}

#[cfg(feature = "tls")]
fn with_tls(
    builder: crate::server::EmbeddedServerBuilder,
    options: &Options,
) -> Result<crate::server::EmbeddedServerBuilder, Failure> {
    use crate::tls::{ClientCertificate, Identity, ServerTls};

    let usage = |error: crate::Error| Failure::new(USAGE, error.to_string());
    let extended = &options.extended;
    let Some(certificate) = &extended.certificate else {
        return Err(Failure::new(
            USAGE,
            "Error loading the certificate chain: -Z needs -o ssl_chain_cert=FILE",
        ));
    };
    let key = extended.key.as_ref().unwrap_or(certificate);
    let mut tls = ServerTls::new(Identity::from_files(certificate, key).map_err(usage)?);
    let asked = match (extended.verify_mode, &extended.client_authorities) {
        // A certificate that nothing can be held against is not asked for.
        (0, _) | (1, None) => ClientCertificate::Ignored,
        (1, Some(_)) => ClientCertificate::Requested,
        _ => ClientCertificate::Required,
    };
    if asked != ClientCertificate::Ignored {
        let Some(authorities) = &extended.client_authorities else {
            return Err(Failure::new(
                USAGE,
                "ssl_verify_mode needs -o ssl_ca_cert=FILE",
            ));
        };
        tls = tls.client_ca_file(authorities, asked).map_err(usage)?;
    }
    if extended.tls13_only {
        tls = tls.tls13_only();
    }
    Ok(builder.tls(tls))
}

#[cfg(not(feature = "tls"))]
fn with_tls(
    _builder: crate::server::EmbeddedServerBuilder,
    _options: &Options,
) -> Result<crate::server::EmbeddedServerBuilder, Failure> {
    Err(Failure::new(
        USAGE,
        "This server is not built with TLS support.",
    ))
}

fn users(path: &Path) -> Result<Vec<Credential>, Failure> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| {
        let message = format!("Could not open authfile [{shown}] for reading, error {error}");
        Failure::new(1, message)
    })?;
    parse_credentials(&bytes).map_err(|_| {
        let message =
            format!("Authfile [{shown}] has a malformed entry. Should be 'user:password'");
        Failure::new(1, message)
    })
}

/// How a server was told to end.
enum End {
    Graceful,
    Normal,
}

/// Waits for a signal or a client's `shutdown`.
struct Wait {
    runtime: Runtime,
    signals: process::Signals,
}

impl Wait {
    /// Catches signals from now on: whoever learns that the server listens may
    /// send one.
    fn new() -> Result<Self, Failure> {
        let system = |error: io::Error| Failure::new(SYSTEM, format!("cannot wait: {error}"));
        let runtime = Builder::new_current_thread()
            .enable_io()
            .build()
            .map_err(system)?;
        let signals = {
            let _inside = runtime.enter();
            process::Signals::new().map_err(system)?
        };
        Ok(Self { runtime, signals })
    }

    fn wait(mut self, server: &EmbeddedServer, auth_file: Option<&Path>) -> End {
        self.runtime.block_on(async {
            loop {
                let signal = tokio::select! {
                    signal = self.signals.next() => signal,
                    () = server.stopped() => return End::Normal,
                };
                match signal {
                    process::Signal::Stop => return End::Normal,
                    process::Signal::StopGracefully => return End::Graceful,
                    process::Signal::Reload => reload(server, auth_file),
                }
            }
        })
    }
}

/// Reads the authentication file again; a file that cannot be read changes
/// nothing.
fn reload(server: &EmbeddedServer, auth_file: Option<&Path>) {
    let Some(path) = auth_file else { return };
    match users(path) {
        Ok(users) => {
            // A server that stops meanwhile asks nobody any more.
            let _ = server.replace_users(users);
        }
        Err(failure) => complain(&failure.message),
    }
}

fn say(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").map_err(|error| Failure::new(1, error.to_string()))
}

fn complain(text: &str) {
    // Nobody reads the error stream: nothing is left to do about it.
    let _ = writeln!(io::stderr(), "{text}");
}
