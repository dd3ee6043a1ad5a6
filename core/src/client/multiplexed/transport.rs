//! The two halves of a connection, whatever carries its bytes.

use std::io;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, UnixStream, tcp, unix};

#[cfg(feature = "tls")]
use self::encrypted::{TlsReader, TlsWriter};
use crate::error::{Error, ErrorKind, Result, Sent};
use crate::net::Address;

/// The writing half.
#[derive(Debug)]
pub(super) enum Writer {
    Tcp(tcp::OwnedWriteHalf),
    #[cfg(feature = "tls")]
    Tls(TlsWriter),
    Unix(unix::OwnedWriteHalf),
}

impl Writer {
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(writer) => writer.try_write(bytes),
            #[cfg(feature = "tls")]
            Self::Tls(writer) => writer.try_write(bytes),
            Self::Unix(writer) => writer.try_write(bytes),
        }
    }

    /// Whether bytes that were taken wait for room; a write passes them on, also
    /// one of nothing.
    pub(super) fn wants_write(&self) -> bool {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(writer) => writer.wants_write(),
            _ => false,
        }
    }

    pub(super) async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(writer) => writer.writable().await,
            #[cfg(feature = "tls")]
            Self::Tls(writer) => writer.writable().await,
            Self::Unix(writer) => writer.writable().await,
        }
    }
}

/// The reading half.
#[derive(Debug)]
pub(super) enum Reader {
    Tcp(tcp::OwnedReadHalf),
    #[cfg(feature = "tls")]
    Tls(TlsReader),
    Unix(unix::OwnedReadHalf),
}

impl Reader {
    /// Reads what comes; 0 at the end. Nothing is lost when it is given up.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(reader) => reader.read(buffer).await,
            #[cfg(feature = "tls")]
            Self::Tls(reader) => reader.read(buffer).await,
            Self::Unix(reader) => reader.read(buffer).await,
        }
    }
}

/// Where a connection goes.
pub(super) struct Target {
    /// The server as configured.
    pub(super) server: Address,
    /// Its address on the network, unless it is a Unix socket.
    pub(super) address: Option<std::net::SocketAddr>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<std::sync::Arc<crate::net::TlsLayer>>,
}

/// Opens a connection, encrypted where that is wanted.
pub(super) async fn open(target: &Target) -> Result<(Reader, Writer)> {
    let refused = |error: io::Error| {
        Error::new(ErrorKind::Connect, format!("cannot connect: {error}"))
            .sent(Sent::NotSent)
            .caused_by(error)
    };
    match (target.address, &target.server) {
        (Some(address), _) => {
            let stream = TcpStream::connect(address).await.map_err(refused)?;
            // Requests are complete when they are written: waiting for more to
            // send along would only delay them.
            stream.set_nodelay(true).map_err(refused)?;
            #[cfg(feature = "tls")]
            if let Some(tls) = &target.tls {
                let session = tls.session(&target.server)?;
                return encrypted::open(stream, session)
                    .await
                    .map_err(|error| crate::net::refused(error, &target.server));
            }
            let (reader, writer) = stream.into_split();
            Ok((Reader::Tcp(reader), Writer::Tcp(writer)))
        }
        (None, Address::Unix { path }) => {
            let stream = UnixStream::connect(path).await.map_err(refused)?;
            let (reader, writer) = stream.into_split();
            Ok((Reader::Unix(reader), Writer::Unix(writer)))
        }
        (None, Address::Tcp { .. }) => Err(refused(io::ErrorKind::AddrNotAvailable.into())),
    }
}

#[cfg(feature = "tls")]
mod encrypted {
    //! The halves of an encrypted connection, which share its session.

    use std::io::{self, Read};
    use std::ops::Range;
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpStream, tcp};

    use super::{Reader, Writer};
    use crate::net::Session;

    /// Encrypted bytes read at a time.
    const BUFFER: usize = 16 * 1024;

    #[derive(Debug)]
    pub(in super::super) struct TlsWriter {
        half: tcp::OwnedWriteHalf,
        session: Arc<Mutex<Session>>,
    }

    impl TlsWriter {
        pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
            let mut session = self.session.lock();
            session.flush(|sealed| self.half.try_write(sealed))?;
            if bytes.is_empty() {
                return Ok(0);
            }
            let count = session.seal(bytes)?;
            match session.flush(|sealed| self.half.try_write(sealed)) {
                // The record is accepted; the task passes on what is left of it.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(count),
                result => result.map(|()| count),
            }
        }

        pub(super) fn wants_write(&self) -> bool {
            self.session.lock().wants_write()
        }

        pub(super) async fn writable(&self) -> io::Result<()> {
            self.half.writable().await
        }
    }

    #[derive(Debug)]
    pub(in super::super) struct TlsReader {
        half: tcp::OwnedReadHalf,
        session: Arc<Mutex<Session>>,
        /// What was received, and which part of it the session has not taken.
        buffer: Vec<u8>,
        rest: Range<usize>,
    }

    impl TlsReader {
        pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            loop {
                match self.session.lock().take(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return result,
                }
                if self.rest.is_empty() {
                    self.rest = 0..self.half.read(&mut self.buffer).await?;
                }
                // One step at a time: the session keeps little that is decrypted.
                let mut sealed = &self.buffer[self.rest.clone()];
                let mut session = self.session.lock();
                session.feed(|buffer| Read::read(&mut sealed, buffer))?;
                self.rest.start = self.rest.end - sealed.len();
            }
        }
    }

    /// Hands the bytes of a handshake to a session.
    fn feed(session: &mut Session, mut sealed: &[u8]) -> io::Result<()> {
        loop {
            session.feed(|buffer| Read::read(&mut sealed, buffer))?;
            if sealed.is_empty() {
                return Ok(());
            }
        }
    }

    /// Shakes hands.
    pub(super) async fn open(
        stream: TcpStream,
        mut session: Session,
    ) -> io::Result<(Reader, Writer)> {
        let (mut reader, writer) = stream.into_split();
        let mut buffer = vec![0; BUFFER];
        loop {
            match session.flush(|sealed| writer.try_write(sealed)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    writer.writable().await?;
                    continue;
                }
                result => result?,
            }
            if !session.is_handshaking() {
                break;
            }
            let count = reader.read(&mut buffer).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Err(error) = feed(&mut session, &buffer[..count]) {
                // The alert that tells the peer why, as far as there is room.
                drop(session.flush(|sealed| writer.try_write(sealed)));
                return Err(error);
            }
        }
        let session = Arc::new(Mutex::new(session));
        let shared = Arc::clone(&session);
        let reader = TlsReader {
            half: reader,
            session: shared,
            buffer,
            rest: 0..0,
        };
        let writer = TlsWriter {
            half: writer,
            session,
        };
        Ok((Reader::Tls(reader), Writer::Tls(writer)))
    }
}
