//! What a server process owes its system: users, signals, files, a terminal.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use super::{Failure, complain};

/// What a signal says.
pub(super) enum Signal {
    /// Read the authentication file again.
    Reload,
    /// Stop now.
    Stop,
    /// Stop once pending replies are taken.
    StopGracefully,
}

/// Writes the pid file, under another name first, so that a reader never finds
/// it empty. A file that cannot be written is told, as by memcached, and no
/// reason to end.
pub(super) fn write_pid_file(path: &Path) {
    let shown = path.display();
    #[cfg(unix)]
    if let Some(pid) = std::fs::read_to_string(path)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .and_then(rustix::process::Pid::from_raw)
        && rustix::process::test_kill_process(pid).is_ok()
    {
        complain(&format!(
            "WARNING: The pid file contained the following (running) pid: {}",
            pid.as_raw_nonzero()
        ));
    }
    let mut unfinished = path.to_owned().into_os_string();
    unfinished.push(".tmp");
    let written = std::fs::File::create(&unfinished)
        .and_then(|mut file| writeln!(file, "{}", std::process::id()))
        .and_then(|()| std::fs::rename(&unfinished, path));
    if let Err(error) = written {
        let message = format!("Could not open the pid file {shown} for writing: {error}");
        complain(&message);
    }
}

#[cfg(unix)]
pub(super) use unix::*;

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, Read};
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use tokio::signal::unix::{SignalKind, signal};

    use super::{Failure, OsString, Signal};
    use crate::cli::serve::{NO_USER, SYSTEM};

    /// Set for the process that goes on in the background.
    const DAEMON: &str = "MEMOXIDE_DAEMON";

    /// Descriptors beside those of connections.
    const OTHER_FILES: u64 = 64;

    /// Raises the limit of open files as far as `connections` need and the
    /// system allows.
    pub(in crate::cli::serve) fn allow_open_files(connections: usize) {
        let wanted = connections as u64 + OTHER_FILES;
        let limit = getrlimit(Resource::Nofile);
        if limit.current.is_none_or(|current| current >= wanted) {
            return;
        }
        let maximum = limit.maximum.map_or(wanted, |most| most.max(wanted));
        let raised = |maximum| Rlimit {
            current: Some(wanted),
            maximum,
        };
        // Only a privileged process may go beyond the maximum.
        let attempts = [
            raised(limit.maximum.map(|_| maximum)),
            Rlimit {
                current: limit.maximum,
                maximum: limit.maximum,
            },
        ];
        for attempt in attempts {
            if setrlimit(Resource::Nofile, attempt).is_ok() {
                return;
            }
        }
    }

    /// Goes on as `user`, if this is root: by starting the program anew, which
    /// leaves no thread behind with the old rights.
    pub(in crate::cli::serve) fn assume_identity(
        user: &str,
        words: &[OsString],
    ) -> Result<(), Failure> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let Some((uid, gid)) = find_user(&accounts, user) else {
            let message = format!("can't find the user {user} to switch to");
            return Err(Failure::new(NO_USER, message));
        };
        if uid == 0 {
            return Ok(());
        }
        let error = this_program(words)?.uid(uid).gid(gid).exec();
        let message = format!("failed to assume identity of user {user}: {error}");
        Err(Failure::new(SYSTEM, message))
    }

    /// Finds the user and group id of a name or of a numeric id.
    pub(super) fn find_user(accounts: &str, user: &str) -> Option<(u32, u32)> {
        accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            (name == user).then_some((uid, gid))
        })
    }

    /// The command line that started this process.
    fn this_program(words: &[OsString]) -> Result<Command, Failure> {
        let system = |error: io::Error| Failure::new(SYSTEM, error.to_string());
        let mut arguments = std::env::args_os();
        let name = arguments.next().unwrap_or_default();
        let arguments: Vec<OsString> = arguments.collect();
        // Called from a program rather than a shell: its command line would
        // start something else.
        if !arguments.ends_with(words) {
            return Err(Failure::new(
                SYSTEM,
                "-d and -u work from a command line only",
            ));
        }
        let mut command = Command::new(std::env::current_exe().map_err(system)?);
        command.arg0(name).args(arguments);
        Ok(command)
    }

    /// Whether this process was started by [`become_daemon`].
    pub(in crate::cli::serve) fn is_daemon() -> bool {
        std::env::var_os(DAEMON).is_some()
    }

    /// Starts the background process and waits until it listens or gives up.
    pub(in crate::cli::serve) fn become_daemon(words: &[OsString]) -> Result<(), Failure> {
        let system = |error: io::Error| Failure::new(1, format!("failed to daemon(): {error}"));
        let (mut ready, its_end) = io::pipe().map_err(system)?;
        let mut command = this_program(words)?;
        let mut child = command
            .env(DAEMON, "1")
            .stdin(Stdio::null())
            .stdout(its_end)
            .spawn()
            .map_err(system)?;
        // Or this process would hold the writing end open itself.
        drop(command);
        if ready.read(&mut [0]).map_err(system)? > 0 {
            return Ok(());
        }
        let status = child.wait().map_err(system)?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        // It has told the reason.
        Err(Failure::new(code.unwrap_or(SYSTEM), "failed to daemonize"))
    }

    /// Leaves terminal and folder behind and tells the parent that all is well.
    pub(in crate::cli::serve) fn detach(keep_streams: bool) {
        // Each fails only where there is nothing to leave.
        let _ = rustix::process::setsid();
        let _ = std::env::set_current_dir("/");
        let _ = rustix::io::write(io::stdout(), b"\n");
        if let Ok(null) = File::options().write(true).open("/dev/null") {
            let _ = rustix::stdio::dup2_stdout(&null);
            if !keep_streams {
                let _ = rustix::stdio::dup2_stderr(&null);
            }
        }
    }

    /// The signals that memcached reacts to.
    pub(in crate::cli::serve) struct Signals {
        interrupt: tokio::signal::unix::Signal,
        terminate: tokio::signal::unix::Signal,
        hang_up: tokio::signal::unix::Signal,
        user: tokio::signal::unix::Signal,
    }

    impl Signals {
        pub(in crate::cli::serve) fn new() -> io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hang_up: signal(SignalKind::hangup())?,
                user: signal(SignalKind::user_defined1())?,
            })
        }

        pub(in crate::cli::serve) async fn next(&mut self) -> Signal {
            tokio::select! {
                _ = self.interrupt.recv() => Signal::Stop,
                _ = self.terminate.recv() => Signal::Stop,
                _ = self.hang_up.recv() => Signal::Reload,
                _ = self.user.recv() => Signal::StopGracefully,
            }
        }
    }
}

