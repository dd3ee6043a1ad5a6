//! The buffers that connections borrow while they have something to do.

use std::cell::RefCell;

/// Bytes read at once.
pub(super) const READ_SIZE: usize = 64 << 10;

/// Capacity up to which the reply buffer is kept for the next reply.
const KEPT_OUTPUT: usize = 1 << 20;

/// One thread's buffers: what is not finished when a connection's turn ends
/// moves to the connection, so an idle connection owns none.
pub(super) struct Scratch {
    /// Requests, as received; always initialised, never shrinks.
    pub(super) input: Vec<u8>,
    /// Replies, empty between turns.
    pub(super) output: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        input: vec![0; READ_SIZE],
        output: Vec::with_capacity(READ_SIZE),
    });
}

impl Scratch {
    /// Lends this thread's buffers to `turn`, which must not ask again.
    pub(super) fn with<T>(turn: impl FnOnce(&mut Self) -> T) -> T {
        SCRATCH.with(|scratch| {
            let scratch = &mut *scratch.borrow_mut();
            let result = turn(scratch);
            scratch.output.clear();
            scratch.output.shrink_to(KEPT_OUTPUT);
            result
        })
    }
}
