//! Placeholder until the thread reaches this binding.
