//! TLS over links and sockets, driven by hand: rustls is pure, so a few lines
//! join it to whatever moves the bytes.

use std::io::{self, Read, Write};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection};

use super::{Address, Link};
use crate::error::{Error, ErrorKind, Phase, Result, Sent};
use crate::tls::ClientTls;

/// What one record carries at most. A write hands over one record at a time, so
/// that one that fails was not read by the peer.
const RECORD: usize = 16 * 1024;

/// Encrypts links as the settings say.
#[derive(Clone, Debug)]
pub struct TlsLayer {
    settings: ClientTls,
    config: Arc<ClientConfig>,
}

impl TlsLayer {
    /// Prepares the settings for use.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], see [`ClientTls::config`].
    pub fn new(settings: ClientTls) -> Result<Self> {
        let config = settings.config()?;
        Ok(Self { settings, config })
    }

    /// Shakes hands over a link that was just opened.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Tls`] when the peer or its certificate is refused, or
    /// refuses; [`ErrorKind::Timeout`] at `deadline`; [`ErrorKind::Config`]
    /// when the address has no name that a certificate could carry.
    pub fn wrap(
        &self,
        link: Box<dyn Link>,
        address: &Address,
        deadline: u64,
    ) -> Result<Box<dyn Link>> {
        let mut link = TlsLink {
            session: self.session(address)?,
            link,
        };
        while link.session.is_handshaking() {
            match link.shake_hands(deadline) {
                // Where it stopped it goes on: opening a connection is short, and
                // signals are looked at after it.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => result.map_err(|error| refused(error, address))?,
            }
        }
        Ok(Box::new(link))
    }

    /// Begins a session with the server at an address.
    pub(crate) fn session(&self, address: &Address) -> Result<Session> {
        let host = match address {
            Address::Tcp { host, .. } => host,
            Address::Unix { path } => path,
        };
        let label = address.to_string();
        let name = self.settings.name_for(host);
        let name = name.map_err(|error| error.at(label.clone()).sent(Sent::NotSent))?;
        let tls = ClientConnection::new(Arc::clone(&self.config), name).map_err(|error| {
            Error::new(ErrorKind::Tls, format!("cannot begin TLS: {error}"))
                .at(label)
                .sent(Sent::NotSent)
                .caused_by(error)
        })?;
        Ok(Session(tls))
    }
}

/// Puts the end of a handshake into words.
pub(crate) fn refused(error: io::Error, address: &Address) -> Error {
    let error = match error.kind() {
        io::ErrorKind::TimedOut => {
            let message = format!("deadline passed in phase {}", Phase::Tls.name());
            Error::new(ErrorKind::Timeout, message).in_phase(Phase::Tls)
        }
        io::ErrorKind::UnexpectedEof => Error::new(
            ErrorKind::Tls,
            "server closed the connection in the TLS handshake",
        ),
        _ => Error::new(ErrorKind::Tls, format!("TLS handshake failed: {error}")).caused_by(error),
    };
    error.at(address.to_string()).sent(Sent::NotSent)
}

/// One side of a TLS connection, without its socket.
#[derive(Debug)]
pub(crate) struct Session(ClientConnection);

impl Session {
    pub(crate) fn is_handshaking(&self) -> bool {
        self.0.is_handshaking()
    }

    /// Whether there are encrypted bytes that no socket has taken.
    pub(crate) fn wants_write(&self) -> bool {
        self.0.wants_write()
    }

    /// Gives encrypted bytes to `write` until none are left.
    pub(crate) fn flush(
        &mut self,
        write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        let mut writer = Through(write);
        while self.0.wants_write() {
            self.0.write_tls(&mut writer)?;
        }
        Ok(())
    }

    /// Encrypts the beginning of `bytes` and returns its length.
    pub(crate) fn seal(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.writer().write(&bytes[..bytes.len().min(RECORD)])
    }

    /// Takes decrypted bytes: 0 at the end, [`io::ErrorKind::WouldBlock`] when
    /// there are none.
    pub(crate) fn take(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.reader().read(buffer) {
            // The peer went without a word of TLS, as many do. A cut cannot harm
            // here: replies carry their own ends.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            result => result,
        }
    }

    /// Lets `read` fetch encrypted bytes, once, and decrypts them; returns how
    /// many there were.
    pub(crate) fn feed(
        &mut self,
        read: impl FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let count = self.0.read_tls(&mut Through(read))?;
        self.0
            .process_new_packets()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(count)
    }
}

/// A function in the shape that rustls calls.
struct Through<F>(F);

impl<F: FnMut(&mut [u8]) -> io::Result<usize>> Read for Through<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (self.0)(buffer)
    }
}

impl<F: FnMut(&[u8]) -> io::Result<usize>> Write for Through<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.0)(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An encrypted link.
struct TlsLink {
    session: Session,
    link: Box<dyn Link>,
}

impl TlsLink {
    fn shake_hands(&mut self, deadline: u64) -> io::Result<()> {
        self.flush(deadline)?;
        if self.session.is_handshaking() {
            let link = &mut self.link;
            if self.session.feed(|buffer| link.read(buffer, deadline))? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        // Of what was just read, too: an alert tells the peer why.
        self.flush(deadline)
    }

    fn flush(&mut self, deadline: u64) -> io::Result<()> {
        let link = &mut self.link;
        self.session.flush(|bytes| link.write(bytes, deadline))
    }

    fn try_flush(&mut self) -> io::Result<()> {
        let link = &mut self.link;
        self.session.flush(|bytes| link.try_write(bytes))
    }
}

impl Link for TlsLink {
    fn write(&mut self, bytes: &[u8], deadline: u64) -> io::Result<usize> {
        self.flush(deadline)?;
        let count = self.session.seal(bytes)?;
        self.flush(deadline)?;
        Ok(count)
    }

    fn read(&mut self, buffer: &mut [u8], deadline: u64) -> io::Result<usize> {
        loop {
            match self.session.take(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            self.flush(deadline)?;
            let link = &mut self.link;
            self.session.feed(|buffer| link.read(buffer, deadline))?;
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.try_flush()?;
        let count = self.session.seal(bytes)?;
        match self.try_flush() {
            // The record is accepted; what is left of it goes with the next turn.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(count),
            result => result.map(|()| count),
        }
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.take(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            match self.try_flush() {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
            let link = &mut self.link;
            self.session.feed(|buffer| link.try_read(buffer))?;
        }
    }

    fn is_stale(&mut self) -> bool {
        // A server may send tickets for later sessions at any time.
        let read = self.try_read(&mut [0]);
        !matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    fn wants_write(&self) -> bool {
        self.session.wants_write()
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.link.descriptor()
    }
}
