//! Blocking links: one socket each, used by one call at a time.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{RecvFlags, SendFlags};

use super::{Address, lately, now};
use crate::error::{Error, ErrorKind, Phase, Result, Sent};

/// Socket timeouts are changed only when they are off by more than this.
const TIMEOUT_SLACK: Duration = Duration::from_millis(20);

/// Of what is left until a deadline beyond this, milliseconds do not matter.
const LONG: Duration = Duration::from_millis(200);

/// A connected byte stream that a blocking call drives.
///
/// Deadlines are moments of [`now`]. [`io::ErrorKind::TimedOut`] tells that the
/// deadline passed, [`io::ErrorKind::WouldBlock`] that a `try_` call has
/// nothing to do, [`io::ErrorKind::Interrupted`] that a signal came.
pub trait Link: Send {
    /// Writes a part of `bytes`, waiting for room, and returns its length.
    ///
    /// # Errors
    ///
    /// Those of the socket, and those named above.
    fn write(&mut self, bytes: &[u8], deadline: u64) -> io::Result<usize>;

    /// Reads what has come, waiting for at least one byte; 0 at the end.
    ///
    /// # Errors
    ///
    /// Those of the socket, and those named above.
    fn read(&mut self, buffer: &mut [u8], deadline: u64) -> io::Result<usize>;

    /// Writes what fits without waiting.
    ///
    /// # Errors
    ///
    /// Those of the socket, and those named above.
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Reads what is there without waiting; 0 at the end.
    ///
    /// # Errors
    ///
    /// Those of the socket, and those named above.
    fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Whether the peer has closed or sent something that nobody asked for.
    fn is_stale(&mut self) -> bool;

    /// Whether bytes that were taken wait for room; the next turn passes them on.
    fn wants_write(&self) -> bool {
        false
    }

    /// Returns the descriptor to wait on.
    fn descriptor(&self) -> BorrowedFd<'_>;
}

/// A link over a TCP or Unix socket.
#[derive(Debug)]
pub struct SocketLink {
    socket: Socket,
    read_timeout: Duration,
    write_timeout: Duration,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl SocketLink {
    /// Connects within `connect_timeout` and before `deadline`, trying every
    /// address of a host name in turn. `timeout` is what calls usually allow.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Resolve`], [`ErrorKind::Connect`] or [`ErrorKind::Timeout`],
    /// all naming the endpoint.
    pub fn connect(
        address: &Address,
        connect_timeout: Duration,
        timeout: Duration,
        deadline: u64,
    ) -> Result<Self> {
        let mut last = None;
        let allowed = |phase| {
            let left = remaining(deadline).min(connect_timeout);
            if left.is_zero() {
                Err(timed_out(address, phase))
            } else {
                Ok(left)
            }
        };
        match address {
            Address::Unix { path } => {
                allowed(Phase::Connect)?;
                match UnixStream::connect(path) {
                    Ok(stream) => return Self::new(Socket::Unix(stream), timeout, address),
                    Err(error) => last = Some(error),
                }
            }
            Address::Tcp { host, port } => {
                for candidate in resolve(address, host, *port, allowed(Phase::Resolve)?)? {
                    match TcpStream::connect_timeout(&candidate, allowed(Phase::Connect)?) {
                        Ok(stream) => {
                            // Each request is complete when it is written: waiting
                            // for more to send along would only delay it.
                            stream
                                .set_nodelay(true)
                                .map_err(|error| refused(address, error))?;
                            return Self::new(Socket::Tcp(stream), timeout, address);
                        }
                        Err(error) => last = Some(error),
                    }
                }
            }
        }
        let error = last.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into());
        Err(if error.kind() == io::ErrorKind::TimedOut {
            timed_out(address, Phase::Connect)
        } else {
            refused(address, error)
        })
    }

    fn new(socket: Socket, timeout: Duration, address: &Address) -> Result<Self> {
        let mut link = Self {
            socket,
            read_timeout: Duration::ZERO,
            write_timeout: Duration::ZERO,
        };
        link.allow_read(timeout)
            .and_then(|()| link.allow_write(timeout))
            .map_err(|error| refused(address, error))?;
        Ok(link)
    }

    fn allow_read(&mut self, time: Duration) -> io::Result<()> {
        if time.abs_diff(self.read_timeout) > TIMEOUT_SLACK || time < Duration::from_millis(50) {
            match &self.socket {
                Socket::Tcp(stream) => stream.set_read_timeout(Some(time))?,
                Socket::Unix(stream) => stream.set_read_timeout(Some(time))?,
            }
            self.read_timeout = time;
        }
        Ok(())
    }

