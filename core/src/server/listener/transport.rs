//! The bytes of one connection, whatever carries them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

#[cfg(feature = "tls")]
use super::tls::TlsStream;

/// A connected stream. Reads and writes are polled, so that the buffers are
/// borrowed only while there is something to move.
pub(crate) enum Transport {
    Tcp(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream>),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Transport {
    /// Reads what is there; 0 is the end of the peer's bytes.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => poll_read(stream, context, buffer),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.poll_read(context, buffer),
            #[cfg(unix)]
            Self::Unix(stream) => poll_read(stream, context, buffer),
        }
    }

    /// Writes a part of `bytes`. A TLS transport may keep some of it until
    /// [`Transport::poll_flush`].
    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.poll_write(context, bytes),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    /// Hands the system whatever the transport has kept.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.poll_flush(context),
            _ => {
                let _ = context;
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Whether the peer has yet to finish the handshake.
    pub(crate) fn is_handshaking(&self) -> bool {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.is_handshaking(),
            _ => false,
        }
    }

    /// Says goodbye, as far as the transport has words for it. What cannot be
    /// sent at once is not sent.
    pub(crate) fn farewell(&mut self, context: &mut Context<'_>) {
        #[cfg(feature = "tls")]
        if let Self::Tls(stream) = self {
            stream.farewell(context);
        }
        let _ = context;
    }

    /// Makes the coming close send RST instead of FIN.
    pub(crate) fn reset_on_close(&self) {
        // Fails where there is nothing left to reset.
        let _ = self.socket().set_linger(Some(std::time::Duration::ZERO));
    }

    /// Sends FIN and keeps reading.
    pub(crate) fn shut_down_writing(&self) {
        let _ = self.socket().shutdown(std::net::Shutdown::Write);
    }

    /// The socket below TLS, if there is TLS.
    #[cfg(feature = "tls")]
    pub(crate) fn below_tls(&mut self) -> Option<&mut TcpStream> {
        match self {
            Self::Tls(stream) => Some(stream.socket_mut()),
            _ => None,
        }
    }

    /// Ends the connection for every copy of the socket, a forked child's
    /// included; dropping the last copy alone would not.
    pub(crate) fn shut_down(&self) {
        let _ = self.socket().shutdown(std::net::Shutdown::Both);
    }

    fn socket(&self) -> SockRef<'_> {
        match self {
            Self::Tcp(stream) => SockRef::from(stream),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => SockRef::from(stream.socket()),
            #[cfg(unix)]
            Self::Unix(stream) => SockRef::from(stream),
        }
    }
}

pub(super) fn poll_read<S: AsyncRead + Unpin>(
    stream: &mut S,
    context: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(buffer);
    ready!(Pin::new(stream).poll_read(context, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}
