//! A request in two wordings: the same but for cas ids, which each side numbers
//! on its own.

use crate::compare::Pairs;
use crate::dice::Dice;

/// One request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Command {
    pub(crate) ours: Vec<u8>,
    pub(crate) theirs: Vec<u8>,
    /// Keys whose items memcached holds until it has sent the reply.
    pub(crate) fetched: Vec<Vec<u8>>,
    /// The key of a number that is changed, in place if nobody holds the item.
    pub(crate) counted: Option<Vec<u8>>,
    /// Whether this goes without neighbours: because versions may differ on it,
    /// or because it leaves the stream of requests out of step for a while.
    pub(crate) alone: bool,
    /// Requests that make both sides equal again after a difference.
    pub(crate) cleanup: Vec<u8>,
}

impl Command {
    pub(crate) fn push(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.ours.extend_from_slice(bytes.as_ref());
        self.theirs.extend_from_slice(bytes.as_ref());
        self
    }

    /// Adds a cas id in digits: mostly one that the key has had, else any.
    pub(crate) fn push_cas(&mut self, cas: (u64, u64)) -> &mut Self {
        self.ours.extend_from_slice(cas.0.to_string().as_bytes());
        self.theirs.extend_from_slice(cas.1.to_string().as_bytes());
        self
    }

    /// Adds a cas id in eight bytes.
    pub(crate) fn push_binary_cas(&mut self, cas: (u64, u64)) -> &mut Self {
        self.ours.extend_from_slice(&cas.0.to_be_bytes());
        self.theirs.extend_from_slice(&cas.1.to_be_bytes());
        self
    }
}

/// Draws a cas id: one seen with `key`, or with another, or one that never was.
pub(crate) fn draw_cas(dice: &mut Dice, pairs: &Pairs, key: &[u8]) -> (u64, u64) {
    let seen = pairs.by_key.get(key);
    match (dice.below(8), seen) {
        (0..6, Some(pair)) => *pair,
        (6, _) => (0, 0),
        _ => pairs
            .by_key
            .values()
            .min()
            .copied()
            .unwrap_or((1 << 50, 1 << 50)),
    }
}

/// Keys in use: few, so that requests meet.
pub(crate) fn draw_key(dice: &mut Dice) -> Vec<u8> {
    match dice.below(20) {
        0 => vec![b'L'; 250],
        1 => b"ctl\x01\x7f\t".to_vec(),
        2 => "schl\u{fc}ssel".as_bytes().to_vec(),
        3 => b"noreply".to_vec(),
        number => format!("key{}", number % 9).into_bytes(),
    }
}

/// Exptimes that neither expire nor come close within a run, or have expired;
/// others only if time moves by hand.
pub(crate) fn draw_exptime(dice: &mut Dice) -> &'static str {
    if dice.time_is_ours && dice.once_in(2) {
        return dice.pick(&["1", "2", "3", "59", "60", "61", "100"]);
    }
    dice.pick(&[
        "0",
        "0",
        "0",
        "1000",
        "90000",
        "2592000",
        "-1",
        "2592001",
        "1000000",
        "2147483647",
    ])
}

/// Values without `M`, so that none looks like the mark that ends a batch.
pub(crate) fn draw_value(dice: &mut Dice) -> Vec<u8> {
    match dice.below(16) {
        0 => Vec::new(),
        1..=5 => dice.below(120).to_string().into_bytes(),
        6 => dice
            .pick(&[
                "18446744073709551615",
                "18446744073709551616",
                "99999999999999999999999",
                " 5",
                "7 ",
                "-1",
                "1.5",
                "000000000000000000000000000000000000001",
                "99",
                "+4",
                "10 x",
                "\t3",
            ])
            .as_bytes()
            .to_vec(),
        7 => b"a\r\nEND\r\nget key1\r\n".to_vec(),
        8 => vec![b'v'; dice.below(9000)],
        9 if dice.once_in(8) => vec![b'w'; 5000 + dice.below(60_000)],
        _ => {
            let mut value: Vec<u8> = (0..dice.below(60))
                .map(|_| b"abcdefghijk\0\n\xff 0123"[dice.below(18)])
                .collect();
            if !value.is_empty() && value.trim_ascii().is_empty() {
                // memcached reads a number of blanks alone from beyond its end.
                value.push(b'b');
            }
            value
        }
    }
}

/// Writes bytes so that they can be read.
pub(crate) fn show(bytes: &[u8]) -> String {
    const MOST: usize = 400;
    let shown = bytes[..bytes.len().min(MOST)].escape_ascii().to_string();
    if bytes.len() > MOST {
        format!("{shown}… ({} bytes)", bytes.len())
    } else {
        shown
    }
}
