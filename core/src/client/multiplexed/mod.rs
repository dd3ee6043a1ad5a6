//! The tokio driver: moves the bytes of an [`Engine`] on the caller's runtime.
//!
//! A call submits its operation under a short lock. If nothing is under way on
//! the connection the call writes by itself; otherwise the connection's task
//! writes what gathered in the meantime, at once. Engines belong to one runtime
//! and one process: a call from another one starts afresh.

mod call;
mod calls;
mod socket;
mod transport;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Notify;

pub(super) use self::call::{Call, Event};
use self::calls::Calls;
pub(super) use self::calls::{Gathered, Piece};
use self::socket::{Socket, converse, resolve};
use self::transport::Target;
use super::delivery::broken;
use super::engine::{Action, ConnectionId, Engine, EngineOptions};
use super::log::Entry;
use super::operation::Moment;
use super::plan::Plan;
use super::security::Security;
use crate::fork;
use crate::net::{self, Address};

/// The engine of a client and what belongs to it.
#[derive(Debug)]
pub(super) struct Driver {
    options: EngineOptions,
    security: Security,
    addresses: Vec<Address>,
    state: Mutex<Option<State>>,
    /// Whether further calls are refused.
    refuses: AtomicBool,
    /// Whether everything has ended.
    closed: AtomicBool,
    /// Tells who waits for it that the last call has ended.
    idle: Notify,
}

/// What belongs to one runtime in one process.
#[derive(Debug)]
struct State {
    runtime: tokio::runtime::Id,
    generation: u64,
    engine: Engine,
    calls: Calls,
    sockets: Vec<(ConnectionId, Arc<Socket>)>,
    timer: Arc<Notify>,
    /// When the timer task wakes by itself.
    armed: Moment,
}

impl Driver {
    pub(super) fn new(plan: &Plan) -> Arc<Self> {
        Arc::new(Self {
            options: EngineOptions::of(plan.options(), net::now()),
            security: plan.security().clone(),
            addresses: plan
                .servers()
                .iter()
                .map(|server| server.address.clone())
                .collect(),
            state: Mutex::new(None),
            refuses: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            idle: Notify::new(),
        })
    }

    /// Closes the connections that nothing waits for.
    pub(super) fn disconnect(&self) {
        let mut guard = self.state.lock();
        let Some(state) = guard.as_mut() else { return };
        state.engine.disconnect();
        state.close_given_up();
    }

    /// Ends everything that is under way, and refuses further calls.
    pub(super) fn close(&self) {
        self.refuses.store(true, Ordering::Relaxed);
        self.closed.store(true, Ordering::Relaxed);
        let mut guard = self.state.lock();
        let Some(state) = guard.as_mut() else { return };
        state.engine.close(true, &mut state.calls);
        for (_, socket) in state.sockets.drain(..) {
            socket.close();
        }
        state.timer.notify_one();
        let wakers = std::mem::take(&mut state.calls.wakers);
        drop(guard);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Refuses further calls, and waits until those under way have ended.
    pub(super) async fn finish(&self) {
        self.refuses.store(true, Ordering::Relaxed);
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            // From here on no notice is missed.
            idle.as_mut().enable();
            let pending = |state: &State| state.engine.pending() > 0;
            if !self.state.lock().as_ref().is_some_and(pending) {
                return;
            }
            idle.await;
        }
    }

    /// Whether the runtime may sleep.
    fn is_to_sleep(&self) -> bool {
        let guard = self.state.lock();
        let until = guard.as_ref().and_then(|state| state.engine.awake_until());
        until.is_none_or(|until| until <= Moment(net::now()))
    }

    /// Runs `work` on the engine of the current runtime, then carries out what
    /// the engine wants done.
    fn with_state<R>(self: &Arc<Self>, work: impl FnOnce(&mut State, Moment) -> R) -> R {
        let mut guard = self.state.lock();
        let fits = guard.as_ref().is_some_and(|state| {
            state.generation == fork::generation() && Handle::current().id() == state.runtime
        });
        if !fits {
            // What belonged to another runtime or process ends without a word.
            let new = self.fresh();
            if let Some(old) = guard.replace(new) {
                old.sockets.iter().for_each(|(_, socket)| socket.close());
            }
        }
        let state = guard.as_mut().expect("a state was put there just now");
        let now = Moment(net::now());
        let result = work(state, now);
        self.carry_out(state, now);
        let entries = state.engine.take_entries();
        let wakers = std::mem::take(&mut state.calls.wakers);
        drop(guard);
        entries.iter().for_each(Entry::trace);
        wakers.into_iter().for_each(Waker::wake);
        result
    }

    /// Runs `work` unless the state that `timer` belongs to was replaced.
    fn with_own_state<R>(
        self: &Arc<Self>,
        timer: &Arc<Notify>,
        work: impl FnOnce(&mut State, Moment) -> R,
    ) -> Option<R> {
        let mut guard = self.state.lock();
        if self.closed.load(Ordering::Relaxed) {
            return None;
        }
        let state = guard
            .as_mut()
            .filter(|state| Arc::ptr_eq(&state.timer, timer))?;
        let now = Moment(net::now());
        let result = work(state, now);
        self.carry_out(state, now);
        let entries = state.engine.take_entries();
        let wakers = std::mem::take(&mut state.calls.wakers);
        drop(guard);
        entries.iter().for_each(Entry::trace);
        wakers.into_iter().for_each(Waker::wake);
        Some(result)
    }

