//! What all connections of one server share, and what steers them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::super::fault::{Fault, Faults, Log};
use super::super::{Settings, Shared};
#[cfg(feature = "tls")]
use super::certificates::Certificates;

/// How long sockets may take to listen again.
const SETTLE: Duration = Duration::from_secs(5);

/// Limits and times that the listener keeps.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Open connections beyond which new ones are refused.
    pub(crate) connections: usize,
    /// Whether a connection beyond the limit is told so (true) or waits
    /// unaccepted until there is room.
    pub(crate) refuse_fast: bool,
    /// How long a connection may be silent between requests.
    pub(crate) idle: Option<Duration>,
    /// How long a request may take to arrive, or a reply to be taken.
    pub(crate) request: Option<Duration>,
    /// Bytes that all connections together may keep: requests that are still
    /// incomplete and replies that nobody reads.
    pub(crate) buffered: usize,
}

/// Whether the server takes connections.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Gate {
    /// Listening sockets are closed.
    pub(crate) refusing: bool,
    /// Nobody is served; connections stay open.
    pub(crate) frozen: bool,
}

/// The shared state of listener, connections and handle.
pub(crate) struct Control {
    pub(crate) limits: Limits,
    pub(crate) gate: watch::Sender<Gate>,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    /// Number of sockets that listen at the moment.
    pub(crate) listening: watch::Sender<usize>,
    /// Names of the sockets that listen unless connections are refused.
    sockets: Vec<String>,
    /// Notified whenever a connection has closed.
    closed: Notify,
    attention: AtomicU32,
    engine: RwLock<Arc<Shared>>,
    connections: Mutex<HashMap<u64, AbortHandle>>,
    open: AtomicUsize,
    accepted: AtomicU64,
    buffered: AtomicUsize,
    unwritten: AtomicUsize,
    requests: AtomicU64,
    /// Connections are refused whatever the rules say.
    refused: AtomicBool,
    orders: UnboundedSender<Order>,
    #[cfg(feature = "tls")]
    certificates: std::sync::OnceLock<Arc<Certificates>>,
}

/// Something for the listener to do as a whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// Close every connection.
    Disconnect,
    /// Listen or not, as the rules say by now.
    Gate,
    /// Listen again.
    Listen,
    /// Close the listening sockets and keep their addresses.
    Refuse,
    /// Refuse, disconnect, forget everything, and listen again after a while.
    Restart {
        /// How long to refuse connections.
        down: Duration,
    },
    /// End the server.
    Stop {
        /// Whether pending replies are written first.
        graceful: bool,
    },
}

/// An action and whom to tell when it is done.
pub(crate) struct Order {
    pub(super) action: Action,
    pub(super) done: std::sync::mpsc::Sender<bool>,
}

impl Order {
    /// Tells whoever gave the order, if they still wait.
    pub(super) fn done(self, well: bool) {
        let _ = self.done.send(well);
    }
}

/// A reason to leave the fast path: one bit each, together one branch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub(crate) enum Attention {
    /// The server is frozen.
    Frozen = 1,
    /// A fault rule may strike.
    Rules = 1 << 1,
    /// Requests are logged.
    Log = 1 << 2,
    /// The command `fault` is allowed.
    Command = 1 << 3,
}

impl Control {
    /// Creates the state of a server and the orders that its listener takes.
    pub(crate) fn new(
        engine: Arc<Shared>,
        limits: Limits,
        sockets: Vec<String>,
    ) -> (Self, UnboundedReceiver<Order>) {
        let (orders, receiver) = unbounded_channel();
        announce(&engine, &sockets);
        let control = Self {
            limits,
            gate: watch::Sender::new(Gate::default()),
            faults: Faults::new(),
            log: Log::default(),
            listening: watch::Sender::new(0),
            sockets,
            closed: Notify::new(),
            attention: AtomicU32::new(0),
            engine: RwLock::new(engine),
            connections: Mutex::default(),
            open: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            buffered: AtomicUsize::new(0),
            unwritten: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            refused: AtomicBool::new(false),
            orders,
            #[cfg(feature = "tls")]
            certificates: std::sync::OnceLock::new(),
        };
        (control, receiver)
    }

