//! The `memoxide` command.
//!
//! [`run`] takes the words of a command line and returns the exit code, so the
//! binary, the Python module and the Node module share one command. What the
//! commands do is left to the rooms below; here are flags, messages and exit
//! codes.
//!
//! ```
//! assert_eq!(memoxide::cli::run(["memoxide", "serve", "-t", "0"]), 1);
//! ```

mod getopt;
mod serve;

use std::ffi::OsString;
use std::path::Path;

use clap::{Parser, Subcommand};

/// One memcached client for Rust, Python and Node, with an embedded server
#[derive(Debug, Parser)]
#[command(name = "memoxide", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a server that takes memcached's flags (`serve -h` lists them)
    #[command(disable_help_flag = true)]
    Serve {
        /// memcached's flags
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<OsString>,
    },
}

/// Runs the command line `words`, the program's name first, and returns its
/// exit code. Messages go to the standard streams of the process.
///
/// Under the name `memcached` (a link or a copy) the program is `memoxide serve`.
pub fn run<I, W>(words: I) -> u8
where
    I: IntoIterator<Item = W>,
    W: Into<OsString>,
{
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    let program = words.first().map(Path::new);
    let name = program
        .and_then(Path::file_stem)
        .and_then(|name| name.to_str())
        .unwrap_or("memoxide")
        .to_owned();
    if name == "memcached" {
        return serve::run(&name, &words[1..]);
    }
    match Arguments::try_parse_from(words) {
        Ok(Arguments {
            command: Command::Serve { flags },
        }) => serve::run(&name, &flags),
        Err(message) => {
            // A closed stream leaves nobody to tell.
            let _ = message.print();
            u8::try_from(message.exit_code()).unwrap_or(1)
        }
    }
}
