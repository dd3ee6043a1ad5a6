//! The payloads of PHP sessions.
//!
//! | `session.serialize_handler` | payload |
//! |---|---|
//! | `php` | per variable its name, `\|`, the value |
//! | `php_binary` | per variable one byte with the length of the name, the name, the value |
//! | `php_serialize` | one array |
//!
//! References count through the whole session: from 1 for the value of the first
//! variable, or for the array itself in `php_serialize`.

use std::borrow::Cow;

use bytes::Bytes;

use super::read::{Reader, read};
use super::write::{Writer, refusal};
use super::{Flaw, Key, Node, Objects, Shared, Tree, json, no_json};
use crate::error::{Error, ErrorKind, Result};

/// A setting of PHP's `session.serialize_handler`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum SessionFormat {
    /// `php`, PHP's default. A name cannot hold a `|`.
    #[default]
    Php,
    /// `php_binary`. A name has at most 127 bytes.
    PhpBinary,
    /// `php_serialize`.
    PhpSerialize,
}

impl SessionFormat {
    /// Every format, in the order of this enum.
    pub const ALL: [Self; 3] = [Self::Php, Self::PhpBinary, Self::PhpSerialize];

    /// Returns PHP's name of the setting.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Php => "php",
            Self::PhpBinary => "php_binary",
            Self::PhpSerialize => "php_serialize",
        }
    }

    /// Returns the format of this name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] for `igbinary` and `msgpack`,
    /// [`ErrorKind::Config`] for any other name.
    pub fn by_name(name: &str) -> Result<Self> {
        if let Some(format) = Self::ALL.into_iter().find(|format| format.name() == name) {
            return Ok(format);
        }
        Err(match name {
            "igbinary" | "msgpack" => Error::new(
                ErrorKind::Unsupported,
                format!("sessions in the format {name} are not supported"),
            ),
            _ => Error::new(
                ErrorKind::Config,
                "no session format of this name, there are php, php_binary, php_serialize",
            ),
        })
    }

    /// Finds the format that `payload` is written in. Nothing tells it for an
    /// empty session.
    ///
    /// # Errors
    ///
    /// What [`Session::parse`] says when no format fits.
    pub fn detect(payload: &[u8]) -> Result<Option<Self>> {
        if payload.is_empty() {
            return Ok(None);
        }
        // In this order: an array is no list of names, and a name without `|` is
        // seldom one with a length before it.
        let formats = [Self::PhpSerialize, Self::Php, Self::PhpBinary];
        let found = formats
            .into_iter()
            .find(|format| Session::scan(*format, payload).is_ok());
        match found {
            Some(format) => Ok(Some(format)),
            None => Session::parse(Self::Php, payload).map(|_| None),
        }
    }
}

/// The variables of one PHP session, in their order.
///
/// What is not changed is written back byte for byte as PHP wrote it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    format: SessionFormat,
    variables: Vec<(Key, Node)>,
    shared: Shared,
}

impl Session {
    /// Returns an empty session.
    #[must_use]
    pub fn new(format: SessionFormat) -> Self {
        Self {
            format,
            ..Self::default()
        }
    }

    /// Reads the payload of a session item. An empty one is an empty session.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] when the payload is igbinary or MessagePack,
    /// [`ErrorKind::Decode`] when it is not in `format` or beyond the limits of
    /// [`Tree::parse`]; the payload is attached.
    pub fn parse(format: SessionFormat, payload: &[u8]) -> Result<Self> {
        Self::scan(format, payload).map_err(|flaw| {
            let error = match foreign_format(payload) {
                Some(name) => Error::new(
                    ErrorKind::Unsupported,
                    format!("session is stored as {name}, which is not supported"),
                ),
                None => Error::new(
                    ErrorKind::Decode,
                    format!("session cannot be read as {}: {flaw}", format.name()),
                )
                .caused_by(flaw),
            };
            error.with_raw(0, Bytes::copy_from_slice(payload))
        })
    }

