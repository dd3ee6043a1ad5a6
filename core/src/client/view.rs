//! What a call has beside its arguments, and what becomes of its result; the
//! same for the blocking and the async client.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::convert::{FromValue, ToValue};
use super::item::ItemView;
use super::operation::{Answer, Moment, Outcome, Part};
use super::plan::{Place, Plan};
use super::shelf::Shelf;
use super::stats::RawReport;
use super::ttl::Ttl;
use crate::error::{Error, ErrorKind, Result};
use crate::net;
use crate::protocol::{DumpedKey, Expiry, Hits, Item};
use crate::value::Encoded;

/// The plan of a client, and what a view of it changes. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct View {
    plan: Arc<Plan>,
    timeout: Duration,
    server_key: Option<Arc<[u8]>>,
}

impl View {
    /// Views a plan as its options say.
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            timeout: plan.options().timeout,
            plan: Arc::new(plan),
            server_key: None,
        }
    }

    /// The same with another time for each call.
    pub(super) fn with_timeout(&self, timeout: Duration) -> Self {
        Self {
            timeout,
            ..self.clone()
        }
    }

    /// The same with another key to find servers by.
    pub(super) fn with_server_key(&self, key: &[u8]) -> Self {
        Self {
            server_key: Some(key.into()),
            ..self.clone()
        }
    }

    /// The same within one generation of a namespace.
    pub(super) fn scoped(&self, name: &[u8], generation: u64) -> Self {
        Self {
            plan: Arc::new(self.plan.scoped(name, generation)),
            ..self.clone()
        }
    }

    pub(super) const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Returns when a call that begins now is to have ended.
    pub(super) fn deadline(&self) -> Moment {
        Moment(net::now()).after(self.timeout)
    }

    /// Returns what a call may take, or each piece of a stream.
    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn place(&self) -> Place<'_> {
        self.server_key
            .as_deref()
            .map_or(Place::Key, Place::ServerKey)
    }

    /// Encodes a value in the client's dialect.
    pub(super) fn encode<'v>(&self, value: &'v (impl ToValue + ?Sized)) -> Result<Encoded<'v>> {
        self.plan.options().values.encode(value.to_value()?)
    }

    /// Encodes the values of several items.
    pub(super) fn encode_all<'v, K: AsRef<[u8]>, V: ToValue>(
        &self,
        items: &'v [(K, V)],
    ) -> Result<Vec<(&'v [u8], Encoded<'v>)>> {
        let encode = |(key, value): &'v (K, V)| Ok((key.as_ref(), self.encode(value)?));
        items.iter().map(encode).collect()
    }

    /// Reads an item's value.
    pub(super) fn decode<T: FromValue>(&self, item: Item<'_>) -> Result<T> {
        T::from_value(self.plan.options().values.decode(item.flags, item.value)?)
    }

    /// Reads the value of one of several items.
    #[inline]
    pub(super) fn decode_several<T: FromValue>(
        &self,
        item: Item<'_>,
        shelf: &mut Shelf<'_>,
    ) -> Result<T> {
        let value = self.plan.options().values.decode(item.flags, item.value)?;
        T::from_several(value, shelf)
    }

    /// Reads an item's value, and its cas id.
    pub(super) fn decode_with_cas<T: FromValue>(&self, item: Item<'_>) -> Result<(T, u64)> {
        let cas = item.cas.unwrap_or_default();
        Ok((self.decode(item)?, cas))
    }

    /// Reads the value of one of several items, and its cas id.
    pub(super) fn decode_several_with_cas<T: FromValue>(
        &self,
        item: Item<'_>,
        shelf: &mut Shelf<'_>,
    ) -> Result<(T, u64)> {
        let cas = item.cas.unwrap_or_default();
        Ok((self.decode_several(item, shelf)?, cas))
    }

    /// Reads an item with everything that the server tells of it.
    pub(super) fn decode_item<T: FromValue>(&self, item: Item<'_>) -> Result<ItemView<T>> {
        Ok(ItemView {
            flags: item.flags,
            cas: item.cas.unwrap_or_default(),
            ttl: item
                .ttl
                .and_then(|ttl| u64::try_from(ttl).ok())
                .map(Duration::from_secs),
            size: item.size.unwrap_or_default(),
            last_access: Duration::from_secs(item.last_access.unwrap_or_default()),
            hit_before: item.hit_before.unwrap_or_default(),
            value: self.decode(item)?,
        })
    }

    /// Returns the expiry, the default one where none is given.
    pub(super) fn expiry(&self, ttl: Ttl) -> Result<Expiry> {
        let default = self.plan.options().default_ttl;
        Ok(ttl.expiry()?.unwrap_or(default))
    }
}

