//! One server's engine: stores, settings, time, and who is connected.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::{Clock, Settings};

/// The whole state of one server, shared by its sessions.
pub struct Shared {
    settings: Settings,
    clock: Clock,
    items: Mutex<HashMap<Vec<u8>, (u32, Vec<u8>)>>,
    rejected: AtomicU64,
}

impl Shared {
    /// Creates the engine of one server.
    #[must_use]
    pub fn new(settings: Settings, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            settings,
            clock,
            items: Mutex::default(),
            rejected: AtomicU64::new(0),
        })
    }

    /// Returns the settings the server was started with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the server's time.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Counts a connection that the listener refused for want of a place.
    pub fn connection_rejected(&self) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn items(&self) -> &Mutex<HashMap<Vec<u8>, (u32, Vec<u8>)>> {
        &self.items
    }
}