    fn fresh(self: &Arc<Self>) -> State {
        let timer = Arc::new(Notify::new());
        tokio::spawn(keep_time(Arc::downgrade(self), Arc::clone(&timer)));
        State {
            runtime: Handle::current().id(),
            generation: fork::generation(),
            engine: Engine::new(self.addresses.iter().cloned(), self.options)
                .with_credentials(self.security.credentials.clone()),
            calls: Calls::default(),
            sockets: Vec::new(),
            timer,
            armed: Moment::NEVER,
        }
    }

    /// Does what the engine asks for, without waiting.
    fn carry_out(self: &Arc<Self>, state: &mut State, now: Moment) {
        for ticket in state.calls.behind.drain(..) {
            state.engine.pause(ticket);
        }
        loop {
            while let Some(action) = state.engine.next_action() {
                match action {
                    Action::Connect {
                        connection,
                        endpoint,
                        address,
                    } => {
                        let target = Target {
                            server: state.engine.address(endpoint).clone(),
                            address,
                            #[cfg(feature = "tls")]
                            tls: self.security.tls.clone(),
                        };
                        tokio::spawn(converse(Arc::clone(self), connection, target));
                    }
                    Action::Resolve { endpoint } => {
                        let address = state.engine.address(endpoint).clone();
                        tokio::spawn(resolve(Arc::clone(self), endpoint, address));
                    }
                    Action::Close(id) => state.close_socket(id),
                    Action::Pause(id) => state.let_read(id, false),
                    Action::Resume(id) => state.let_read(id, true),
                }
            }
            if state.engine.is_urgent() {
                state.write_now(now);
            } else {
                break;
            }
        }
        if self.refuses.load(Ordering::Relaxed) && state.engine.pending() == 0 {
            self.idle.notify_waiters();
        }
        if state.engine.has_writes() {
            state.ask_for_flush();
        }
        if state.engine.deadline() < state.armed {
            state.armed = state.engine.deadline();
            state.timer.notify_one();
        }
    }
}

impl State {
    /// Closes what the engine has given up, where it can want nothing else.
    fn close_given_up(&mut self) {
        while let Some(action) = self.engine.next_action() {
            if let Action::Close(id) = action {
                self.close_socket(id);
            }
        }
    }

    fn close_socket(&mut self, id: ConnectionId) {
        if let Some(index) = self.sockets.iter().position(|(is, _)| *is == id) {
            self.sockets.swap_remove(index).1.close();
        }
    }

    /// Lets a connection be read, or not.
    fn let_read(&self, id: ConnectionId, reads: bool) {
        if let Some((_, socket)) = self.sockets.iter().find(|(is, _)| *is == id) {
            socket.let_read(reads);
        }
    }

    /// Writes on every connection what its socket takes.
    fn write_now(&mut self, now: Moment) {
        while let Some(id) = self.engine.next_write() {
            let Some((_, socket)) = self.sockets.iter().find(|(is, _)| *is == id) else {
                continue;
            };
            let socket = Arc::clone(socket);
            loop {
                let output = self.engine.output(id);
                if output.is_empty() {
                    break;
                }
                match socket.writer.try_write(output) {
                    Ok(count) => {
                        self.engine.written(id, count);
                        if socket.writer.wants_write() {
                            socket.flush.notify_one();
                        }
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                        self.engine.blocked(id);
                        socket.flush.notify_one();
                        break;
                    }
                    Err(error) => {
                        let error = broken(error);
                        self.engine.lost(id, error, now, &mut self.calls);
                        break;
                    }
                }
            }
        }
    }

    /// Leaves the writing to the connections' tasks, which run when the tasks
    /// that are awake now have had their turn.
    fn ask_for_flush(&self) {
        for (_, socket) in &self.sockets {
            socket.flush.notify_one();
        }
    }
}

/// Tells the engine when its deadline has come, as long as the client lives.
async fn keep_time(driver: std::sync::Weak<Driver>, timer: Arc<Notify>) {
    loop {
        let now = Moment(net::now());
        let is_due = with_living(&driver, &timer, |state| state.engine.is_due(now));
        if is_due == Some(true) {
            hear_what_came().await;
        }
        let due = with_living(&driver, &timer, |state| {
            state.engine.tick(now, &mut state.calls);
            state.armed = state.engine.deadline();
            state.armed
        });
        let Some(due) = due else { return };
        if due == Moment::NEVER {
            timer.notified().await;
        } else {
            let pause = due.since(Moment(net::now()));
            // A late alarm is better than an early one, which finds nothing due.
            let pause = pause + Duration::from_millis(1);
            drop(tokio::time::timeout(pause, timer.notified()).await);
        }
    }
}

/// Works on the state of a client that lives.
fn with_living<R>(
    driver: &std::sync::Weak<Driver>,
    timer: &Arc<Notify>,
    work: impl FnOnce(&mut State) -> R,
) -> Option<R> {
    let driver = driver.upgrade()?;
    driver.with_own_state(timer, |state, _| work(state))
}

/// Lets be heard what has arrived until now. The thread may have been held up, by
/// a task that did not yield or by the machine; a reply that came in time counts
/// all the same. The runtime asks the system for it in the first turn, and runs
/// who waited for it in the second.
async fn hear_what_came() {
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(state) = self.state.get_mut() {
            state.sockets.iter().for_each(|(_, socket)| socket.close());
            state.timer.notify_one();
        }
    }
}
