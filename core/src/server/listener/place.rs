//! One address the server listens on, and keeps while it does not listen.

use std::io;
use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::{Error, ErrorKind, Result};

/// Where to listen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Target {
    /// A TCP address; port 0 lets the system choose.
    Tcp {
        /// The address and port.
        address: SocketAddr,
        /// Whether connections speak TLS.
        tls: bool,
    },
    /// The path of a unix socket.
    Unix {
        /// The path; a socket left over there is replaced.
        path: PathBuf,
        /// The permissions of the socket file.
        mode: u32,
    },
}

/// A listening socket, not yet known to an event loop.
pub(crate) enum Listening {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

/// An address that belongs to the server from its start to its end, whether it
/// listens at the moment or refuses.
pub(crate) struct Place {
    target: Target,
    backlog: i32,
    /// Opened by `bind`, taken by the first `listen`.
    first: Mutex<Option<Listening>>,
    /// Bound and never listening: while the server refuses connections, nobody
    /// else is given the port.
    #[expect(dead_code, reason = "kept for what its drop does")]
    reservation: Option<Socket>,
}

impl Place {
    /// Takes `target` and starts to listen; connections wait until somebody
    /// accepts them.
    pub(crate) fn bind(target: Target, backlog: u32) -> Result<Self> {
        let name = target.to_string();
        let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
        Self::open(target, backlog).map_err(|error| {
            let message = format!("cannot listen: {error}");
            Error::new(ErrorKind::Connect, message)
                .at(name)
                .caused_by(error)
        })
    }

    fn open(target: Target, backlog: i32) -> io::Result<Self> {
        let (target, first, reservation) = match target {
            Target::Tcp { address, tls } => {
                let reservation = reserve(address)?;
                let address = match &reservation {
                    Some(socket) => local_address(socket)?,
                    None => address,
                };
                let listener = listen_tcp(address, backlog)?;
                let address = listener.local_addr()?;
                let target = Target::Tcp { address, tls };
                (target, Listening::Tcp(listener), reservation)
            }
            Target::Unix { path, mode } => {
                let listener = listen_unix(&path, mode)?;
                (Target::Unix { path, mode }, listener, None)
            }
        };
        Ok(Self {
            target,
            backlog,
            first: Mutex::new(Some(first)),
            reservation,
        })
    }

    /// Listens, again if need be.
    pub(crate) fn listen(&self) -> io::Result<Listening> {
        if let Some(first) = self.first.lock().take() {
            return Ok(first);
        }
        match &self.target {
            Target::Tcp { address, .. } => listen_tcp(*address, self.backlog).map(Listening::Tcp),
            Target::Unix { path, mode } => listen_unix(path, *mode),
        }
    }

    /// Stops to listen if nobody has begun to accept yet.
    pub(crate) fn refuse(&self) {
        self.first.lock().take();
    }

    /// Returns the target with its port as bound.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Place").field(&self.target).finish()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Target::Unix { path, .. } = &self.target {
            // Somebody else may have removed it: nothing is lost.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Target {
    /// Returns the name that `stats conns` shows.
    pub(crate) fn report_name(&self) -> String {
        match self {
            Self::Tcp { address, .. } if address.is_ipv4() => format!("tcp:{address}"),
            Self::Tcp { address, .. } => format!("tcp6:{address}"),
            Self::Unix { path, .. } => format!("unix:{}", path.display()),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { address, .. } => address.fmt(f),
            Self::Unix { path, .. } => path.display().fmt(f),
        }
    }
}

/// Ends listening for every copy of the socket: a forked child holds one, and
/// would keep the port open with nobody to accept.
pub(crate) fn stop_listening(listener: socket2::SockRef<'_>) {
    // Fails on platforms where only connected sockets can be shut down.
    let _ = listener.shutdown(std::net::Shutdown::Both);
}

fn tcp_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Accepted connections inherit it: a peer whose machine is gone is noticed.
    socket.set_keepalive(true)?;
    // On Windows the option would let another process steal the port.
    if cfg!(unix) {
        socket.set_reuse_address(true)?;
    }
    Ok(socket)
}

/// Linux lets a second socket listen on an address that the first only holds.
fn reserve(address: SocketAddr) -> io::Result<Option<Socket>> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    let socket = tcp_socket(address)?;
    socket.bind(&SockAddr::from(address))?;
    Ok(Some(socket))
}

fn local_address(socket: &Socket) -> io::Result<SocketAddr> {
    let address = socket.local_addr()?;
    Ok(address
        .as_socket()
        .expect("a socket of an internet domain has an internet address"))
}

fn listen_tcp(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = tcp_socket(address)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

#[cfg(unix)]
fn listen_unix(path: &Path, mode: u32) -> io::Result<Listening> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};

    // As memcached: a socket left behind is replaced, any other file is not.
    let left_over = std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
    if left_over {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o777))?;
    listener.set_nonblocking(true)?;
    Ok(Listening::Unix(listener))
}

#[cfg(not(unix))]
fn listen_unix(_path: &Path, _mode: u32) -> io::Result<Listening> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "unix sockets are not supported on this platform",
    ))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;

    fn anywhere() -> Target {
        Target::Tcp {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: false,
        }
    }

    fn address(place: &Place) -> SocketAddr {
        match place.target() {
            Target::Tcp { address, .. } => *address,
            Target::Unix { .. } => unreachable!("bound to TCP"),
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test connects")]
    fn a_place_refuses_and_listens_again_on_its_port() {
        let place = Place::bind(anywhere(), 16).unwrap();
        let first = place.listen().unwrap();
        TcpStream::connect(address(&place)).unwrap();
        drop(first);
        let refused = TcpStream::connect(address(&place)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let _second = place.listen().unwrap();
        TcpStream::connect(address(&place)).unwrap();
    }

    #[test]
    fn a_taken_port_is_an_error_that_names_it() {
        let place = Place::bind(anywhere(), 16).unwrap();
        let again = Place::bind(place.target().clone(), 16);
        let error = again.err().unwrap();
        assert_eq!(error.endpoint(), Some(&*address(&place).to_string()));
        assert!(error.message().starts_with("cannot listen: "), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_left_over_socket_is_replaced_and_another_file_is_not() {
        let folder = std::env::temp_dir().join(format!("memoxide-place-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let target = Target::Unix {
            path: folder.join("socket"),
            mode: 0o700,
        };
        drop(UnixListener::bind(folder.join("socket")).unwrap());
        drop(Place::bind(target.clone(), 16).unwrap());
        assert!(!folder.join("socket").exists(), "removed at the end");
        std::fs::write(folder.join("socket"), "precious").unwrap();
        assert!(Place::bind(target, 16).is_err());
        assert!(folder.join("socket").exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
