//! When a fault strikes, and how rules are written.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::action::{Fault, Stage};
use super::{preset, toxic};
use crate::{Error, ErrorKind, Result};

/// A fault and the conditions under which it strikes.
///
/// Without conditions it strikes always. The JSON form, the same in every
/// language and in the `fault add` command, is one flat object:
///
/// ```
/// use std::time::Duration;
/// use memoxide::server::fault::{Fault, Moment, Rule};
///
/// let json = r#"{"action": "delay", "seconds": 0.2, "command": "get", "key": "user:*", "times": 3}"#;
/// let delay = Fault::Delay {
///     seconds: Duration::from_millis(200),
///     jitter: Duration::ZERO,
///     when: Moment::Before,
/// };
/// let rule = Rule::new(delay).command("get").key("user:*").times(3);
/// assert_eq!(Rule::parse(json)?, [rule]);
/// # Ok::<(), memoxide::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    #[serde(flatten)]
    pub(super) when: When,
    #[serde(flatten)]
    pub(super) fault: Fault,
}

/// The conditions of a rule; all must hold.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(super) struct When {
    /// A name for people.
    pub(super) name: Option<String>,
    /// Which connections, counted from 1 as the server accepts them.
    pub(super) connection: Option<Numbers>,
    /// Which requests of a connection, counted from 1.
    pub(super) request: Option<Numbers>,
    /// Which commands, in the text protocol's words.
    pub(super) command: Option<Words>,
    /// Which keys: `*` stands for any characters, `?` for one.
    pub(super) key: Option<String>,
    /// How likely it strikes, from 0 to 1.
    pub(super) probability: Option<f64>,
    /// Where its dice start; the same seed gives the same strikes.
    pub(super) seed: u64,
    /// How often it lets a match pass first.
    pub(super) skip: u64,
    /// How often it strikes at most.
    pub(super) times: Option<u64>,
}

/// A choice of numbers.
///
/// In JSON `3`, `[1, 3]`, `{"from": 2, "to": 5}` (either may be missing) or
/// `{"every": 3}` for 3, 6, 9 and so on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Numbers {
    /// One number.
    One(u64),
    /// Any of these.
    Any(Vec<u64>),
    /// Multiples.
    Every {
        /// Of this number.
        every: u64,
    },
    /// A range, both ends included.
    Range {
        /// The first; by default 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<u64>,
        /// The last; by default without end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<u64>,
    },
}

impl Numbers {
    /// Whether `number` is one of them.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        match self {
            Self::One(one) => number == *one,
            Self::Any(list) => list.contains(&number),
            Self::Every { every } => number > 0 && number.is_multiple_of(*every),
            Self::Range { from, to } => {
                from.is_none_or(|from| number >= from) && to.is_none_or(|to| number <= to)
            }
        }
    }
}

impl From<u64> for Numbers {
    fn from(number: u64) -> Self {
        Self::One(number)
    }
}

impl From<std::ops::RangeInclusive<u64>> for Numbers {
    fn from(range: std::ops::RangeInclusive<u64>) -> Self {
        let (from, to) = range.into_inner();
        Self::Range {
            from: Some(from),
            to: Some(to),
        }
    }
}

impl From<std::ops::RangeFrom<u64>> for Numbers {
    fn from(range: std::ops::RangeFrom<u64>) -> Self {
        Self::Range {
            from: Some(range.start),
            to: None,
        }
    }
}

/// One word or several.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Words {
    One(String),
    Any(Vec<String>),
}

impl Words {
    fn contains(&self, word: &str) -> bool {
        match self {
            Self::One(one) => one == word,
            Self::Any(list) => list.iter().any(|one| one == word),
        }
    }
}

