//! The slow path: one request at a time, with somebody looking.
//!
//! A connection comes here while rules may strike, requests are logged, the
//! command `fault` is allowed or the server is frozen. Requests are told apart
//! by [`Session::head`](crate::server::Session::head), executed one by one, and
//! their replies handed on, forged, delayed or dropped.

mod end;
mod flow;
mod strike;

use std::future::poll_fn;
use std::sync::Arc;

use super::connection::{Connection, Exit, State};
use super::control::{Action, Attention, Control};
use crate::server::fault::{self, Ending, Fault, LoggedRequest, Seen, Stage};
use crate::server::{CloseReason, Next, OUTPUT_BUDGET};

/// Bytes of an unfinished list of keys that are kept until it is complete.
const KEPT_KEYS: usize = 1 << 20;

/// A reply that is kept, to be sent again as a stale one.
const KEPT_REPLY: usize = 1 << 20;

/// The end of a connection, with nothing more to say.
const OVER: Exit = Exit::Closed(CloseReason::Normal);

/// Lets the rules decide about a connection that was just accepted.
pub(in crate::server::listener) async fn greet(connection: &mut Connection) -> Result<(), Exit> {
    let control = Arc::clone(&connection.control);
    let rules = control
        .faults
        .for_connection(connection.number, Stage::Accept);
    let mut attendant = Attendant::new(connection);
    for active in rules {
        match *active.rule.fault() {
            Fault::AcceptAndClose {} if active.strike() => {
                return attendant.end(Ending::Close, &active).await;
            }
            Fault::AcceptAndHang { seconds } if active.strike() => {
                attendant.hang(&active, seconds).await;
                return attendant.end(Ending::Close, &active).await;
            }
            Fault::AcceptAndReset {} if active.strike() => {
                return attendant.end(Ending::Reset, &active).await;
            }
            Fault::Silence { .. } => attendant.silence(&active).await?,
            #[cfg(feature = "tls")]
            Fault::TlsFailure { how } => attendant.fail_handshake(&active, how).await?,
            _ => {}
        }
    }
    control.attend_to_rules();
    Ok(())
}

/// Serves the connection until nobody looks any more.
pub(in crate::server::listener) async fn attend(connection: &mut Connection) -> Result<(), Exit> {
    let mut attendant = Attendant::new(connection);
    let result = attendant.run().await;
    if result.is_err() && !attendant.connection.reset {
        // What was answered before the end is sent before the end.
        attendant.flush().await?;
    }
    result
}

/// Takes the time that rules want a closing connection to take.
pub(in crate::server::listener) async fn take_leave(connection: &Connection) {
    let faults = &connection.control.faults;
    for active in faults.for_connection(connection.number, Stage::Close) {
        if let Fault::SlowClose { seconds } = *active.rule.fault()
            && active.strike()
        {
            tokio::time::sleep(seconds).await;
        }
    }
}

struct Attendant<'a> {
    connection: &'a mut Connection,
    control: Arc<Control>,
    /// Replies that nothing keeps from being sent together.
    replies: Vec<u8>,
    /// The last reply, for a rule that sends it again.
    previous: Vec<u8>,
}

/// A request that is about to be executed.
struct Request {
    command: String,
    key: Vec<u8>,
    more_keys: Vec<u8>,
    /// Line or header, for answers in its place and for the log.
    head: Vec<u8>,
    length: usize,
    number: u64,
}

impl Request {
    fn seen(&self, connection: u64) -> Seen<'_> {
        Seen {
            connection,
            number: self.number,
            command: &self.command,
            key: &self.key,
            more_keys: &self.more_keys,
        }
    }
}

/// Whether there was enough input to go on.
#[derive(PartialEq)]
enum Step {
    Done,
    NeedInput,
}

impl<'a> Attendant<'a> {
    fn new(connection: &'a mut Connection) -> Self {
        let control = Arc::clone(&connection.control);
        Self {
            connection,
            control,
            replies: Vec::new(),
            previous: Vec::new(),
        }
    }

    async fn run(&mut self) -> Result<(), Exit> {
        loop {
            self.wait_for_thaw().await;
            if !self.connection.wants_requests() {
                self.flush().await?;
                poll_fn(|context| self.connection.poll_other(context)).await?;
                continue;
            }
            if !self.control.wants_attention() {
                self.flush().await?;
                // The fast path goes on with what is left.
                self.connection.state = State::Again;
                return Ok(());
            }
            if self.step().await? == Step::NeedInput {
                self.receive().await?;
            }
        }
    }

    /// Does what the front of the input asks for.
    async fn step(&mut self) -> Result<Step, Exit> {
        if self.connection.input.is_empty() {
            return Ok(Step::NeedInput);
        }
        let left = self.connection.session.data_left();
        if left > 0 {
            // The request began before anybody looked.
            let (mut reply, _) = self.feed(left, false).await?;
            self.replies.append(&mut reply);
            return Ok(Step::Done);
        }
        if self.control.has_attention(Attention::Command)
            && let Some(complete) = fault::is_command(&self.connection.input)
        {
            let Some(length) = complete else {
                return Ok(Step::NeedInput);
            };
            let line: Vec<u8> = self.connection.input.drain(..length).collect();
            self.command(&line).await?;
            return Ok(Step::Done);
        }
        let Some(request) = self.request() else {
            return self.feed_unknown().await;
        };
        self.attend_to(request).await?;
        Ok(Step::Done)
    }

