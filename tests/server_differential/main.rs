//! The server's sessions against real memcached: the same random requests, cut
//! anywhere, over several connections, must get the same bytes.
//!
//! `MEMOXIDE_FUZZ_COMMANDS` sets how many requests are made (100,000 if not
//! given), `MEMOXIDE_FUZZ_SEED` with which dice, `MEMOXIDE_MEMCACHED` against
//! which program; with `MEMOXIDE_FUZZ_COLLECT` differences are listed, for a
//! review of the table, before the test fails. A debug build of memcached, whose
//! clock can be moved, is also asked what depends on time. Cas ids are paired up, ticks of the clock are allowed for, and
//! differences between versions are listed in `vectors/version_differences.json`.

mod binary;
mod command;
mod compare;
mod dice;
mod meta;
mod peer;
mod text;
mod versions;

use std::collections::HashSet;
use std::sync::Arc;

use memoxide::server::{Clock, Settings, Shared};

use self::command::{Command, show};
use self::compare::Pairs;
use self::dice::Dice;
use self::peer::{Answer, Memcached, Ours, Theirs};
use self::versions::Versions;

/// Connections that take turns: most speak text, the last ones binary.
const CONNECTIONS: usize = 5;
const BINARY: usize = 2;
/// Statistics that must be the same in the end, if the versions are. Those of
/// present and expired items are not among them: memcached removes some of what
/// has expired whenever it needs a slot.
const COUNTED: [&str; 20] = [
    "cmd_get",
    "cmd_set",
    "cmd_flush",
    "cmd_touch",
    "cmd_meta",
    "get_hits",
    "get_misses",
    "delete_misses",
    "delete_hits",
    "incr_misses",
    "incr_hits",
    "decr_misses",
    "decr_hits",
    "cas_misses",
    "cas_hits",
    "cas_badval",
    "touch_hits",
    "touch_misses",
    "store_too_large",
    "total_items",
];
const TEXT_END: &[u8] = b"mn\r\n";
const TEXT_END_REPLY: &[u8] = b"MN\r\n";
/// How often the end of a batch is sent again when a data block ate it.
const RETRIES: usize = 6;

/// One connection on both sides.
struct Line {
    binary: bool,
    ours: Ours,
    theirs: Theirs,
}

/// Everything of one run.
struct Run {
    memcached: Memcached,
    shared: Arc<Shared>,
    lines: Vec<Line>,
    dice: Dice,
    pairs: Pairs,
    versions: Versions,
    opened: u64,
    /// Seconds of the last move of a debug build's clock.
    moved: i64,
    /// Whether differences are collected rather than fatal.
    collect: bool,
    unexplained: usize,
}

impl Run {
    fn new(memcached: Memcached, seed: u64) -> Self {
        let settings = Settings {
            lru_crawler: false,
            lru_maintainer: false,
            version: memcached.version.clone().into(),
            ..Settings::default()
        };
        let stopped = memcached.stop_clock();
        let clock = stopped.map_or_else(Clock::real, Clock::virtual_at);
        let mut dice = Dice::new(seed);
        dice.time_is_ours = stopped.is_some();
        let mut run = Self {
            versions: Versions::of(&memcached.version),
            shared: Shared::new(settings, clock),
            memcached,
            lines: Vec::new(),
            dice,
            moved: 0,
            pairs: Pairs::default(),
            opened: 0,
            collect: std::env::var_os("MEMOXIDE_FUZZ_COLLECT").is_some(),
            unexplained: 0,
        };
        for number in 0..CONNECTIONS {
            let line = run.open(number >= CONNECTIONS - BINARY);
            run.lines.push(line);
        }
        run
    }

    fn open(&mut self, binary: bool) -> Line {
        self.opened += 1;
        Line {
            binary,
            ours: Ours::new(&self.shared, self.opened),
            theirs: self.memcached.connect(),
        }
    }

