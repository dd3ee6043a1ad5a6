//! Reading `serialize` data.
//!
//! Every value but an `R` has a number, in the order of writing, starting with 1;
//! `R` and `r` refer to one. A first pass finds the values that are referred to;
//! where there are any, a second one puts them aside as shared.

use std::collections::HashMap;

use super::{Custom, Flaw, Float, Key, Link, MAX_DEPTH, MAX_VALUES, Node, Shared, Tree};

type Result<T> = std::result::Result<T, Flaw>;

/// Reads exactly one value.
pub(super) fn tree(bytes: &[u8]) -> Result<Tree> {
    let (root, shared) = read(bytes, |reader| {
        let root = reader.value()?;
        reader.end()?;
        Ok(root)
    })?;
    Ok(Tree { root, shared })
}

/// Runs `build` once, and again if there are references.
pub(super) fn read<T>(
    bytes: &[u8],
    build: impl Fn(&mut Reader<'_>) -> Result<T>,
) -> Result<(T, Shared)> {
    let mut first = Reader::new(bytes);
    let built = build(&mut first)?;
    if first.targets.is_empty() {
        return Ok((built, Shared::default()));
    }
    let mut second = Reader::new(bytes);
    second.shared = vec![Node::Null; first.targets.len()];
    second.targets = first.targets;
    let built = build(&mut second)?;
    Ok((built, Shared(second.shared)))
}

/// A position in serialized data.
pub(super) struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    depth: usize,
    values: usize,
    /// The number of the last value.
    slot: usize,
    /// The numbers of values that are `r` themselves, and the value they mean.
    aliases: HashMap<usize, usize>,
    /// The number of the first object that serializes itself: from there on the
    /// numbers are not known.
    custom: Option<usize>,
    /// The numbers of values that are referred to, and their place in `shared`.
    targets: HashMap<usize, usize>,
    /// Whether the value of this number is an object; asked for by `r`.
    objects: Vec<usize>,
    shared: Vec<Node>,
}

