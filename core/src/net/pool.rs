//! The links to one endpoint that are open but not in use.

use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::{Link, lately, now};
use crate::error::{Error, ErrorKind, Phase, Result, Sent};
use crate::fork;
use crate::protocol::Connection;

/// A link that was idle for longer is looked at before use.
const TRUSTED_IDLE: Duration = Duration::from_millis(100);

/// How far the cheap clock may be behind, which a link may have been idle besides.
const TICK: Duration = Duration::from_millis(10);

/// Bytes read at a time at first; the buffer grows where replies fill it.
const FIRST_BUFFER: usize = 16 * 1024;

/// The most bytes read at a time.
pub(crate) const LARGEST_BUFFER: usize = 256 * 1024;

/// How many links may be open, and for how long idle ones are kept.
#[derive(Clone, Copy, Debug)]
pub struct PoolLimits {
    /// Idle links kept. Default 2.
    pub max_idle: usize,
    /// Links open at once. Default 64.
    pub max_connections: usize,
    /// An idle link is closed after this time. Default 60 s.
    pub idle_timeout: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            max_idle: 2,
            max_connections: 64,
            idle_timeout: Duration::from_secs(60),
        }
    }
}

/// A link, the state of its conversation, and its read buffer.
pub struct Pooled {
    /// The socket.
    pub link: Box<dyn Link>,
    /// What was asked and not yet answered.
    pub connection: Connection<u32>,
    /// Where received bytes are put.
    pub buffer: Vec<u8>,
    idle_since: u64,
}

impl std::fmt::Debug for Pooled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pooled")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

impl Pooled {
    /// Puts a fresh link to use. It is boxed since each call moves it several times.
    #[must_use]
    pub fn new(link: Box<dyn Link>, connection: Connection<u32>) -> Box<Self> {
        Box::new(Self {
            link,
            connection,
            buffer: vec![0; FIRST_BUFFER],
            idle_since: 0,
        })
    }
}

/// The links to one endpoint. A forked child starts with none.
#[derive(Debug)]
pub struct Pool {
    limits: PoolLimits,
    generation: u64,
    state: Mutex<State>,
    returned: Condvar,
    /// The pool of a forked child. The parent's lock is never taken there: a
    /// thread that does not exist in the child may hold it.
    child: OnceLock<Box<Self>>,
}

#[derive(Debug, Default)]
struct State {
    #[expect(clippy::vec_box, reason = "they are boxed in use, too")]
    idle: Vec<Box<Pooled>>,
    open: usize,
    waiting: usize,
    closed: bool,
}

impl Pool {
    /// Creates a pool without links.
    #[must_use]
    pub fn new(limits: PoolLimits) -> Self {
        Self {
            limits,
            generation: fork::generation(),
            state: Mutex::default(),
            returned: Condvar::new(),
            child: OnceLock::new(),
        }
    }

    /// The pool of this process.
    fn own(&self) -> &Self {
        if self.generation == fork::generation() {
            return self;
        }
        let mut pool = self;
        while pool.generation != fork::generation() {
            let parent = pool;
            pool = parent.child.get_or_init(|| {
                // The child's copies of the sockets are closed, without a word
                // on them, unless a lost thread holds the lock.
                if let Some(mut state) = parent.state.try_lock() {
                    state.idle.clear();
                }
                Box::new(Self::new(parent.limits))
            });
            if pool.generation == parent.generation {
                break;
            }
        }
        pool
    }

