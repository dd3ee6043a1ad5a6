//! The text command `fault`, for languages without a handle.
//!
//! A server that allows it (`fault_control`) takes on its ordinary port:
//!
//! | line | reply |
//! |---|---|
//! | `fault add <rules>` | `ADDED <id> ...` |
//! | `fault list` | `FAULT <id> <hits> <rule>` lines, `END` |
//! | `fault remove <id>` | `REMOVED`, `NOT_FOUND` |
//! | `fault clear` | `OK` |
//! | `fault log on <requests>`, `fault log off`, `fault log clear` | `OK` |
//! | `fault log` | `REQUEST <object>` lines, `END` |
//! | `fault freeze`, `fault thaw` | `OK`; this connection stays awake |
//! | `fault refuse`, `fault accept` | `OK` |
//! | `fault disconnect` | closes every connection, this one included |
//! | `fault restart [seconds]` | likewise, and starts anew |
//!
//! Rules and objects are JSON on the same line. A mistake is answered with
//! `CLIENT_ERROR` and what it is. The command is never subject to rules.

use std::sync::Arc;
use std::time::Duration;

use super::Rule;
use crate::server::listener::Control;

/// Longest line of a command, rules included.
const LONGEST: usize = 64 << 10;

const NAME: &[u8] = b"fault ";

/// What a line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Accept,
    Add(Vec<Rule>),
    Clear,
    Disconnect,
    Freeze(bool),
    List,
    Log,
    LogClear,
    LogKeep(usize),
    Refuse,
    Remove(u64),
    Restart(Duration),
}

/// What is said to a line at once.
type Reply = String;

/// Whether `input` begins with a command, or may once more has arrived; then
/// with the length of its line, if that is complete.
pub(crate) fn is_command(input: &[u8]) -> Option<Option<usize>> {
    let shown = input.len().min(NAME.len());
    if shown == 0 || input[..shown] != NAME[..shown] || input.len() > LONGEST {
        return None;
    }
    // Another command could have begun like this, but none does.
    Some(memchr::memchr(b'\n', input).map(|end| end + 1))
}

impl Command {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// The reply that says what is wrong.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, Reply> {
        let usage = || {
            "CLIENT_ERROR usage: fault add|list|remove|clear|log|freeze|thaw|refuse|accept|disconnect|restart\r\n".to_owned()
        };
        let text = std::str::from_utf8(line).map_err(|_| usage())?.trim();
        let words = text.strip_prefix("fault ").ok_or_else(usage)?;
        let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
        let rest = rest.trim();
        match (verb, rest) {
            ("add", json) => Rule::parse(json)
                .map(Self::Add)
                .map_err(|error| format!("CLIENT_ERROR {}\r\n", error.message())),
            ("remove", id) => id.parse().map(Self::Remove).map_err(|_| usage()),
            ("accept", "") => Ok(Self::Accept),
            ("clear", "") => Ok(Self::Clear),
            ("disconnect", "") => Ok(Self::Disconnect),
            ("freeze", "") => Ok(Self::Freeze(true)),
            ("list", "") => Ok(Self::List),
            ("log", "") => Ok(Self::Log),
            ("log", "clear") => Ok(Self::LogClear),
            ("log", "off") => Ok(Self::LogKeep(0)),
            ("log", rest) => rest
                .strip_prefix("on ")
                .and_then(|capacity| capacity.parse().ok())
                .map(Self::LogKeep)
                .ok_or_else(usage),
            ("refuse", "") => Ok(Self::Refuse),
            ("restart", "") => Ok(Self::Restart(Duration::ZERO)),
            ("restart", seconds) => seconds
                .parse()
                .ok()
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .map(Self::Restart)
                .ok_or_else(usage),
            ("thaw", "") => Ok(Self::Freeze(false)),
            _ => Err(usage()),
        }
    }
}

/// Carries out what needs no more than the server's shared state, and returns
/// the reply.
pub(crate) async fn carry_out(command: Command, control: &Arc<Control>) -> Reply {
    let ok = || "OK\r\n".to_owned();
    match command {
        Command::Accept => control.refuse(false),
        Command::Add(rules) => {
            let mut ids = String::new();
            for rule in rules {
                match control.faults.add(rule) {
                    Ok(id) => ids.push_str(&format!(" {id}")),
                    Err(error) => return format!("CLIENT_ERROR {}\r\n", error.message()),
                }
            }
            rules_changed(control).await;
            return format!("ADDED{ids}\r\n");
        }
        Command::Clear => {
            control.faults.clear();
            rules_changed(control).await;
        }
        Command::Freeze(frozen) => control.freeze(frozen),
        Command::List => {
            let lines = control.faults.list().into_iter().map(|status| {
                let json = status.rule.to_json();
                format!("FAULT {} {} {json}\r\n", status.id, status.hits)
            });
            return lines.collect::<String>() + "END\r\n";
        }
        Command::Log => {
            let lines = control.log.requests().into_iter().map(|request| {
                let json = serde_json::to_string(&request).unwrap_or_default();
                format!("REQUEST {json}\r\n")
            });
            return lines.collect::<String>() + "END\r\n";
        }
        Command::LogClear => control.log.clear(),
        Command::LogKeep(capacity) => control.keep_log(capacity),
        Command::Refuse => control.refuse(true),
        Command::Remove(id) => {
            let removed = control.faults.remove(id);
            rules_changed(control).await;
            let reply = if removed { "REMOVED" } else { "NOT_FOUND" };
            return format!("{reply}\r\n");
        }
        // These end the connection that the reply would go to.
        Command::Disconnect | Command::Restart(_) => {}
    }
    control.settle().await;
    ok()
}

async fn rules_changed(control: &Arc<Control>) {
    control.attend_to_rules();
    control.update_gate();
    control.settle().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_recognized_as_they_arrive() {
        assert_eq!(is_command(b"f"), Some(None));
        assert_eq!(is_command(b"fault li"), Some(None));
        assert_eq!(is_command(b"fault list\r\nget"), Some(Some(12)));
        assert_eq!(is_command(b"flush_all\r\n"), None);
        assert_eq!(is_command(b"faults\r\n"), None);
        assert_eq!(is_command(b""), None);
    }

    #[test]
    fn verbs_are_read() {
        let read = |line: &str| Command::parse(line.as_bytes());
        assert_eq!(read("fault list\r\n"), Ok(Command::List));
        assert_eq!(read("fault remove 7\r\n"), Ok(Command::Remove(7)));
        assert_eq!(read("fault log on 100\r\n"), Ok(Command::LogKeep(100)));
        let half = Duration::from_millis(500);
        assert_eq!(read("fault restart 0.5\r\n"), Ok(Command::Restart(half)));
        let added = read("fault add {\"action\": \"flush\", \"times\": 1}\r\n").unwrap();
        let rule = Rule::new(super::super::Fault::Flush {}).times(1);
        assert_eq!(added, Command::Add(vec![rule]));
        for line in [
            "fault \r\n",
            "fault log on x\r\n",
            "fault restart -1\r\n",
            "fault thaw 1\r\n",
        ] {
            assert!(
                read(line).unwrap_err().starts_with("CLIENT_ERROR usage: "),
                "{line}"
            );
        }
        let error = read("fault add {\"action\": \"bark\"}\r\n").unwrap_err();
        assert!(
            error.starts_with("CLIENT_ERROR not a fault rule: unknown variant"),
            "{error}"
        );
    }
}