    fn scan(format: SessionFormat, payload: &[u8]) -> Result<Self, Flaw> {
        let mut session = Self::new(format);
        if payload.is_empty() {
            return Ok(session);
        }
        if format == SessionFormat::PhpSerialize {
            let Tree { root, shared } = Tree::scan(payload)?;
            let Node::Array(variables) = root else {
                return Err(Flaw {
                    at: 0,
                    rule: "no array, or one that contains itself",
                });
            };
            session.variables = variables;
            session.shared = shared;
            return Ok(session);
        }
        let (variables, shared) = read(payload, |reader| {
            let mut variables = Vec::new();
            while !reader.is_at_end() {
                let name = Key::String(read_name(format, reader)?.to_vec());
                put(&mut variables, name, reader.value()?);
            }
            Ok(variables)
        })?;
        session.variables = variables;
        session.shared = shared;
        Ok(session)
    }

    /// Writes the payload as PHP does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Encode`] as of [`Tree::serialize`].
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let mut writer = Writer::new(&self.shared);
        if self.format == SessionFormat::PhpSerialize {
            writer.array(&self.variables)?;
            return Ok(writer.out);
        }
        for (name, node) in &self.variables {
            let name = name.to_bytes();
            match self.format {
                SessionFormat::PhpBinary => {
                    writer.out.push(name_length(&name)?);
                    writer.out.extend_from_slice(&name);
                }
                _ => {
                    writer.out.extend_from_slice(&name);
                    writer.out.push(b'|');
                }
            }
            writer.value(node)?;
        }
        Ok(writer.out)
    }

    /// Sets a variable, in its place if it is there, else behind the others.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] when PHP cannot store the name in this
    /// format: with a `|` in `php` (it would drop the whole session), with more
    /// than 127 bytes in `php_binary`.
    pub fn set(&mut self, name: &str, tree: Tree) -> Result<()> {
        self.check_name(name)?;
        let node = self.adopt(tree);
        let key = match self.format {
            SessionFormat::PhpSerialize => Key::from(name),
            _ => Key::String(name.as_bytes().to_vec()),
        };
        put(&mut self.variables, key, node);
        Ok(())
    }

    /// Sets a variable from JSON, as [`Tree::from_json`] reads it.
    ///
    /// # Errors
    ///
    /// As of [`set`](Self::set) and [`Tree::from_json`].
    pub fn set_json(&mut self, name: &str, text: &str) -> Result<()> {
        self.set(name, Tree::from_json(text)?)
    }

    /// Sets a variable from what PHP's `serialize` wrote.
    ///
    /// # Errors
    ///
    /// As of [`set`](Self::set) and [`Tree::parse`].
    pub fn set_serialized(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.set(name, Tree::parse(bytes)?)
    }

    /// Removes a variable; whether it was there. Variables that refer to it keep
    /// its value.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.variables.len();
        self.variables.retain(|(key, _)| !key.is(name));
        self.variables.len() < before
    }

    /// Removes every variable.
    pub fn clear(&mut self) {
        self.variables.clear();
        self.shared = Shared::default();
    }

    /// Returns the format.
    #[must_use]
    pub const fn format(&self) -> SessionFormat {
        self.format
    }

    /// Returns the number of variables.
    #[must_use]
    pub fn len(&self) -> usize {
        self.variables.len()
    }

    /// Whether there are no variables.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty()
    }

    /// Returns the names in their order.
    pub fn names(&self) -> impl Iterator<Item = &Key> {
        self.variables.iter().map(|(name, _)| name)
    }

    /// Returns the value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node> {
        let (_, node) = self.variables.iter().find(|(key, _)| key.is(name))?;
        Some(self.shared.resolve(node))
    }

    /// Returns the value that `node` of this session stands for.
    #[must_use]
    pub fn resolve<'a>(&'a self, node: &'a Node) -> &'a Node {
        self.shared.resolve(node)
    }

    /// Returns a variable as JSON, if it is there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] when JSON has no form for it, as of
    /// [`Tree::to_json`] with [`Objects::Refuse`].
    pub fn json(&self, name: &str) -> Result<Option<String>> {
        self.get(name)
            .map(|node| json::write(node, &self.shared, Objects::Refuse).map_err(no_json))
            .transpose()
    }

    /// Returns a variable as PHP's `serialize` would write it alone, if it is
    /// there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Encode`] as of [`Tree::serialize`].
    pub fn serialized(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some((_, node)) = self.variables.iter().find(|(key, _)| key.is(name)) else {
            return Ok(None);
        };
        let mut writer = Writer::new(&self.shared);
        writer.value(node)?;
        Ok(Some(writer.out))
    }

    fn check_name(&self, name: &str) -> Result<()> {
        let reason = match self.format {
            SessionFormat::Php if name.contains('|') => "it holds a |",
            SessionFormat::PhpBinary if name.len() > MAX_BINARY_NAME => {
                "it has more than 127 bytes"
            }
            _ => return Ok(()),
        };
        Err(Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "name of a session variable cannot be stored as {}: {reason}",
                self.format.name()
            ),
        ))
    }

    /// Takes over the shared values of `tree`.
    fn adopt(&mut self, tree: Tree) -> Node {
        let Tree {
            mut root,
            shared: Shared(mut shared),
        } = tree;
        let offset = self.shared.0.len();
        if offset > 0 && !shared.is_empty() {
            root.shift(offset);
            shared.iter_mut().for_each(|node| node.shift(offset));
        }
        self.shared.0.append(&mut shared);
        root
    }
}

