//! The `memoxide` command, for the script that pip installs.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command line `words`, the program's name first, and returns its exit
/// code. A server among the commands runs until it is told to stop.
#[pyfunction]
#[pyo3(signature = (words, /))]
pub(crate) fn run_command(py: Python<'_>, words: Vec<OsString>) -> u8 {
    py.detach(|| memoxide::cli::run(words))
}
