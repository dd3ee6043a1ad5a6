//! The embedded server from outside: real sockets, real threads.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests open sockets and fail loudly"
)]

mod by_hand;
mod fault_command;
mod faults;
mod lifecycle;
mod limits;
mod paths;
mod sockets;
mod support;
#[cfg(feature = "tls")]
mod tls;
