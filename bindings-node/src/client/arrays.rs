//! The arrays that the driver and the core share.
//!
//! They are handed over once, not with every call, because looking an array up
//! costs as much as a small call itself. JavaScript keeps them alive, never
//! detaches them, and does not run while a call uses them.

use memoxide::{Error, ErrorKind, Result};
use napi::bindgen_prelude::{Float64Array, Uint8Array, Uint32Array};
use napi_derive::napi;

/// How many numbers the array of state has.
const STATE_LENGTH: usize = 10;

/// The shared arrays, each of a size that the driver chose.
#[napi(object, object_to_js = false)]
pub struct SharedArrays {
    /// Numbers of the calls to begin.
    pub fields: Float64Array,
    /// Keys and values of the calls to begin.
    pub bytes: Uint8Array,
    /// What a read brings.
    pub input: Uint8Array,
    /// What became of calls.
    pub events: Uint32Array,
    /// Bytes to write to a socket.
    pub output: Uint8Array,
    /// What the driver learns after each call.
    pub state: Float64Array,
}

impl SharedArrays {
    /// Checks that the state fits.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` when it does not.
    pub(super) fn check(&self) -> Result<()> {
        if self.state.len() == STATE_LENGTH {
            return Ok(());
        }
        let message = format!("the array of state has not {STATE_LENGTH} numbers");
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }

    /// The array of what became of calls.
    pub(super) fn events(&mut self) -> &mut [u32] {
        // SAFETY: the array is used by the driver's thread alone, which is in
        // this call, and the reference ends with it.
        unsafe { self.events.as_mut() }
    }

    /// The array of bytes to write.
    pub(super) fn output(&mut self) -> &mut [u8] {
        // SAFETY: as for `events`.
        unsafe { self.output.as_mut() }
    }

    /// The array of state.
    pub(super) fn state(&mut self) -> &mut [f64] {
        // SAFETY: as for `events`.
        unsafe { self.state.as_mut() }
    }
}
