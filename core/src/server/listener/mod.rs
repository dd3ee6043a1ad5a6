//! The listener: sockets and threads around the sessions of one server.
//!
//! Each thread runs one event loop and owns one buffer to read into. A
//! connection takes a turn when its socket is readable: it reads up to 64 KiB,
//! lets its [`Session`](super::Session) answer every complete request, and
//! writes once. What it could not finish it keeps; while it has nothing to do it
//! owns no buffer and no timer. Anything that has to look at single requests
//! (fault rules, the request log, a frozen server) is one flag that is checked
//! once per turn and moves the connection to a slower path.
//!
//! What requests mean is left to the session, which rules there are to `fault`.

mod accept;
mod attend;
#[cfg(feature = "tls")]
mod certificates;
mod connection;
mod control;
mod place;
mod scratch;
mod serve;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod wait;
mod worker;

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::mpsc::UnboundedReceiver;

#[cfg(feature = "tls")]
pub(crate) use certificates::Certificates;
pub(crate) use control::{Action, Attention, Control, Limits};
pub(crate) use place::{Place, Target};

use crate::{Error, ErrorKind, Result};
use control::Order;

/// How long a call of the handle waits for the server's thread; more than it
/// ever takes on a machine that works.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a graceful stop waits for peers to take their replies.
const GRACE: Duration = Duration::from_secs(5);

/// The threads of a running server.
pub(crate) struct Listener {
    control: Arc<Control>,
    threads: Mutex<Threads>,
    joined: Condvar,
}

enum Threads {
    Running(Vec<JoinHandle<()>>),
    /// Somebody waits for them.
    Joining,
    Gone,
}

impl Listener {
    /// Starts `threads` threads that serve connections at `places`.
    pub(crate) fn start(
        places: Vec<Arc<Place>>,
        threads: usize,
        control: Arc<Control>,
        orders: UnboundedReceiver<Order>,
    ) -> Result<Self> {
        let (crew, mut running) = worker::Crew::start(threads.saturating_sub(1), &control)?;
        let main = {
            let control = Arc::clone(&control);
            async move {
                // Rules may want that nobody gets in from the beginning.
                control.update_gate();
                if control.gate.borrow().refusing {
                    places.iter().for_each(|place| place.refuse());
                }
                for place in places {
                    tokio::spawn(accept::accept_all(
                        place,
                        Arc::clone(&control),
                        Arc::clone(&crew),
                    ));
                }
                drop(crew);
                obey(orders, &control).await;
            }
        };
        running.push(worker::spawn(main)?);
        Ok(Self {
            control,
            threads: Mutex::new(Threads::Running(running)),
            joined: Condvar::new(),
        })
    }

    /// Returns what the server's threads share.
    pub(crate) fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Orders an action and waits until it is done.
    pub(crate) fn perform(&self, action: Action) -> Result<()> {
        let patience = match action {
            Action::Restart { down } => PATIENCE.saturating_add(down),
            _ => PATIENCE,
        };
        match self.control.order(action).recv_timeout(patience) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::new(
                ErrorKind::Timeout,
                "the server cannot listen on its port again",
            )),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Error::new(ErrorKind::Closed, "the server has stopped"))
            }
            Err(RecvTimeoutError::Timeout) => {
                Err(Error::new(ErrorKind::Timeout, "the server does not react"))
            }
        }
    }

    /// Waits until the server has stopped.
    pub(crate) fn join(&self) {
        let mut threads = self.threads.lock();
        match std::mem::replace(&mut *threads, Threads::Joining) {
            Threads::Running(running) => {
                drop(threads);
                for thread in running {
                    // A panic was reported by its hook; the thread is gone
                    // either way.
                    let _ = thread.join();
                }
                *self.threads.lock() = Threads::Gone;
                self.joined.notify_all();
            }
            Threads::Joining => {
                let waiting = |threads: &mut Threads| matches!(threads, Threads::Joining);
                self.joined.wait_while(&mut threads, waiting);
            }
            Threads::Gone => *threads = Threads::Gone,
        }
    }
}

/// Carries out orders until one says to stop.
async fn obey(mut orders: UnboundedReceiver<Order>, control: &Arc<Control>) {
    while let Some(order) = orders.recv().await {
        match order.action {
            Action::Disconnect => control.disconnect_all().await,
            Action::Gate => control.update_gate(),
            Action::Listen => control.refuse(false),
            Action::Refuse => control.refuse(true),
            Action::Restart { down } => {
                control.refuse(true);
                control.settle().await;
                control.disconnect_all().await;
                control.replace_engine();
                // Orders, to stop among them, are obeyed while it is down.
                let control = Arc::clone(control);
                tokio::spawn(async move {
                    tokio::time::sleep(down).await;
                    control.refuse(false);
                    order.done(control.settle().await);
                });
                continue;
            }
            Action::Stop { graceful } => {
                control.refuse(true);
                control.settle().await;
                if graceful {
                    write_pending(control).await;
                }
                control.disconnect_all().await;
                order.done(true);
                return;
            }
        }
        order.done(control.settle().await);
    }
}

async fn write_pending(control: &Control) {
    let give_up = tokio::time::Instant::now() + GRACE;
    while control.unwritten() > 0 && tokio::time::Instant::now() < give_up {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