    /// Looks at the request in front, if enough of it is there.
    fn request(&self) -> Option<Request> {
        let input = &self.connection.input;
        let head = self.connection.session.head(input)?;
        let line = memchr::memchr(b'\n', input).map_or(input.len(), |end| end + 1);
        let is_binary = input.first() == Some(&0x80);
        let length = head.length.unwrap_or(line);
        let shown = if is_binary {
            // Header, extras and key are there, or there would be no head.
            24 + usize::from(input[4]) + head.key.len()
        } else {
            line
        };
        let text = input[..shown].trim_ascii_end();
        let takes_more = matches!(head.command, "get" | "gets" | "gat" | "gats");
        let more_keys = match memchr::memmem::find(text, head.key) {
            Some(start) if takes_more && !is_binary => &text[start + head.key.len()..],
            _ => b"",
        };
        Some(Request {
            command: head.command.to_owned(),
            key: head.key.to_vec(),
            more_keys: more_keys.to_vec(),
            head: input[..shown].to_vec(),
            length,
            number: self.connection.requests + 1,
        })
    }

    /// Shows the session what has no head: the beginning of a request, a piece
    /// of a long list of keys, or something that it will refuse.
    async fn feed_unknown(&mut self) -> Result<Step, Exit> {
        let input = &self.connection.input;
        let is_list = [&b"get "[..], b"gets ", b"gat ", b"gats "]
            .iter()
            .any(|start| input.starts_with(start));
        let line_end = memchr::memchr(b'\n', input);
        if is_list && line_end.is_none() && input.len() < KEPT_KEYS {
            return Ok(Step::NeedInput);
        }
        let shown = line_end.map_or(input.len(), |end| end + 1);
        let session = &mut self.connection.session;
        let progress = session.process(&input[..shown], &mut self.replies);
        self.connection.input.drain(..progress.consumed);
        self.connection.count(self.connection.session.begun());
        self.flush().await?;
        self.connection.follow(progress.next);
        let stuck = progress.consumed == 0 && progress.next == Next::NeedInput;
        Ok(if stuck { Step::NeedInput } else { Step::Done })
    }

    async fn attend_to(&mut self, request: Request) -> Result<(), Exit> {
        let connection = self.connection.number;
        self.connection.received += request.length as u64;
        let rules = if self.control.has_attention(Attention::Rules) {
            self.control.faults.for_request(&request.seen(connection))
        } else {
            Vec::new()
        };
        let mut struck = Vec::new();
        let mut instead = None;
        for active in &rules {
            if self.before(active, &request, &mut instead).await? {
                struck.push(active.id);
            }
        }
        if rules.is_empty() {
            // Nobody changes the reply: it need not be kept whole.
            let (mut reply, length) = self.feed(request.length, false).await?;
            self.replies.append(&mut reply);
            self.log(&request, length, struck);
            if self.replies.len() > OUTPUT_BUDGET {
                self.flush().await?;
            }
            return Ok(());
        }
        let replaced = instead.is_some();
        let mut reply = if let Some(answer) = instead {
            self.skip(request.length).await?;
            self.connection.count(1);
            answer
        } else {
            self.feed(request.length, true).await?.0
        };
        let length = reply.len();
        let kept = (!replaced && reply.len() <= KEPT_REPLY).then(|| reply.clone());

        let mut pieces = None;
        let mut ending = None;
        for active in &rules {
            let strikes = self
                .after(active, &request, &mut reply, &mut pieces, &mut ending)
                .await?;
            if strikes {
                struck.push(active.id);
            }
        }
        if let Some(kept) = kept.filter(|kept| !kept.is_empty()) {
            self.previous = kept;
        }
        self.log(&request, length, struck);
        self.deliver(&reply, pieces).await?;
        if let Some((ending, active)) = ending {
            self.flush().await?;
            self.end(ending, &active).await?;
        }
        self.control.attend_to_rules();
        Ok(())
    }

    async fn wait_for_thaw(&self) {
        if !self.connection.commands && self.control.has_attention(Attention::Frozen) {
            let mut gate = self.control.gate.subscribe();
            // The sender is the control's own.
            let _ = gate.wait_for(|gate| !gate.frozen).await;
        }
    }

    fn log(&self, request: &Request, reply_length: usize, faults: Vec<u64>) {
        if self.control.has_attention(Attention::Log) {
            self.control.log.push(LoggedRequest {
                connection: self.connection.number,
                request: request.number,
                command: request.command.clone(),
                key: String::from_utf8_lossy(&request.key).into_owned(),
                head: request.head.trim_ascii_end().to_vec(),
                length: request.length,
                reply_length,
                faults,
            });
        }
    }

    /// Carries out a line of the command `fault`.
    async fn command(&mut self, line: &[u8]) -> Result<(), Exit> {
        self.connection.commands = true;
        let control = Arc::clone(&self.control);
        let reply = match fault::Command::parse(line) {
            Err(mistake) => mistake,
            Ok(fault::Command::Disconnect) => {
                drop(control.order(Action::Disconnect));
                std::future::pending().await
            }
            Ok(fault::Command::Restart(down)) => {
                self.restart(down).await;
                String::new()
            }
            Ok(command) => fault::carry_out(command, &control).await,
        };
        self.replies.extend_from_slice(reply.as_bytes());
        Ok(())
    }
}
