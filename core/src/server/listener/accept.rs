//! Taking connections in and handing them to the threads that serve them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

use super::super::{PeerInfo, Session};
use super::connection::Connection;
use super::control::{Attention, Control};
use super::place::{Listening, Place, Target, stop_listening};
use super::serve::serve;
use super::transport::Transport;
use super::worker::Crew;

/// What memcached says to a connection beyond its limit.
const TOO_MANY: &[u8] = b"ERROR Too many open connections\r\n";

/// How long to leave a system alone that has no descriptor left.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections at `place` as long as the server lives, except while
/// its gate says to refuse them.
pub(super) async fn accept_all(place: Arc<Place>, control: Arc<Control>, crew: Arc<Crew>) {
    let mut gate = control.gate.subscribe();
    loop {
        if gate.borrow().refusing {
            // Told before anything was accepted: the first socket listens already.
            place.refuse();
        }
        if gate.wait_for(|gate| !gate.refusing).await.is_err() {
            return;
        }
        let listener = match place.listen().and_then(Listener::new) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%error, address = %place.target(), "cannot listen again");
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
                continue;
            }
        };
        control.listening.send_modify(|sockets| *sockets += 1);
        loop {
            tokio::select! {
                biased;
                _ = gate.wait_for(|gate| gate.refusing) => break,
                stream = accept(&listener, &control) => {
                    crew.assign(stream, &place, &control);
                    if control.has_attention(Attention::Rules) {
                        control.update_gate();
                    }
                }
            }
        }
        drop(listener);
        control.listening.send_modify(|sockets| *sockets -= 1);
    }
}

/// Accepts the next connection, patiently.
async fn accept(listener: &Listener, control: &Control) -> Stream {
    loop {
        if !control.limits.refuse_fast {
            control
                .wait_until(|control| control.open() < control.limits.connections)
                .await;
        }
        match listener.accept().await {
            Ok(stream) => return stream,
            // The peer left before it was greeted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
}

/// A listening socket on this thread's event loop; closing it closes every copy.
enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listener {
    fn new(listening: Listening) -> io::Result<Self> {
        match listening {
            Listening::Tcp(listener) => TcpListener::from_std(listener).map(Self::Tcp),
            #[cfg(unix)]
            Listening::Unix(listener) => UnixListener::from_std(listener).map(Self::Unix),
        }
    }

    async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok(Stream::Tcp(stream, peer))
            }
            #[cfg(unix)]
            Self::Unix(listener) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        stop_listening(match self {
            Self::Tcp(listener) => SockRef::from(&*listener),
            #[cfg(unix)]
            Self::Unix(listener) => SockRef::from(&*listener),
        });
    }
}

/// An accepted connection, registered with the event loop of this thread.
pub(super) enum Stream {
    Tcp(TcpStream, SocketAddr),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// An accepted connection between two event loops.
pub(super) enum Detached {
    Tcp(std::net::TcpStream, SocketAddr),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
}

impl Stream {
    pub(super) fn detach(self) -> io::Result<Detached> {
        match self {
            Self::Tcp(stream, peer) => Ok(Detached::Tcp(stream.into_std()?, peer)),
            #[cfg(unix)]
            Self::Unix(stream) => Ok(Detached::Unix(stream.into_std()?)),
        }
    }

    pub(super) fn attach(detached: Detached) -> io::Result<Self> {
        match detached {
            Detached::Tcp(stream, peer) => Ok(Self::Tcp(TcpStream::from_std(stream)?, peer)),
            #[cfg(unix)]
            Detached::Unix(stream) => Ok(Self::Unix(UnixStream::from_std(stream)?)),
        }
    }

    /// Starts to serve the connection on this thread.
    pub(super) fn open(self, place: &Place, control: &Arc<Control>) {
        let Some(number) = control.admit() else {
            control.engine().connection_rejected();
            self.refuse();
            return;
        };
        let (address, listener) = match (&self, place.target()) {
            (Self::Tcp(_, peer), Target::Tcp { address, .. }) => (Some(*peer), Some(*address)),
            _ => (None, None),
        };
        let peer = PeerInfo {
            connection: control.report_number(number),
            address,
            listener,
        };
        let transport = match self.into_transport(place, control) {
            Ok(transport) => transport,
            Err(error) => {
                tracing::warn!(%error, "cannot set up a connection");
                control.leave(number);
                return;
            }
        };
        let session = Session::new(control.engine(), peer);
        let connection = Connection::new(transport, session, Arc::clone(control), number);
        let task = tokio::spawn(serve(connection));
        control.register(number, task.abort_handle());
    }

    fn into_transport(self, place: &Place, control: &Control) -> io::Result<Transport> {
        match self {
            Self::Tcp(stream, _) => {
                stream.set_nodelay(true)?;
                #[cfg(feature = "tls")]
                if let (Target::Tcp { tls: true, .. }, Some(config)) =
                    (place.target(), control.tls())
                {
                    let stream = super::tls::TlsStream::new(stream, config)?;
                    return Ok(Transport::Tls(Box::new(stream)));
                }
                let _ = (place, control);
                Ok(Transport::Tcp(stream))
            }
            #[cfg(unix)]
            Self::Unix(stream) => Ok(Transport::Unix(stream)),
        }
    }

    /// Says why and closes; a socket just opened takes so little at once.
    fn refuse(self) {
        let _ = match self {
            Self::Tcp(stream, _) => stream.try_write(TOO_MANY),
            #[cfg(unix)]
            Self::Unix(stream) => stream.try_write(TOO_MANY),
        };
    }
}