    /// Orders an action; the receiver hears when it is done and whether that
    /// went well, or that the server has ended.
    pub(crate) fn order(&self, action: Action) -> std::sync::mpsc::Receiver<bool> {
        let (sender, receiver) = std::sync::mpsc::channel();
        let order = Order {
            action,
            done: sender,
        };
        // Nobody takes orders any more: the sender is dropped, the caller hears.
        let _ = self.orders.send(order);
        receiver
    }

    /// Whether nobody takes orders any more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.orders.is_closed()
    }

    /// Resolves when nobody takes orders any more.
    #[cfg(feature = "cli")]
    pub(crate) async fn stopped(&self) {
        self.orders.closed().await;
    }

    /// Returns the TLS configuration for new connections.
    #[cfg(feature = "tls")]
    pub(crate) fn tls(&self) -> Option<Arc<rustls::ServerConfig>> {
        self.certificates.get().map(|some| some.config())
    }

    /// Makes connections speak TLS, unless they do already.
    #[cfg(feature = "tls")]
    pub(crate) fn set_certificates(&self, certificates: Certificates) {
        self.certificates.get_or_init(|| Arc::new(certificates));
        self.offer_refresh(&self.engine());
    }

    /// Lets a command read the certificates again.
    #[cfg(feature = "tls")]
    fn offer_refresh(&self, engine: &Shared) {
        if let Some(certificates) = self.certificates.get().cloned() {
            engine.on_refresh(Box::new(move || certificates.refresh()));
        }
    }

    /// Whether requests have to take the slow path.
    pub(crate) fn wants_attention(&self) -> bool {
        self.attention.load(Ordering::Acquire) != 0
    }

    pub(crate) fn set_attention(&self, reason: Attention, wanted: bool) {
        if wanted {
            self.attention.fetch_or(reason as u32, Ordering::Release);
        } else {
            self.attention
                .fetch_and(!(reason as u32), Ordering::Release);
        }
    }

    /// Whether requests are looked at for this reason.
    pub(crate) fn has_attention(&self, reason: Attention) -> bool {
        self.attention.load(Ordering::Acquire) & reason as u32 != 0
    }

    /// Looks at requests as long as a rule can strike.
    pub(crate) fn attend_to_rules(&self) {
        self.set_attention(Attention::Rules, self.faults.are_awake());
    }

    /// Keeps the last `capacity` requests in the log from now on.
    pub(crate) fn keep_log(&self, capacity: usize) {
        self.log.keep(capacity);
        self.set_attention(Attention::Log, self.log.is_on());
    }

    /// Stops or resumes serving.
    pub(crate) fn freeze(&self, frozen: bool) {
        self.set_attention(Attention::Frozen, frozen);
        self.gate.send_modify(|gate| gate.frozen = frozen);
    }

    /// Stops serving for a while.
    pub(crate) fn freeze_for(self: &Arc<Self>, duration: Duration) {
        self.freeze(true);
        let control = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(duration).await;
            control.freeze(false);
        });
    }

    /// Refuses connections, or leaves it to the rules.
    pub(crate) fn refuse(self: &Arc<Self>, refused: bool) {
        self.refused.store(refused, Ordering::Release);
        self.update_gate();
    }

    /// Closes or opens the gate, as the rules say for the next connection.
    pub(crate) fn update_gate(self: &Arc<Self>) {
        let rules = self.faults.refusing(self.accepted());
        for active in rules.iter().filter(|active| !active.has_struck()) {
            active.strike();
            let Fault::Refuse {
                seconds: Some(duration),
            } = *active.rule.fault()
            else {
                continue;
            };
            let (control, id) = (Arc::clone(self), active.id);
            tokio::spawn(async move {
                tokio::time::sleep(duration).await;
                control.faults.remove(id);
                control.attend_to_rules();
                control.update_gate();
            });
        }
        let refusing = !rules.is_empty() || self.refused.load(Ordering::Acquire);
        self.gate
            .send_if_modified(|gate| std::mem::replace(&mut gate.refusing, refusing) != refusing);
    }

    /// Waits until the sockets listen, or do not, as the gate says. `false` if
    /// they cannot: somebody else has the port.
    pub(crate) async fn settle(&self) -> bool {
        let mut gate = self.gate.subscribe();
        let mut listening = self.listening.subscribe();
        let settled = async {
            loop {
                let refusing = gate.borrow_and_update().refusing;
                let wanted = if refusing { 0 } else { self.sockets.len() };
                if *listening.borrow_and_update() == wanted {
                    return;
                }
                // Neither sender goes: they are fields of this.
                tokio::select! {
                    _ = gate.changed() => {}
                    _ = listening.changed() => {}
                }
            }
        };
        tokio::time::timeout(SETTLE, settled).await.is_ok()
    }

    /// Counts requests that were begun.
    pub(crate) fn count_requests(&self, requests: usize) {
        self.requests.fetch_add(requests as u64, Ordering::Relaxed);
    }

    /// Returns how many requests were begun since the start.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Returns the engine that new connections talk to.
    pub(crate) fn engine(&self) -> Arc<Shared> {
        Arc::clone(&self.engine.read())
    }

    /// Replaces the engine by an empty one with the same settings and time.
    pub(crate) fn replace_engine(&self) {
        let mut engine = self.engine.write();
        let settings: Settings = engine.settings().clone();
        *engine = Shared::new(settings, engine.clock().clone());
        announce(&engine, &self.sockets);
        #[cfg(feature = "tls")]
        self.offer_refresh(&engine);
    }

    /// Returns the number under which reports show a connection: behind those
    /// of the listening sockets.
    pub(crate) fn report_number(&self, connection: u64) -> u64 {
        connection + self.sockets.len() as u64
    }

    /// Takes a place for a connection and returns its number, counted from 1,
    /// or `None` if all places are taken.
    pub(crate) fn admit(&self) -> Option<u64> {
        if self.open.fetch_add(1, Ordering::AcqRel) >= self.limits.connections {
            self.open.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        Some(self.accepted.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Returns how many connections were admitted since the start.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Returns how many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Waits until `condition` holds, which is looked at whenever a connection
    /// has closed.
    pub(crate) async fn wait_until(&self, condition: impl Fn(&Self) -> bool) {
        loop {
            let closed = self.closed.notified();
            if condition(self) {
                return;
            }
            closed.await;
        }
    }

    /// Lets [`Control::disconnect_all`] reach a connection.
    pub(crate) fn register(&self, number: u64, task: AbortHandle) {
        self.connections.lock().insert(number, task);
    }

    /// Gives the place of a connection back.
    pub(crate) fn leave(&self, number: u64) {
        self.connections.lock().remove(&number);
        self.open.fetch_sub(1, Ordering::AcqRel);
        self.closed.notify_waiters();
    }

    /// Closes every connection that is open now, and waits until they are gone.
    pub(crate) async fn disconnect_all(&self) {
        let last = self.accepted();
        for task in self.connections.lock().values() {
            task.abort();
        }
        self.wait_until(|control| {
            control
                .connections
                .lock()
                .keys()
                .all(|&number| number > last)
        })
        .await;
    }

    /// Accounts for a connection's buffers changing size from `before` to
    /// `after`. `false` says that there is no room for more.
    pub(crate) fn account(&self, before: usize, after: usize) -> bool {
        let change = after.wrapping_sub(before);
        let total = self.buffered.fetch_add(change, Ordering::Relaxed);
        after <= before || total.wrapping_add(change) <= self.limits.buffered
    }

    /// Counts connections with replies not taken yet.
    pub(crate) fn count_unwritten(&self, more: bool) {
        if more {
            self.unwritten.fetch_add(1, Ordering::AcqRel);
        } else {
            self.unwritten.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Returns how many connections have replies not taken yet.
    pub(crate) fn unwritten(&self) -> usize {
        self.unwritten.load(Ordering::Acquire)
    }
}

/// Tells the engine of the listening sockets, for its reports.
fn announce(engine: &Shared, sockets: &[String]) {
    for (number, name) in (1..).zip(sockets) {
        engine.listening(number, name.as_str());
    }
}