impl Rule {
    /// Creates a rule that strikes always.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self {
            when: When::default(),
            fault,
        }
    }

    /// Reads rules from JSON: an object, an array of objects, the name of a
    /// preset, or a toxic in toxiproxy's form. The name may be without its
    /// quotes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it is no JSON, for unknown names and fields, and
    /// for values out of range.
    pub fn parse(json: &str) -> Result<Vec<Self>> {
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-';
        if !json.is_empty() && json.bytes().all(is_word) {
            return preset::named(json);
        }
        let value = serde_json::from_str(json)
            .map_err(|error| refuse(format!("not a fault rule: {error}")))?;
        let mut rules = Vec::new();
        read(value, &mut rules)?;
        Ok(rules)
    }

    /// Names the rule.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.when.name = Some(name.into());
        self
    }

    /// Strikes only on these connections, counted from 1 as they are accepted.
    #[must_use]
    pub fn connection(mut self, numbers: impl Into<Numbers>) -> Self {
        self.when.connection = Some(numbers.into());
        self
    }

    /// Strikes only on these requests of a connection, counted from 1.
    #[must_use]
    pub fn request(mut self, numbers: impl Into<Numbers>) -> Self {
        self.when.request = Some(numbers.into());
        self
    }

    /// Strikes only on this command, in the text protocol's words (also for
    /// binary requests); called again, on that one too.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        let command = command.into();
        self.when.command = Some(match self.when.command.take() {
            None => Words::One(command),
            Some(Words::One(one)) => Words::Any(vec![one, command]),
            Some(Words::Any(mut list)) => {
                list.push(command);
                Words::Any(list)
            }
        });
        self
    }

    /// Strikes only on requests with a key like this; `*` stands for any
    /// characters and `?` for one.
    #[must_use]
    pub fn key(mut self, pattern: impl Into<String>) -> Self {
        self.when.key = Some(pattern.into());
        self
    }

    /// Strikes with this probability, from 0 to 1, by dice that start at `seed`.
    #[must_use]
    pub fn probability(mut self, probability: f64, seed: u64) -> Self {
        self.when.probability = Some(probability);
        self.when.seed = seed;
        self
    }

    /// Lets so many matches pass first.
    #[must_use]
    pub fn skip(mut self, matches: u64) -> Self {
        self.when.skip = matches;
        self
    }

    /// Strikes so often at most.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.when.times = Some(times);
        self
    }

    /// Returns what the rule does.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// Returns the rule as a JSON object with every field that has a value.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut fields = self.to_map();
        fields.retain(|name, value| {
            !value.is_null() && !((name == "seed" || name == "skip") && *value == 0)
        });
        Value::Object(fields).to_string()
    }

    fn to_map(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => unreachable!("a rule is a plain object"),
        }
    }

    /// Checks what the types cannot.
    pub(super) fn check(&self) -> Result<()> {
        let when = &self.when;
        if let Some(probability) = when.probability
            && !(0.0..=1.0).contains(&probability)
        {
            return Err(refuse("probability is not between 0 and 1"));
        }
        if matches!(
            (&when.connection, &when.request),
            (Some(Numbers::Every { every: 0 }), _) | (_, Some(Numbers::Every { every: 0 }))
        ) {
            return Err(refuse("every is 0"));
        }
        let of_requests = [
            ("request", when.request.is_some()),
            ("command", when.command.is_some()),
            ("key", when.key.is_some()),
        ];
        let of_strikes = [
            ("probability", when.probability.is_some()),
            ("skip", when.skip > 0),
            ("times", when.times.is_some()),
        ];
        let meaningless = match self.fault.stage() {
            Stage::Request => &[][..],
            // A strike of these is a state, not an event.
            Stage::Listen => &[of_requests, of_strikes].concat(),
            _ => &of_requests,
        };
        if let Some((condition, _)) = meaningless.iter().find(|(_, given)| *given) {
            let name = self.fault.name();
            return Err(refuse(format!("{condition} means nothing to {name}")));
        }
        let positive = match &self.fault {
            Fault::Bandwidth {
                bytes_per_second, ..
            } => *bytes_per_second > 0,
            Fault::Drip { bytes, .. } => *bytes > 0,
            Fault::Slice {
                average, variation, ..
            } => *average > *variation,
            _ => true,
        };
        if !positive {
            let name = self.fault.name();
            return Err(refuse(format!("{name} sends pieces of no bytes")));
        }
        Ok(())
    }
}

impl When {
    /// Whether the rule can apply to a connection at all.
    pub(super) fn takes_connection(&self, connection: u64) -> bool {
        self.connection
            .as_ref()
            .is_none_or(|numbers| numbers.contains(connection))
    }

    /// Whether everything but the dice and the counts fits a request.
    pub(super) fn takes_request(&self, request: &super::Seen<'_>) -> bool {
        self.takes_connection(request.connection)
            && self
                .request
                .as_ref()
                .is_none_or(|numbers| numbers.contains(request.number))
            && self
                .command
                .as_ref()
                .is_none_or(|commands| commands.contains(request.command))
            && self.key.as_ref().is_none_or(|pattern| {
                let pattern = pattern.as_bytes();
                request.keys().any(|key| fits(pattern, key))
            })
    }
}

fn read(value: Value, rules: &mut Vec<Rule>) -> Result<()> {
    match value {
        Value::String(name) => rules.extend(preset::named(&name)?),
        Value::Array(list) => {
            for value in list {
                read(value, rules)?;
            }
        }
        Value::Object(fields) if fields.contains_key("type") => rules.push(toxic::read(fields)?),
        Value::Object(fields) => rules.push(read_rule(fields)?),
        _ => return Err(refuse("a fault rule is an object, a list, or a name")),
    }
    Ok(())
}

fn read_rule(mut fields: Map<String, Value>) -> Result<Rule> {
    let names: Vec<String> = fields.keys().cloned().collect();
    let mut when = Map::new();
    for name in WHEN {
        // A name of the fault itself may not be one of these.
        if let Some(value) = fields.remove(name) {
            when.insert(name.to_owned(), value);
        }
    }
    if !fields.contains_key("action") {
        return Err(refuse("a fault rule needs an action"));
    }
    let wrong = |error: serde_json::Error| refuse(format!("not a fault rule: {error}"));
    let rule = Rule {
        when: serde_json::from_value(Value::Object(when)).map_err(wrong)?,
        fault: serde_json::from_value(Value::Object(fields)).map_err(wrong)?,
    };
    // A field that the rule would not write back is one it does not know:
    // ignored, a misspelt condition would strike everywhere.
    let known = rule.to_map();
    if let Some(name) = names.iter().find(|name| !known.contains_key(*name)) {
        let action = rule.fault.name();
        return Err(refuse(format!("{action} has no field {name:?}")));
    }
    rule.check()?;
    Ok(rule)
}

/// Whether `text` is like `pattern`, in time proportional to both.
pub(super) fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                // The last star takes one more.
                Some((star, taken)) => {
                    retry = Some((star, taken + 1));
                    p = star + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

pub(super) fn refuse(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Config, message)
}

/// The fields of [`When`].
pub(super) const WHEN: [&str; 9] = [
    "command",
    "connection",
    "key",
    "name",
    "probability",
    "request",
    "seed",
    "skip",
    "times",
];

/// For rules made in code: a fixed pause.
pub(super) fn pause(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[cfg(test)]
mod tests;