    /// Draws a batch of requests that may stand together.
    fn draw(&mut self, binary: bool) -> Vec<Command> {
        let mut batch = Vec::new();
        let mut held = HashSet::new();
        for _ in 0..1 + self.dice.below(8) {
            let command = if binary {
                binary::draw(&mut self.dice, &self.pairs)
            } else {
                text::draw(&mut self.dice, &self.pairs)
            };
            // Others than ours may misread a number; see the table.
            let alone = command.alone || command.counted.is_some() && !self.versions.are_ours();
            if alone {
                if batch.is_empty() {
                    batch.push(command);
                }
                break;
            }
            // memcached changes a number in place only while nobody holds the
            // item; whether it does is seen in padding.
            if command
                .counted
                .as_ref()
                .is_some_and(|key| held.contains(key))
            {
                break;
            }
            held.extend(command.fetched.iter().cloned());
            batch.push(command);
        }
        batch
    }

    /// Moves the time on both sides. A debug build adds all moves that it was
    /// ever told, so the difference to the last one is sent.
    fn move_clocks(&mut self) {
        let seconds = [1, 1, 2, 30, 59, 61, 2000][self.dice.below(7)];
        let mut line = self.memcached.connect();
        line.send(format!("debugtime {}\r\n", seconds - self.moved).as_bytes());
        let answer = line.read(|bytes| bytes.ends_with(b"\r\n"), false);
        assert_eq!(answer.bytes, b"OK\r\n");
        self.moved = seconds;
        self.shared.clock().shift(seconds);
    }

    /// Compares what both sides have counted.
    fn compare_statistics(&self) {
        let theirs = self.memcached.statistics();
        for (name, ours) in self.shared.statistics("") {
            if COUNTED.contains(&&*name) {
                assert_eq!(Some(&ours), theirs.get(&name), "{name}");
            }
        }
    }

    /// Makes one batch of requests on both sides; returns how many.
    fn step(&mut self) -> usize {
        if self.dice.time_is_ours && self.dice.once_in(20) {
            self.move_clocks();
        }
        let number = self.dice.below(self.lines.len());
        let binary = self.lines[number].binary;
        let batch = self.draw(binary);
        let (ours, theirs) = self.exchange(number, &batch);
        let agree =
            ours.closed == theirs.closed && self.pairs.agree(binary, &ours.bytes, &theirs.bytes);
        if !agree {
            self.settle(number, &batch, &ours, &theirs);
        }
        if ours.closed || theirs.closed {
            self.lines[number] = self.open(binary);
        }
        if !agree || (batch[0].alone && !self.versions.are_ours()) {
            // Versions that agree in their answer may differ in what they did.
            self.clean_up(number, &batch);
        }
        batch.len()
    }

    /// Sends a batch to both sides and reads both answers up to the end mark.
    fn exchange(&mut self, number: usize, batch: &[Command]) -> (Answer, Answer) {
        let line = &mut self.lines[number];
        let mut to_ours: Vec<u8> = batch
            .iter()
            .flat_map(|command| command.ours.clone())
            .collect();
        let mut to_theirs: Vec<u8> = batch
            .iter()
            .flat_map(|command| command.theirs.clone())
            .collect();
        let mut ours = Answer {
            bytes: Vec::new(),
            closed: false,
        };
        for _ in 0..RETRIES {
            let end = if line.binary {
                binary::end().ours
            } else {
                TEXT_END.to_vec()
            };
            to_ours.extend_from_slice(&end);
            to_theirs.extend_from_slice(&end);
            for slice in cut(&mut self.dice, &to_ours) {
                let answer = line.ours.send(slice);
                ours.bytes.extend_from_slice(&answer.bytes);
                ours.closed |= answer.closed;
            }
            for slice in cut(&mut self.dice, &to_theirs) {
                line.theirs.send(slice);
            }
            if ours.closed || has_ended(line.binary, &ours.bytes) {
                break;
            }
            to_ours.clear();
            to_theirs.clear();
        }
        let (binary, marks) = (line.binary, marks(&ours.bytes));
        let done = |bytes: &[u8]| {
            if binary {
                binary::has_ended(bytes)
            } else {
                marks_at_least(bytes, marks)
            }
        };
        let theirs = line.theirs.read(done, ours.closed);
        (ours, theirs)
    }