    /// Takes an idle link that is fit for use, or room to open one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`] when every link stays in use until the deadline,
    /// [`ErrorKind::Closed`] after [`close`](Self::close).
    pub fn take(&self, deadline: u64) -> Result<Lease<'_>> {
        let pool = self.own();
        let mut discarded = 0;
        let mut state = pool.state.lock();
        loop {
            if state.closed {
                return Err(Error::new(ErrorKind::Closed, "client is closed").sent(Sent::NotSent));
            }
            while let Some(mut pooled) = state.idle.pop() {
                let idle = lately().saturating_sub(pooled.idle_since);
                let idle = Duration::from_nanos(idle) + TICK;
                let stale = idle > pool.limits.idle_timeout
                    || idle > TRUSTED_IDLE && pooled.link.is_stale();
                if !stale {
                    return Ok(Lease {
                        pool,
                        pooled: Some(pooled),
                        discarded,
                    });
                }
                state.open -= 1;
                discarded += 1;
            }
            if state.open < pool.limits.max_connections {
                state.open += 1;
                return Ok(Lease {
                    pool,
                    pooled: None,
                    discarded,
                });
            }
            let left = Duration::from_nanos(deadline.saturating_sub(now()));
            state.waiting += 1;
            let timed_out = left.is_zero() || pool.returned.wait_for(&mut state, left).timed_out();
            state.waiting -= 1;
            if timed_out {
                let message = format!(
                    "deadline passed in phase queue: all {} connections stayed in use",
                    pool.limits.max_connections
                );
                return Err(Error::new(ErrorKind::Timeout, message)
                    .in_phase(Phase::Queue)
                    .sent(Sent::NotSent));
            }
        }
    }

    /// Whether a call would have to wait for another to end.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        let pool = self.own();
        let state = pool.state.lock();
        state.idle.is_empty() && state.open >= pool.limits.max_connections
    }

    /// Returns how many links are open, in use or idle.
    #[must_use]
    pub fn open(&self) -> usize {
        self.own().state.lock().open
    }

    /// Closes the idle links and, when `for_good`, refuses further ones.
    pub fn close(&self, for_good: bool) {
        if for_good {
            self.own().state.lock().closed = true;
        }
        drop(self.drain());
    }

    /// Takes the idle links out, for the caller to close.
    #[must_use]
    pub fn drain(&self) -> Vec<Box<Pooled>> {
        let pool = self.own();
        let links = {
            let mut state = pool.state.lock();
            state.open -= state.idle.len();
            std::mem::take(&mut state.idle)
        };
        pool.returned.notify_all();
        links
    }

    fn give_back(&self, mut pooled: Option<Box<Pooled>>) {
        if self.generation != fork::generation() {
            return;
        }
        if let Some(pooled) = &mut pooled {
            pooled.idle_since = lately();
            if pooled.buffer.len() > 64 * 1024 {
                pooled.buffer = vec![0; FIRST_BUFFER];
            }
        }
        let mut state = self.state.lock();
        let keep = !state.closed && state.idle.len() < self.limits.max_idle.max(state.waiting);
        match pooled {
            Some(pooled) if keep => state.idle.push(pooled),
            surplus => {
                state.open -= 1;
                drop(surplus);
            }
        }
        let waiting = state.waiting > 0;
        drop(state);
        if waiting {
            self.returned.notify_one();
        }
    }
}

/// A link in use, or room for one. Dropped in the middle of a conversation it
/// closes the link: a connection is clean or it is closed.
#[derive(Debug)]
pub struct Lease<'p> {
    pool: &'p Pool,
    pooled: Option<Box<Pooled>>,
    discarded: u32,
}

impl Lease<'_> {
    /// How many idle links were closed on the way to this one, because they were
    /// not fit for use any more.
    #[must_use]
    pub const fn discarded(&self) -> u32 {
        self.discarded
    }

    /// Whether there is a link yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.pooled.is_some()
    }

    /// Puts a fresh link into the room.
    pub fn fill(&mut self, pooled: Box<Pooled>) {
        self.pooled = Some(pooled);
    }

    /// Closes the link and keeps the room.
    pub fn empty(&mut self) -> Option<Box<Pooled>> {
        self.pooled.take()
    }
}

impl Deref for Lease<'_> {
    type Target = Pooled;

    fn deref(&self) -> &Pooled {
        self.pooled
            .as_ref()
            .expect("a lease is filled before it is used")
    }
}

impl DerefMut for Lease<'_> {
    fn deref_mut(&mut self) -> &mut Pooled {
        self.pooled
            .as_mut()
            .expect("a lease is filled before it is used")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let clean = self
            .pooled
            .take()
            .filter(|pooled| pooled.connection.is_clean());
        self.pool.give_back(clean);
    }
}