/// The caller's side of a call: takes the pieces of the result, and answers
/// when the operation asks.
pub(super) trait Conversation {
    /// Takes one piece. A read that is repeated may give the same piece twice.
    fn part(&mut self, part: Part<'_>);

    /// Takes hits that came together.
    fn hits(&mut self, hits: &Hits<'_>) {
        for hit in hits.as_slice() {
            self.part(Part::Item((*hit).into()));
        }
    }

    /// Asks the caller's function.
    fn ask(&mut self) -> Result<Answer> {
        let message = "operation asks for a function that was not given";
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }

    /// What each piece may take, where the whole has no deadline.
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// Whether the caller wants no more pieces.
    fn is_over(&self) -> bool {
        false
    }
}

impl<F: FnMut(Part<'_>)> Conversation for F {
    fn part(&mut self, part: Part<'_>) {
        self(part);
    }
}

/// Takes nothing.
pub(super) fn nothing(_part: Part<'_>) {}

/// Takes the one item of a read.
pub(super) struct One<T, F> {
    read: F,
    found: Option<Result<T>>,
}

impl<T, F: FnMut(Item<'_>) -> Result<T>> One<T, F> {
    pub(super) const fn new(read: F) -> Self {
        Self { read, found: None }
    }

    pub(super) fn finish(self) -> Result<Option<T>> {
        self.found.transpose()
    }
}

impl<T, F: FnMut(Item<'_>) -> Result<T>> Conversation for One<T, F> {
    fn part(&mut self, part: Part<'_>) {
        if let Part::Item(item) = part {
            self.found = Some((self.read)(item));
        }
    }
}

/// Takes the items of a read of several keys.
pub(super) struct Many<'k, K, T, F> {
    keys: &'k [K],
    read: F,
    found: HashMap<K, T>,
    failure: Option<Error>,
}

impl<'k, K, T, F> Many<'k, K, T, F>
where
    K: Clone + Eq + Hash,
    F: FnMut(Item<'_>, &mut Shelf<'_>) -> Result<T>,
{
    pub(super) fn new(keys: &'k [K], read: F) -> Self {
        Self {
            keys,
            read,
            found: HashMap::with_capacity(keys.len()),
            failure: None,
        }
    }

    pub(super) fn finish(self) -> Result<HashMap<K, T>> {
        self.failure.map_or(Ok(self.found), Err)
    }

    /// Puts what was found into a map, whatever else went wrong.
    pub(super) fn finish_into(self, found: &mut HashMap<K, T>) -> Result<()> {
        found.extend(self.found);
        self.failure.map_or(Ok(()), Err)
    }

    #[inline(always)]
    fn item(&mut self, item: Item<'_>, shelf: &mut Shelf<'_>) {
        let key = &self.keys[item.index];
        match (self.read)(item, shelf) {
            Ok(value) => drop(self.found.insert(key.clone(), value)),
            Err(error) => self.failure = Some(error),
        }
    }
}

impl<K, T, F> Conversation for Many<'_, K, T, F>
where
    K: Clone + Eq + Hash,
    F: FnMut(Item<'_>, &mut Shelf<'_>) -> Result<T>,
{
    fn part(&mut self, part: Part<'_>) {
        if let Part::Item(item) = part {
            self.item(item, &mut Shelf::default());
        }
    }

    fn hits(&mut self, hits: &Hits<'_>) {
        let mut shelf = Shelf::new(hits);
        for hit in hits.as_slice() {
            self.item((*hit).into(), &mut shelf);
        }
    }
}

/// Takes the versions of servers.
pub(super) struct Versions<'p> {
    plan: &'p Plan,
    found: BTreeMap<usize, String>,
}

impl<'p> Versions<'p> {
    pub(super) const fn new(plan: &'p Plan) -> Self {
        Self {
            plan,
            found: BTreeMap::new(),
        }
    }

