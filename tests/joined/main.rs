//! Client and server joined in memory, on a virtual clock: no sockets, no
//! sleeping. The engine's driver is a loop in `world.rs`.

mod composites;
mod connections;
mod log;
mod streams;
mod world;
