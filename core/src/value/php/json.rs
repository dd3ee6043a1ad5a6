//! PHP data as JSON, and JSON as PHP data.

use super::super::json::{self, Integers, Rules};
use super::write::refusal;
use super::{Key, MAX_DEPTH, MAX_VALUES, Node, Shared};
use crate::error::Result;

/// What becomes of objects in JSON.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Objects {
    /// They become maps of their public properties, for looking at. The class is
    /// lost, so such JSON should not be written back.
    Properties,
    /// They are an error.
    Refuse,
}

/// The most bytes of JSON that one tree is written as. Shared values are written
/// wherever they occur, so a small tree can be a large text.
const MAX_LENGTH: usize = 64 << 20;

/// Writes `node` as JSON.
pub(super) fn write(
    node: &Node,
    shared: &Shared,
    objects: Objects,
) -> Result<String, &'static str> {
    let mut writer = Writer {
        out: String::new(),
        shared,
        objects,
        depth: 0,
        values: 0,
    };
    writer.value(node)?;
    Ok(writer.out)
}

struct Writer<'t> {
    out: String,
    shared: &'t Shared,
    objects: Objects,
    depth: usize,
    values: usize,
}

impl Writer<'_> {
    fn value(&mut self, node: &Node) -> Result<(), &'static str> {
        self.values += 1;
        if self.values > MAX_VALUES || self.out.len() > MAX_LENGTH {
            return Err("it repeats shared values too often");
        }
        match self.shared.resolve(node) {
            Node::Array(entries) => self.array(entries),
            Node::Bool(true) => self.word("true"),
            Node::Bool(false) => self.word("false"),
            Node::Float(float) if float.value.is_finite() => {
                self.word(&format!("{:?}", float.value))
            }
            Node::Float(_) => Err("it has a number that is not finite"),
            Node::Int(number) => self.word(itoa::Buffer::new().format(*number)),
            Node::Null => self.word("null"),
            Node::Object { properties, .. } if self.objects == Objects::Properties => {
                self.map(properties, true)
            }
            Node::Enum(case) if self.objects == Objects::Properties => self.string(case),
            Node::Custom(_) | Node::Enum(_) | Node::Object { .. } => Err("it has an object"),
            Node::Shared(_) => Err("it has a shared value of another tree"),
            Node::String(bytes) => self.string(bytes),
        }
    }

    fn array(&mut self, entries: &[(Key, Node)]) -> Result<(), &'static str> {
        let is_list = entries
            .iter()
            .zip(0..)
            .all(|((key, _), index)| *key == Key::Int(index));
        if !is_list {
            return self.map(entries, false);
        }
        self.open('[')?;
        for (index, (_, node)) in entries.iter().enumerate() {
            self.comma(index);
            self.value(node)?;
        }
        self.close(']');
        Ok(())
    }

    fn map(&mut self, entries: &[(Key, Node)], public: bool) -> Result<(), &'static str> {
        self.open('{')?;
        let mut index = 0;
        for (key, node) in entries {
            // The names of other properties start with NUL.
            if public && matches!(key, Key::String(name) if name.first() == Some(&0)) {
                continue;
            }
            self.comma(index);
            index += 1;
            match key {
                Key::Int(number) => self.string(itoa::Buffer::new().format(*number).as_bytes())?,
                Key::String(name) => self.string(name)?,
            }
            self.out.push(':');
            self.value(node)?;
        }
        self.close('}');
        Ok(())
    }

    fn open(&mut self, bracket: char) -> Result<(), &'static str> {
        if self.depth == MAX_DEPTH {
            return Err("it is nested too deeply, or contains itself");
        }
        self.depth += 1;
        self.out.push(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: char) {
        self.depth -= 1;
        self.out.push(bracket);
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.out.push(',');
        }
    }

    fn string(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it has bytes that are not UTF-8")?;
        self.out.push_str(&json::quote(text));
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), &'static str> {
        self.out.push_str(word);
        Ok(())
    }
}

/// Builds a value from JSON.
pub(super) fn read(text: &str) -> Result<Node> {
    let rules = Rules {
        integers: Integers::Signed64,
        ..Rules::STRICT
    };
    json::scan(text, rules).map_err(json::refused)?;
    let mut reader = Reader { text, at: 0 };
    reader.value()
}

/// A position in JSON text that has been checked; what is not JSON cannot occur.
struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Node> {
        Ok(match self.next() {
            b'[' => self.list()?,
            b'{' => self.map()?,
            b'"' => Node::String(self.string()?.into_bytes()),
            b't' => self.word(4, Node::Bool(true)),
            b'f' => self.word(5, Node::Bool(false)),
            b'n' => self.word(4, Node::Null),
            _ => self.number()?,
        })
    }

    fn list(&mut self) -> Result<Node> {
        let mut entries = Vec::new();
        self.at += 1;
        while self.next() != b']' {
            entries.push((Key::Int(entries.len() as i64), self.value()?));
            self.skip_comma();
        }
        self.at += 1;
        Ok(Node::Array(entries))
    }

    fn map(&mut self) -> Result<Node> {
        let mut entries = Vec::new();
        self.at += 1;
        while self.next() != b'}' {
            let key = Key::from(self.string()?.as_str());
            self.next();
            self.at += 1;
            entries.push((key, self.value()?));
            self.skip_comma();
        }
        self.at += 1;
        Ok(Node::Array(entries))
    }

    fn string(&mut self) -> Result<String> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b'\\') => self.at += 2,
                Some(b'"') | None => break,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        json::unquote(self.text.get(start..self.at).unwrap_or_default())
    }

    fn number(&mut self) -> Result<Node> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest
            .find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
            .unwrap_or(rest.len());
        let number = &rest[..end];
        self.at += end;
        if number.contains(['.', 'e', 'E']) || number == "-0" {
            return json::float(number).map(|number| Node::Float(number.into()));
        }
        number
            .parse()
            .map(Node::Int)
            .map_err(|_| refusal("an integer is beyond 64 bits"))
    }

    fn word(&mut self, length: usize, node: Node) -> Node {
        self.at += length;
        node
    }

    fn skip_comma(&mut self) {
        if self.next() == b',' {
            self.at += 1;
        }
    }

    /// Skips space; returns the byte behind it.
    fn next(&mut self) -> u8 {
        while matches!(
            self.text.as_bytes().get(self.at),
            Some(b' ' | b'\t' | b'\n' | b'\r')
        ) {
            self.at += 1;
        }
        self.text
            .as_bytes()
            .get(self.at)
            .copied()
            .unwrap_or_default()
    }
}