impl<'b> Reader<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            depth: 0,
            values: 0,
            slot: 0,
            aliases: HashMap::new(),
            custom: None,
            targets: HashMap::new(),
            objects: Vec::new(),
            shared: Vec::new(),
        }
    }

    /// Checks that nothing follows.
    pub(super) fn end(&self) -> Result<()> {
        if self.at < self.bytes.len() {
            return Err(self.flaw("more bytes after the value"));
        }
        Ok(())
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Takes the bytes up to `stop`, and `stop`.
    pub(super) fn until(&mut self, stop: u8, missing: &'static str) -> Result<&'b [u8]> {
        let rest = &self.bytes[self.at..];
        let Some(length) = memchr::memchr(stop, rest) else {
            return Err(self.flaw(missing));
        };
        self.at += length + 1;
        Ok(&rest[..length])
    }

    /// Takes `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'b [u8]> {
        let Some(bytes) = self.bytes[self.at..].get(..length) else {
            return Err(self.flaw("the data ends too early"));
        };
        self.at += length;
        Ok(bytes)
    }

    /// Takes one value.
    pub(super) fn value(&mut self) -> Result<Node> {
        let start = self.at;
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.flaw("more values than the limit"));
        }
        let kind = self.take(2)?;
        if kind == b"R:" {
            let target = self.target(start)?;
            return Ok(self.link(target, true));
        }
        self.slot += 1;
        let slot = self.slot;
        let node = match kind {
            b"N;" => Node::Null,
            b"b:" => match self.take(2)? {
                b"0;" => Node::Bool(false),
                b"1;" => Node::Bool(true),
                _ => return Err(flaw(start, "no truth value")),
            },
            b"i:" => Node::Int(self.integer()?),
            b"d:" => Node::Float(self.float()?),
            b"s:" => {
                let string = self.string()?.to_vec();
                self.expect(b";")?;
                Node::String(string)
            }
            b"a:" => Node::Array(self.entries()?),
            b"O:" => {
                self.objects.push(slot);
                let class = self.string()?.to_vec();
                self.expect(b":")?;
                Node::Object {
                    class,
                    properties: self.entries()?,
                }
            }
            b"E:" => {
                self.objects.push(slot);
                let case = self.string()?.to_vec();
                self.expect(b";")?;
                Node::Enum(case)
            }
            b"C:" => {
                self.objects.push(slot);
                self.custom.get_or_insert(slot);
                Node::Custom(self.custom(slot)?)
            }
            b"r:" => {
                let target = self.target(start)?;
                if self.objects.binary_search(&target).is_err() {
                    return Err(flaw(start, "a reference to what is no object"));
                }
                self.aliases.insert(slot, target);
                return Ok(self.link(target, false));
            }
            _ => return Err(flaw(start, "no serialized value")),
        };
        let Some(&index) = self.targets.get(&slot) else {
            return Ok(node);
        };
        match self.shared.get_mut(index) {
            Some(shared) => {
                *shared = node;
                Ok(self.link(slot, true))
            }
            // The first pass only counts.
            None => Ok(node),
        }
    }

    fn link(&self, target: usize, by_reference: bool) -> Node {
        Node::Shared(Link {
            index: self.targets.get(&target).copied().unwrap_or_default(),
            by_reference,
        })
    }

    /// Takes the rest of a reference and remembers its target.
    fn target(&mut self, start: usize) -> Result<usize> {
        let digits = self.until(b';', "a reference without an end")?;
        let target = parse::<usize>(digits).filter(|target| (1..=self.slot).contains(target));
        let Some(target) = target else {
            return Err(flaw(start, "a reference to a value that is not there"));
        };
        let target = self.aliases.get(&target).copied().unwrap_or(target);
        if self.custom.is_some_and(|custom| target > custom) {
            return Err(flaw(
                start,
                "a reference past an object that serializes itself",
            ));
        }
        let next = self.targets.len();
        self.targets.entry(target).or_insert(next);
        Ok(target)
    }

    /// Takes `count:{key value …}`.
    fn entries(&mut self) -> Result<Vec<(Key, Node)>> {
        let start = self.at;
        let count = self.until(b':', "an array without a length")?;
        let Some(count) = parse::<usize>(count) else {
            return Err(flaw(start, "an array without a length"));
        };
        self.expect(b"{")?;
        if self.depth == MAX_DEPTH {
            return Err(flaw(start, "arrays and objects are nested too deeply"));
        }
        self.depth += 1;
        // The length is only believed as far as there are entries.
        let mut entries = Vec::new();
        for _ in 0..count {
            let key = self.key()?;
            entries.push((key, self.value()?));
        }
        self.depth -= 1;
        self.expect(b"}")?;
        Ok(entries)
    }

    fn key(&mut self) -> Result<Key> {
        let start = self.at;
        match self.take(2)? {
            b"i:" => self.integer().map(Key::Int),
            b"s:" => {
                let string = self.string()?.to_vec();
                self.expect(b";")?;
                Ok(Key::String(string))
            }
            _ => Err(flaw(start, "no key")),
        }
    }

    fn integer(&mut self) -> Result<i64> {
        let start = self.at;
        let digits = self.until(b';', "an integer without an end")?;
        parse(digits).ok_or_else(|| flaw(start, "no integer of 64 bits"))
    }

    fn float(&mut self) -> Result<Float> {
        let start = self.at;
        let digits = self.until(b';', "a float without an end")?;
        let value = match digits {
            b"NAN" => Some(f64::NAN),
            b"INF" => Some(f64::INFINITY),
            b"-INF" => Some(f64::NEG_INFINITY),
            digits
                if digits
                    .iter()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) =>
            {
                parse(digits)
            }
            _ => None,
        };
        match (value, std::str::from_utf8(digits)) {
            (Some(value), Ok(text)) => Ok(Float {
                text: text.to_owned(),
                value,
            }),
            _ => Err(flaw(start, "no float")),
        }
    }

    /// Takes `length:"…"`.
    fn string(&mut self) -> Result<&'b [u8]> {
        let length = self.length()?;
        self.expect(b"\"")?;
        let string = self.take(length)?;
        self.expect(b"\"")?;
        Ok(string)
    }

    fn custom(&mut self, slot: usize) -> Result<Custom> {
        let class = self.string()?.to_vec();
        self.expect(b":")?;
        let length = self.length()?;
        self.expect(b"{")?;
        let payload = self.take(length)?.to_vec();
        self.expect(b"}")?;
        Ok(Custom {
            class,
            payload,
            slot,
        })
    }

    fn length(&mut self) -> Result<usize> {
        let start = self.at;
        let digits = self.until(b':', "a string without a length")?;
        parse(digits).ok_or_else(|| flaw(start, "a string without a length"))
    }

    fn expect(&mut self, bytes: &'static [u8]) -> Result<()> {
        if self.take(bytes.len())? != bytes {
            return Err(flaw(self.at - bytes.len(), "a delimiter is missing"));
        }
        Ok(())
    }

    fn flaw(&self, rule: &'static str) -> Flaw {
        flaw(self.at, rule)
    }
}

const fn flaw(at: usize, rule: &'static str) -> Flaw {
    Flaw { at, rule }
}

fn parse<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
