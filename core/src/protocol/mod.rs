//! Room: protocol (see docs/decisions.md).