    pub(super) fn finish(self) -> Vec<(String, String)> {
        let named = |(endpoint, version)| (self.plan.label(endpoint).to_string(), version);
        self.found.into_iter().map(named).collect()
    }
}

impl Conversation for Versions<'_> {
    fn part(&mut self, part: Part<'_>) {
        if let Part::Version { endpoint, version } = part {
            let version = String::from_utf8_lossy(version).into_owned();
            self.found.insert(endpoint, version);
        }
    }
}

/// Takes the reports of servers.
pub(super) struct Reports<'p> {
    plan: &'p Plan,
    found: BTreeMap<usize, RawReport>,
}

impl<'p> Reports<'p> {
    pub(super) const fn new(plan: &'p Plan) -> Self {
        Self {
            plan,
            found: BTreeMap::new(),
        }
    }

    pub(super) fn finish(self) -> Vec<(String, RawReport)> {
        let named = |(endpoint, report)| (self.plan.label(endpoint).to_string(), report);
        self.found.into_iter().map(named).collect()
    }
}

impl Conversation for Reports<'_> {
    fn part(&mut self, part: Part<'_>) {
        if let Part::Stat {
            endpoint,
            name,
            value,
        } = part
        {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let report = self.found.entry(endpoint).or_default();
            report.insert(text(name), text(value));
        }
    }
}

/// Gives the keys of a list to the caller's function, one by one.
pub(super) struct Listed<'p, F> {
    view: &'p View,
    prefix: &'p [u8],
    each: F,
    end: Option<Result<()>>,
}

impl<'p, F: FnMut(DumpedKey) -> ControlFlow<()>> Listed<'p, F> {
    pub(super) const fn new(view: &'p View, prefix: &'p [u8], each: F) -> Self {
        Self {
            view,
            prefix,
            each,
            end: None,
        }
    }

    /// Returns how the call ended: a caller that has enough is no failure.
    pub(super) fn finish(self, outcome: Result<Outcome>) -> Result<()> {
        self.end.unwrap_or_else(|| outcome.map(drop))
    }
}

impl<F: FnMut(DumpedKey) -> ControlFlow<()>> Conversation for Listed<'_, F> {
    fn part(&mut self, part: Part<'_>) {
        let Part::Line { line, .. } = part else {
            return;
        };
        if self.is_over() {
            return;
        }
        match self.view.plan.listed(line, self.prefix) {
            Ok(None) => {}
            Ok(Some(item)) => {
                if (self.each)(item).is_break() {
                    self.end = Some(Ok(()));
                }
            }
            Err(error) => self.end = Some(Err(error)),
        }
    }

    fn patience(&self) -> Option<Duration> {
        Some(self.view.timeout())
    }

    fn is_over(&self) -> bool {
        self.end.is_some()
    }
}

/// Asks the caller's function for a new value, given the present one.
pub(super) struct Change<'v, T, U, F> {
    view: &'v View,
    expiry: Expiry,
    change: F,
    present: Option<Result<T>>,
    /// What the function gave last.
    given: Option<U>,
}

impl<'v, T, U, F> Change<'v, T, U, F>
where
    T: FromValue,
    U: ToValue,
    F: FnMut(Option<T>) -> Result<Option<U>>,
{
    pub(super) const fn new(view: &'v View, expiry: Expiry, change: F) -> Self {
        Self {
            view,
            expiry,
            change,
            present: None,
            given: None,
        }
    }

    /// Returns the value that was stored, if one was.
    pub(super) fn finish(self, outcome: &Outcome) -> Option<U> {
        self.given.filter(|_| outcome.flag())
    }
}

impl<T, U, F> Conversation for Change<'_, T, U, F>
where
    T: FromValue,
    U: ToValue,
    F: FnMut(Option<T>) -> Result<Option<U>>,
{
    fn part(&mut self, part: Part<'_>) {
        if let Part::Item(item) = part {
            self.present = Some(self.view.decode(item));
        }
    }

    fn ask(&mut self) -> Result<Answer> {
        let present = self.present.take().transpose()?;
        self.given = (self.change)(present)?;
        let Some(value) = &self.given else {
            return Ok(Answer::Leave);
        };
        let encoded = self.view.encode(value)?;
        Ok(Answer::Store {
            flags: encoded.flags,
            value: encoded.bytes.into_owned(),
            expiry: self.expiry,
        })
    }
}
