//! The `memoxide` command; see `memoxide::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    memoxide::cli::run(std::env::args_os()).into()
}