const MAX_BINARY_NAME: usize = 127;

fn read_name<'b>(format: SessionFormat, reader: &mut Reader<'b>) -> Result<&'b [u8], Flaw> {
    if format == SessionFormat::Php {
        return reader.until(b'|', "a name without a |");
    }
    // The high bit once marked a variable without a value; PHP 8 ignores it.
    let length = reader.take(1)?[0] & 0x7f;
    reader.take(usize::from(length))
}

fn name_length(name: &[u8]) -> Result<u8> {
    match u8::try_from(name.len()) {
        Ok(length) if usize::from(length) <= MAX_BINARY_NAME => Ok(length),
        _ => Err(refusal("a name has more than 127 bytes")),
    }
}

/// Replaces the value of this name, or adds it.
fn put(variables: &mut Vec<(Key, Node)>, name: Key, node: Node) {
    match variables.iter_mut().find(|(key, _)| *key == name) {
        Some((_, old)) => *old = node,
        None => variables.push((name, node)),
    }
}

/// What else a payload may be that is in no format of this room.
fn foreign_format(payload: &[u8]) -> Option<&'static str> {
    match payload {
        [0, 0, 0, 1 | 2, ..] => Some("igbinary"),
        // A map or an array.
        [0x80..=0x9f | 0xdc..=0xdf, ..] => Some("msgpack"),
        _ => None,
    }
}

impl Key {
    /// Returns the key as text: an integer in decimal, bytes if they are UTF-8.
    #[must_use]
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Int(number) => Some(Cow::Owned(number.to_string())),
            Self::String(name) => std::str::from_utf8(name).ok().map(Cow::Borrowed),
        }
    }

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Int(number) => Cow::Owned(number.to_string().into_bytes()),
            Self::String(name) => Cow::Borrowed(name),
        }
    }

    fn is(&self, name: &str) -> bool {
        *self.to_bytes() == *name.as_bytes()
    }
}

impl Node {
    /// Moves the links on by `offset`.
    fn shift(&mut self, offset: usize) {
        match self {
            Self::Array(entries)
            | Self::Object {
                properties: entries,
                ..
            } => entries.iter_mut().for_each(|(_, node)| node.shift(offset)),
            Self::Shared(link) => link.index += offset,
            _ => {}
        }
    }
}
