//! Connections: a task each, which opens it, reads from it, and writes what
//! gathered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::Driver;
use super::transport::{Target, Writer, open};
use crate::client::delivery::broken;
use crate::client::engine::ConnectionId;
use crate::error::{Error, ErrorKind, Result, Sent};
use crate::net::{Address, LARGEST_BUFFER};

/// Bytes read at a time at first; the buffer grows where replies fill it.
const FIRST_BUFFER: usize = 16 * 1024;

/// The writing half of a connection, shared by its task and by callers.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) writer: Writer,
    /// Wakes the connection's task: something is to be written, or it is over.
    pub(super) flush: Notify,
    closed: AtomicBool,
    /// Whether nothing is to be read.
    paused: AtomicBool,
}

impl Socket {
    /// Lets the connection's task read, or not.
    pub(super) fn let_read(&self, reads: bool) {
        self.paused.store(!reads, Ordering::Relaxed);
        self.flush.notify_one();
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.flush.notify_one();
    }
}

/// Opens a connection and reads from it until it ends.
pub(super) async fn converse(driver: Arc<Driver>, id: ConnectionId, target: Target) {
    // The engine gives up by itself; this only ends what nobody waits for.
    let limit = driver.options.connect_timeout * 2;
    let Ok(opened) = tokio::time::timeout(limit, open(&target)).await else {
        return;
    };
    let (mut reader, writer) = match opened {
        Ok(halves) => halves,
        Err(error) => {
            driver.with_state(|state, now| state.engine.lost(id, error, now, &mut state.calls));
            return;
        }
    };
    let socket = Arc::new(Socket {
        writer,
        flush: Notify::new(),
        closed: AtomicBool::new(false),
        paused: AtomicBool::new(false),
    });
    let wanted = driver.with_state(|state, now| {
        state.sockets.push((id, Arc::clone(&socket)));
        let wanted = state.engine.connected(id, now, &mut state.calls);
        if !wanted {
            state.sockets.pop();
        }
        wanted
    });
    if !wanted {
        return;
    }
    let mut buffer = vec![0; FIRST_BUFFER];
    loop {
        let read = tokio::select! {
            biased;
            () = socket.flush.notified() => None,
            read = reader.read(&mut buffer), if !socket.paused.load(Ordering::Relaxed) => Some(read),
        };
        if socket.closed.load(Ordering::Relaxed) {
            return;
        }
        let Some(read) = read else {
            if flush(&driver, id, &socket).await.is_err() {
                return;
            }
            continue;
        };
        let over = match read {
            Ok(0) => Some(Error::new(
                ErrorKind::ConnectionLost,
                "connection lost: server closed it",
            )),
            Ok(count) => {
                driver.with_state(|state, now| {
                    state
                        .engine
                        .received(id, &buffer[..count], now, &mut state.calls);
                });
                if count == buffer.len() && count < LARGEST_BUFFER {
                    buffer.resize(count * 2, 0);
                }
                if socket.writer.wants_write() {
                    // The session has something to say by itself.
                    socket.flush.notify_one();
                }
                None
            }
            Err(error) => Some(broken(error)),
        };
        if let Some(error) = over {
            driver.with_state(|state, now| state.engine.lost(id, error, now, &mut state.calls));
            return;
        }
    }
}

/// Writes what gathered; waits for room in the socket if there is none.
async fn flush(driver: &Arc<Driver>, id: ConnectionId, socket: &Socket) -> Result<(), ()> {
    loop {
        if socket.writer.wants_write() {
            // What is left of a record goes first; an error shows with the next read.
            drop(socket.writer.try_write(&[]));
        }
        let blocked = driver.with_state(|state, now| {
            state.write_now(now);
            !state.engine.output(id).is_empty()
        });
        let blocked = blocked || socket.writer.wants_write();
        if !blocked {
            return Ok(());
        }
        // Reading goes on in the next turn: the peer may wait for it.
        let room = tokio::time::timeout(Duration::from_millis(5), socket.writer.writable()).await;
        if socket.closed.load(Ordering::Relaxed) {
            return Err(());
        }
        driver.with_state(|state, _| state.engine.writable(id));
        if room.is_err() {
            socket.flush.notify_one();
            tokio::task::yield_now().await;
            return Ok(());
        }
    }
}

pub(super) async fn resolve(driver: Arc<Driver>, endpoint: usize, address: Address) {
    let Address::Tcp { host, port } = address else {
        return;
    };
    let found = tokio::net::lookup_host((host, port)).await;
    let found = found.map(Iterator::collect).map_err(|error| {
        Error::new(
            ErrorKind::Resolve,
            format!("host name does not resolve: {error}"),
        )
        .sent(Sent::NotSent)
        .caused_by(error)
    });
    driver.with_state(|state, now| {
        state
            .engine
            .resolved(endpoint, found, now, &mut state.calls);
    });
}
