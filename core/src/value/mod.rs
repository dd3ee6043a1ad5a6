//! Room: value (see docs/decisions.md).