#[cfg(not(unix))]
pub(super) use elsewhere::*;

#[cfg(not(unix))]
mod elsewhere {
    use super::{Failure, OsString, Signal};

    pub(in crate::cli::serve) fn allow_open_files(_connections: usize) {}

    pub(in crate::cli::serve) fn assume_identity(
        _user: &str,
        _words: &[OsString],
    ) -> Result<(), Failure> {
        Ok(())
    }

    pub(in crate::cli::serve) fn is_daemon() -> bool {
        false
    }

    pub(in crate::cli::serve) fn become_daemon(_words: &[OsString]) -> Result<(), Failure> {
        Err(Failure::new(1, "failed to daemon() in order to daemonize"))
    }

    pub(in crate::cli::serve) fn detach(_keep_streams: bool) {}

    pub(in crate::cli::serve) struct Signals;

    impl Signals {
        pub(in crate::cli::serve) fn new() -> std::io::Result<Self> {
            Ok(Self)
        }

        pub(in crate::cli::serve) async fn next(&mut self) -> Signal {
            // Without a handler the system ends the process: as good an end.
            let _ = tokio::signal::ctrl_c().await;
            Signal::Stop
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::unix::find_user;

    #[test]
    fn users_are_found_by_name() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533::/:/bin/false\n";
        assert_eq!(find_user(accounts, "nobody"), Some((65534, 65533)));
        assert_eq!(find_user(accounts, "root"), Some((0, 0)));
        assert_eq!(find_user(accounts, "nob"), None);
    }
}
