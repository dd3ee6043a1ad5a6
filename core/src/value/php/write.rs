//! Writing `serialize` data.

use std::collections::HashMap;
use std::io::Write;

use super::{Custom, Key, Link, MAX_DEPTH, Node, Shared, Tree};
use crate::error::{Error, ErrorKind, Result};

/// Writes one value.
pub(super) fn tree(tree: &Tree) -> Result<Vec<u8>> {
    let mut writer = Writer::new(&tree.shared);
    writer.value(&tree.root)?;
    Ok(writer.out)
}

/// Serialized data in the making.
pub(super) struct Writer<'t> {
    pub(super) out: Vec<u8>,
    shared: &'t Shared,
    depth: usize,
    /// The number of the last value.
    slot: usize,
    /// The numbers of the shared values written so far.
    slots: HashMap<usize, usize>,
    /// The number of the first object that serializes itself.
    custom: Option<usize>,
}

impl<'t> Writer<'t> {
    pub(super) fn new(shared: &'t Shared) -> Self {
        Self {
            out: Vec::new(),
            shared,
            depth: 0,
            slot: 0,
            slots: HashMap::new(),
            custom: None,
        }
    }

    /// Appends one value.
    pub(super) fn value(&mut self, node: &Node) -> Result<()> {
        if let Node::Shared(link) = node {
            return self.link(*link);
        }
        self.slot += 1;
        self.plain(node)
    }

    /// Appends an array.
    pub(super) fn array(&mut self, entries: &[(Key, Node)]) -> Result<()> {
        self.slot += 1;
        self.out.extend_from_slice(b"a:");
        self.entries(entries)
    }

    /// Appends a shared value where it occurs first, else a reference to it.
    fn link(&mut self, link: Link) -> Result<()> {
        let Link {
            index,
            by_reference,
        } = link;
        let Some(&slot) = self.slots.get(&index) else {
            self.slot += 1;
            self.slots.insert(index, self.slot);
            let shared = self.shared;
            return match shared.0.get(index) {
                Some(node) => self.plain(node),
                None => Err(refusal("a shared value belongs to another tree")),
            };
        };
        if self.custom.is_some_and(|custom| slot > custom) {
            return Err(refusal(
                "a reference would lead past an object that serializes itself",
            ));
        }
        self.slot += usize::from(!by_reference);
        let kind = if by_reference { 'R' } else { 'r' };
        self.print(format_args!("{kind}:{slot};"));
        Ok(())
    }

    fn plain(&mut self, node: &Node) -> Result<()> {
        match node {
            Node::Array(entries) => {
                self.out.extend_from_slice(b"a:");
                self.entries(entries)?;
            }
            Node::Bool(truth) => self.print(format_args!("b:{};", u8::from(*truth))),
            Node::Custom(custom) => self.custom(custom)?,
            Node::Enum(case) => {
                self.string('E', case);
                self.out.push(b';');
            }
            Node::Float(float) => self.print(format_args!("d:{};", float.text)),
            Node::Int(number) => self.print(format_args!("i:{number};")),
            Node::Null => self.out.extend_from_slice(b"N;"),
            Node::Object { class, properties } => {
                self.string('O', class);
                self.out.push(b':');
                self.entries(properties)?;
            }
            Node::Shared(_) => return Err(refusal("a shared value is a reference itself")),
            Node::String(string) => {
                self.string('s', string);
                self.out.push(b';');
            }
        }
        Ok(())
    }

    fn entries(&mut self, entries: &[(Key, Node)]) -> Result<()> {
        if self.depth == MAX_DEPTH {
            return Err(refusal("arrays and objects are nested too deeply"));
        }
        self.depth += 1;
        self.print(format_args!("{}:{{", entries.len()));
        for (key, node) in entries {
            match key {
                Key::Int(number) => self.print(format_args!("i:{number};")),
                Key::String(name) => {
                    self.string('s', name);
                    self.out.push(b';');
                }
            }
            self.value(node)?;
        }
        self.out.push(b'}');
        self.depth -= 1;
        Ok(())
    }

    fn custom(&mut self, custom: &Custom) -> Result<()> {
        let refers = |pair: &[u8]| matches!(pair, b"R:" | b"r:");
        if custom.slot != self.slot && custom.payload.windows(2).any(refers) {
            return Err(refusal(
                "an object that serializes itself refers to others, which have moved",
            ));
        }
        self.custom.get_or_insert(self.slot);
        self.string('C', &custom.class);
        self.print(format_args!(":{}:{{", custom.payload.len()));
        self.out.extend_from_slice(&custom.payload);
        self.out.push(b'}');
        Ok(())
    }

    fn string(&mut self, kind: char, bytes: &[u8]) {
        self.print(format_args!("{kind}:{}:\"", bytes.len()));
        self.out.extend_from_slice(bytes);
        self.out.push(b'"');
    }

    fn print(&mut self, text: std::fmt::Arguments<'_>) {
        self.out
            .write_fmt(text)
            .expect("writing into a vector does not fail");
    }
}

#[cold]
pub(super) fn refusal(reason: &'static str) -> Error {
    Error::new(
        ErrorKind::Encode,
        format!("php data cannot be written: {reason}"),
    )
}
