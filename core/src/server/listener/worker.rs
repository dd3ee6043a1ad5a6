//! The server's threads: one event loop each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::accept::{Detached, Stream};
use super::control::Control;
use super::place::Place;
use crate::{Error, ErrorKind, Result};

/// The other threads, as seen by the one that accepts.
pub(super) struct Crew {
    others: Vec<UnboundedSender<Handover>>,
    turn: AtomicUsize,
}

/// A connection on its way to the thread that will serve it.
pub(super) struct Handover {
    stream: Detached,
    place: Arc<Place>,
}

impl Crew {
    /// Starts `others` threads beside the one that accepts.
    pub(super) fn start(
        others: usize,
        control: &Arc<Control>,
    ) -> Result<(Arc<Self>, Vec<JoinHandle<()>>)> {
        let mut senders = Vec::with_capacity(others);
        let mut threads = Vec::with_capacity(others);
        for _ in 0..others {
            let (sender, receiver) = unbounded_channel();
            let control = Arc::clone(control);
            threads.push(spawn(
                async move { serve_handed_over(receiver, control).await },
            )?);
            senders.push(sender);
        }
        let crew = Self {
            others: senders,
            turn: AtomicUsize::new(0),
        };
        Ok((Arc::new(crew), threads))
    }

    /// Gives a connection to the next thread in turn.
    pub(super) fn assign(&self, stream: Stream, place: &Arc<Place>, control: &Arc<Control>) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % (self.others.len() + 1);
        let Some(other) = turn.checked_sub(1).map(|index| &self.others[index]) else {
            return stream.open(place, control);
        };
        match stream.detach() {
            Ok(stream) => {
                let place = Arc::clone(place);
                // A thread that is gone takes no connection: the server stops.
                let _ = other.send(Handover { stream, place });
            }
            Err(error) => tracing::warn!(%error, "cannot hand over a connection"),
        }
    }
}

/// Serves what is handed over until the sender is gone.
async fn serve_handed_over(mut receiver: UnboundedReceiver<Handover>, control: Arc<Control>) {
    while let Some(Handover { stream, place }) = receiver.recv().await {
        match Stream::attach(stream) {
            Ok(stream) => stream.open(&place, &control),
            Err(error) => tracing::warn!(%error, "cannot take over a connection"),
        }
    }
}

/// Runs `main` on a thread and event loop of its own; when it ends, so do all
/// tasks of that loop, and their sockets close.
pub(super) fn spawn(main: impl Future<Output = ()> + Send + 'static) -> Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Connect, "cannot start an event loop").caused_by(error)
        })?;
    std::thread::Builder::new()
        .name("memoxide-server".into())
        .spawn(move || runtime.block_on(main))
        .map_err(|error| Error::new(ErrorKind::Connect, "cannot start a thread").caused_by(error))
}
