//! Room: route (see docs/decisions.md).