    /// Lets a difference pass if the table has it.
    fn settle(&mut self, number: usize, batch: &[Command], ours: &Answer, theirs: &Answer) {
        let known = batch.len() == 1
            && ours.closed == theirs.closed
            && self
                .versions
                .explain(&batch[0].ours, &theirs.bytes, &ours.bytes);
        if !known {
            let requests: Vec<_> = batch.iter().map(|command| show(&command.ours)).collect();
            let surplus = self.lines[number].theirs.read_surplus();
            let report = format!(
                "answers differ from memcached {}\nrequests: {requests:#?}\n\
                 theirs (closed: {}): {} {}\nours (closed: {}): {}",
                self.memcached.version,
                theirs.closed,
                show(&theirs.bytes),
                show(&surplus),
                ours.closed,
                show(&ours.bytes),
            );
            assert!(self.collect, "{report}");
            eprintln!("{report}");
            self.unexplained += 1;
        }
    }

    /// Makes the items that a batch was about equal on both sides.
    fn clean_up(&mut self, number: usize, batch: &[Command]) {
        let cleanup: Vec<u8> = batch
            .iter()
            .flat_map(|command| command.cleanup.clone())
            .collect();
        let cleanup = Command {
            ours: cleanup.clone(),
            theirs: cleanup,
            ..Command::default()
        };
        self.exchange(number, &[cleanup]);
    }
}

/// Cuts bytes at random places, mostly at none.
fn cut<'a>(dice: &mut Dice, mut bytes: &'a [u8]) -> Vec<&'a [u8]> {
    let mut slices = Vec::new();
    if dice.once_in(3) {
        for _ in 0..dice.below(6) {
            let (slice, rest) = bytes.split_at(dice.below(bytes.len().min(400) + 1));
            slices.push(slice);
            bytes = rest;
        }
    }
    slices.push(bytes);
    slices
}

fn has_ended(binary: bool, bytes: &[u8]) -> bool {
    if binary {
        binary::has_ended(bytes)
    } else {
        bytes.ends_with(TEXT_END_REPLY)
    }
}

/// Counts end marks; values hold none.
fn marks(bytes: &[u8]) -> usize {
    bytes
        .windows(TEXT_END_REPLY.len())
        .filter(|part| *part == TEXT_END_REPLY)
        .count()
}

fn marks_at_least(bytes: &[u8], count: usize) -> bool {
    bytes.ends_with(TEXT_END_REPLY) && marks(bytes) >= count
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number"))
    })
}

#[test]
fn random_requests_are_answered_as_by_memcached() {
    let memcached = match Memcached::start() {
        Ok(memcached) => memcached,
        Err(reason) if std::env::var_os("CI").is_some() => panic!("{reason}"),
        Err(reason) => {
            eprintln!("skipped: {reason}");
            return;
        }
    };
    if Versions::is_unknown(&memcached.version) {
        eprintln!("skipped: no table for memcached {}", memcached.version);
        return;
    }
    let wanted = from_environment("MEMOXIDE_FUZZ_COMMANDS", 100_000) as usize;
    let seed = from_environment("MEMOXIDE_FUZZ_SEED", 4);
    eprintln!(
        "memcached {}, {wanted} requests, seed {seed}",
        memcached.version
    );
    let mut run = Run::new(memcached, seed);
    let mut made = 0;
    while made < wanted {
        made += run.step();
    }
    eprintln!("{}", run.versions.summary());
    if run.versions.are_ours() {
        run.compare_statistics();
    }
    assert_eq!(run.unexplained, 0, "differences are listed above");
}
