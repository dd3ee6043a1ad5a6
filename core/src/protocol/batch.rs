//! Several stores as one request.
//!
//! Over the meta protocol each is written as a quiet `ms`, which a server
//! answers only when it stores nothing, and a `mn` behind the last one marks the
//! end: a batch that succeeds has one reply of four bytes. An error line names
//! no key; whose it was is found out by whoever sent the batch. Over the text
//! protocol each is a `set` with a reply of its own, in order.

use std::borrow::Cow;

use super::expect::Shape;
use super::request::{Store, StoreMode};
use super::text::push_number;
use super::{Expiry, meta};

/// Bytes that a command has around key and value at most: its name, a length,
/// flags, an expiry, and what separates and ends them.
const FRAME: usize = 64;

/// Writing several items of one server, each in any case.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreMany<'a> {
    items: Vec<BatchItem<'a>>,
    expiry: Expiry,
    /// How long the keys and values are together.
    content: usize,
}

/// One item of [`StoreMany`].
#[derive(Clone, Debug, PartialEq)]
pub struct BatchItem<'a> {
    /// The key.
    pub key: Cow<'a, [u8]>,
    /// The flags stored with the value.
    pub flags: u32,
    /// The encoded value.
    pub value: Cow<'a, [u8]>,
}

impl<'a> StoreMany<'a> {
    /// Creates a batch of items that all get one expiry; `None` without items.
    #[must_use]
    pub fn new(items: Vec<BatchItem<'a>>, expiry: Expiry) -> Option<Self> {
        let content = items
            .iter()
            .map(|item| item.key.len() + item.value.len())
            .sum();
        (!items.is_empty()).then_some(Self {
            items,
            expiry,
            content,
        })
    }

    /// Returns the items in order.
    #[must_use]
    pub fn items(&self) -> &[BatchItem<'a>] {
        &self.items
    }

    /// Returns how many bytes the batch has on the wire at most.
    #[must_use]
    pub const fn wire_length(&self) -> usize {
        self.content + self.items.len() * FRAME
    }

    /// Copies what is borrowed, so that the batch outlives the call.
    #[must_use]
    pub fn into_owned(self) -> StoreMany<'static> {
        let own = |item: BatchItem<'_>| BatchItem {
            key: Cow::Owned(item.key.into_owned()),
            flags: item.flags,
            value: Cow::Owned(item.value.into_owned()),
        };
        StoreMany {
            items: self.items.into_iter().map(own).collect(),
            expiry: self.expiry,
            content: self.content,
        }
    }
}

/// Appends the batch in meta commands and tells what its reply looks like; a
/// single item is not worth the `mn` and goes out under `opaque`.
pub(super) fn encode_meta(batch: &StoreMany<'_>, opaque: u32, out: &mut Vec<u8>) -> Shape {
    if let [item] = &*batch.items {
        let store = Store {
            mode: StoreMode::Set,
            key: Cow::Borrowed(&item.key),
            flags: item.flags,
            expiry: batch.expiry,
            value: Cow::Borrowed(&item.value),
            cas: None,
        };
        meta::encode_store(&store, opaque, out);
        return Shape::MetaStore;
    }
    out.reserve(batch.wire_length());
    // What stands between key and value is often the same from item to item.
    let mut between = Vec::with_capacity(FRAME);
    let mut written_for = None;
    for item in &batch.items {
        let describes = (item.value.len(), item.flags);
        if written_for != Some(describes) {
            written_for = Some(describes);
            between.clear();
            push_number(&mut between, item.value.len());
            if item.flags != 0 {
                between.extend_from_slice(b" F");
                push_digits(&mut between, item.flags);
            }
            if batch.expiry != Expiry::NEVER {
                between.extend_from_slice(b" T");
                push_digits(&mut between, batch.expiry.wire());
            }
            between.extend_from_slice(b" q\r\n");
        }
        out.extend_from_slice(b"ms ");
        out.extend_from_slice(&item.key);
        out.extend_from_slice(&between);
        out.extend_from_slice(&item.value);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"mn\r\n");
    Shape::MetaStoreMany
}

/// Appends the batch in text commands and tells what its replies look like.
pub(super) fn encode_text(batch: &StoreMany<'_>, out: &mut Vec<u8>) -> Shape {
    out.reserve(batch.wire_length());
    for item in &batch.items {
        out.extend_from_slice(b"set ");
        out.extend_from_slice(&item.key);
        push_number(out, item.flags);
        push_number(out, batch.expiry.wire());
        push_number(out, item.value.len());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&item.value);
        out.extend_from_slice(b"\r\n");
    }
    Shape::TextStoreMany {
        count: batch.items.len() as u32,
    }
}

fn push_digits(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}