    fn allow_write(&mut self, time: Duration) -> io::Result<()> {
        if time.abs_diff(self.write_timeout) > TIMEOUT_SLACK || time < Duration::from_millis(50) {
            match &self.socket {
                Socket::Tcp(stream) => stream.set_write_timeout(Some(time))?,
                Socket::Unix(stream) => stream.set_write_timeout(Some(time))?,
            }
            self.write_timeout = time;
        }
        Ok(())
    }
}

impl Link for SocketLink {
    fn write(&mut self, bytes: &[u8], deadline: u64) -> io::Result<usize> {
        let left = remaining(deadline);
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.allow_write(left)?;
        match rustix::net::send(self.descriptor(), bytes, SendFlags::NOSIGNAL) {
            Err(rustix::io::Errno::AGAIN) => Err(io::ErrorKind::TimedOut.into()),
            result => Ok(result?),
        }
    }

    fn read(&mut self, buffer: &mut [u8], deadline: u64) -> io::Result<usize> {
        let left = remaining(deadline);
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.allow_read(left)?;
        match rustix::net::recv(self.descriptor(), buffer, RecvFlags::empty()) {
            Err(rustix::io::Errno::AGAIN) => Err(io::ErrorKind::TimedOut.into()),
            result => Ok(result?.1),
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        Ok(rustix::net::send(self.descriptor(), bytes, flags)?)
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::net::recv(self.descriptor(), buffer, RecvFlags::DONTWAIT)?.1)
    }

    fn is_stale(&mut self) -> bool {
        let mut byte = [0_u8; 1];
        let flags = RecvFlags::DONTWAIT | RecvFlags::PEEK;
        // End of file, an unread byte and an error all mean: do not use it.
        !matches!(
            rustix::net::recv(self.descriptor(), &mut byte[..], flags),
            Err(rustix::io::Errno::AGAIN)
        )
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(stream) => stream.as_fd(),
            Socket::Unix(stream) => stream.as_fd(),
        }
    }
}

/// Waits until one of the links can be read, or written where `writes` says so.
///
/// # Errors
///
/// [`io::ErrorKind::TimedOut`] and [`io::ErrorKind::Interrupted`] as in [`Link`].
pub fn wait(links: &[(BorrowedFd<'_>, bool)], deadline: u64) -> io::Result<()> {
    let mut descriptors: Vec<PollFd<'_>> = links
        .iter()
        .map(|(descriptor, write)| {
            let writable = if *write {
                PollFlags::OUT
            } else {
                PollFlags::empty()
            };
            PollFd::from_borrowed_fd(*descriptor, PollFlags::IN | writable)
        })
        .collect();
    let left = remaining(deadline);
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let timeout = Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(left.subsec_nanos()),
    };
    match rustix::event::poll(&mut descriptors, Some(&timeout))? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => Ok(()),
    }
}

/// Returns what is left until a deadline: by the cheap clock, unless that is so
/// little that some milliseconds matter.
fn remaining(deadline: u64) -> Duration {
    let left = Duration::from_nanos(deadline.saturating_sub(lately()));
    if left > LONG {
        return left;
    }
    Duration::from_nanos(deadline.saturating_sub(now()))
}

/// Resolves a host name. The system's resolver knows no deadline, so it runs on
/// a thread of its own that is left behind when it takes too long.
fn resolve(address: &Address, host: &str, port: u16, within: Duration) -> Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let failed = |error: io::Error| {
        Error::new(
            ErrorKind::Resolve,
            format!("host name does not resolve: {error}"),
        )
        .at(address.to_string())
        .sent(Sent::NotSent)
        .caused_by(error)
    };
    let (answer, receive) = mpsc::channel();
    let name = host.to_owned();
    std::thread::Builder::new()
        .name("memoxide-resolve".to_owned())
        .spawn(move || {
            let found = (name.as_str(), port).to_socket_addrs();
            // Nobody listens any more when the deadline has passed.
            drop(answer.send(found.map(Iterator::collect::<Vec<_>>)));
        })
        .map_err(failed)?;
    match receive.recv_timeout(within) {
        Ok(Ok(found)) if found.is_empty() => Err(failed(io::ErrorKind::NotFound.into())),
        Ok(found) => found.map_err(failed),
        Err(_) => Err(timed_out(address, Phase::Resolve)),
    }
}

fn timed_out(address: &Address, phase: Phase) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!("deadline passed in phase {}", phase.name()),
    )
    .at(address.to_string())
    .in_phase(phase)
    .sent(Sent::NotSent)
}

fn refused(address: &Address, error: io::Error) -> Error {
    Error::new(ErrorKind::Connect, format!("cannot connect: {error}"))
        .at(address.to_string())
        .sent(Sent::NotSent)
        .caused_by(error)
}
