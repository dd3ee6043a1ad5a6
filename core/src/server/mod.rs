//! Room: server (see docs/decisions.md).
