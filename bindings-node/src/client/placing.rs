//! Placement by a function of the program's.
//!
//! JavaScript cannot be called while the core is at work. So the driver asks
//! beforehand which keys a packed call has ([`Placing::record`]), has the
//! function place them, and tells the answers ([`Placing::tell`]); when the call
//! is planned for real, they are looked up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memoxide::{Error, ErrorKind, Result};

/// What the program's function has answered; shared with the plan.
#[derive(Clone, Default)]
pub(super) struct Placing(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Keys that were asked for while recording.
    asked: Option<Vec<Vec<u8>>>,
    known: HashMap<Vec<u8>, usize>,
}

impl Placing {
    /// Runs a plan whose operation is not wanted, and returns the keys that it
    /// asked to have placed.
    pub(super) fn record(&self, plan: impl FnOnce()) -> Vec<Vec<u8>> {
        self.lock().asked = Some(Vec::new());
        plan();
        self.lock().asked.take().unwrap_or_default()
    }

    /// Notes where a key is.
    pub(super) fn tell(&self, key: &[u8], index: usize) {
        self.lock().known.insert(key.to_vec(), index);
    }

    /// Forgets all answers.
    pub(super) fn forget(&self) {
        self.lock().known.clear();
    }

    /// Answers a plan.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a key that was not placed before.
    pub(super) fn place(&self, key: &[u8]) -> Result<usize> {
        let mut state = self.lock();
        if let Some(index) = state.known.get(key) {
            return Ok(*index);
        }
        match &mut state.asked {
            Some(asked) => {
                asked.push(key.to_vec());
                Ok(0)
            }
            None => {
                let message = "key was not placed by the function given as hashing";
                Err(Error::new(ErrorKind::InvalidArgument, message))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
