//! Peers that misbehave, over real sockets: every call ends in time, tells what
//! was wrong and where, and leaves nothing behind for the next one. And peers
//! that behave, under load.

#![expect(
    clippy::disallowed_methods,
    reason = "a test of clients has sockets and measures their time"
)]

mod bad;
mod degrade;
mod load;
mod peer;
mod spread;
mod surface;
