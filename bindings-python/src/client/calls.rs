//! Commands: from what the caller passed to a call that either client runs.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use memoxide::client::{
    Answer as Decision, Counting, Operation, Outcome, Part, Place, Plan, Uptake,
};
use memoxide::net::unix_now;
use memoxide::protocol::{Admin, Direction, Expiry, Hits, StoreMode, Want};
use memoxide::value::{Encoded, Format};
use memoxide::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::arguments::{Count, Key};
use super::configuration;
use super::gathered::Gathered;
use super::harvest::{Harvest, Listing, Wish};
use super::ids::Ids;
use super::keys::Queue;
use super::lists::{Keys, Pairs};
use super::update::Update;
use crate::errors::{Failure, Result};
use crate::log;
use crate::serializer::{Pickle, Serializer};
use crate::value::Conversion;

/// Servers, options and the conversion of values: what calls are made of.
#[derive(Clone, Debug)]
pub(crate) struct Core {
    plan: Arc<Plan>,
    conversion: Arc<Conversion>,
    /// The names of the namespaces that this is within, the outermost first.
    namespaces: Vec<u8>,
}

/// An operation and what is to become of its result.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) operation: Operation<'a>,
    pub(crate) harvest: Harvest,
}

impl<'a> Call<'a> {
    fn new(operation: Operation<'a>, wish: Wish) -> Self {
        Self {
            operation,
            harvest: wish.into(),
        }
    }
}

impl Core {
    /// Reads the configuration of a client.
    ///
    /// # Errors
    ///
    /// `Config` when a server or an option does not parse or two contradict each
    /// other, `Unsupported` when this build cannot do what one asks for.
    pub(crate) fn new(
        py: Python<'_>,
        servers: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
        pickle_protocol: Option<i32>,
        serializer: Option<Serializer>,
    ) -> Result<Self> {
        let plan = configuration::plan(servers, options)?;
        log::tell(py, plan.first_entry().as_slice())?;
        let codec = plan.options().values.clone();
        let pickle = if codec.foreign.contains(Format::Pickle) {
            Some(Pickle::new(py, pickle_protocol)?)
        } else {
            None
        };
        Ok(Self {
            conversion: Arc::new(Conversion::new(codec, pickle, serializer)?),
            plan: Arc::new(plan),
            namespaces: Vec::new(),
        })
    }

    /// Returns the servers and options.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the servers and the options that differ from their default.
    pub(crate) fn configuration(&self) -> String {
        self.plan.options().to_json(self.plan.servers())
    }

    /// Returns the names of the servers.
    pub(crate) fn server_names(&self) -> Vec<&str> {
        let endpoints = 0..self.plan.servers().len();
        endpoints
            .map(|endpoint| &**self.plan.label(endpoint))
            .collect()
    }

    /// Returns what the cas id of an item is remembered under: the same for every
    /// generation of a namespace, another for what is another item. Neither keys
    /// nor names have spaces or line breaks.
    pub(crate) fn mark(&self, key: Key<'_>, server_key: Option<Key<'_>>) -> Vec<u8> {
        let server_key = server_key.map_or(&b""[..], Key::bytes);
        [&self.namespaces, key.bytes(), b" ", server_key].concat()
    }

    /// Gives a piece of a result to its harvest.
    pub(crate) fn part(&self, py: Python<'_>, harvest: &mut Harvest, part: Part<'_>) {
        harvest.part(py, &self.conversion, part);
    }

    /// Gives hits that came together to their harvest.
    pub(crate) fn hits(&self, py: Python<'_>, harvest: &mut Harvest, hits: &Hits<'_>) {
        harvest.hits(py, &self.conversion, hits);
    }

    /// Returns the result of a call. Nothing may be held: Python loads values here.
    pub(crate) fn finish<'py>(
        &self,
        py: Python<'py>,
        harvest: Harvest,
        result: memoxide::Result<Outcome>,
    ) -> Result<Bound<'py, PyAny>> {
        harvest.finish(py, &self.plan, &self.conversion, result)
    }

    /// Reads a value; with a place for it the cas id is remembered.
    pub(crate) fn get<'a>(
        &self,
        key: Key<'a>,
        default: Option<Bound<'_, PyAny>>,
        touch: Option<Expiry>,
        ids: Option<Ids>,
        place: Place<'_>,
    ) -> Result<Call<'a>> {
        let want = match ids {
            Some(_) => Want::VALUE | Want::CAS,
            None => Want::VALUE,
        };
        let operation = self.plan.retrieve(key.bytes(), want, touch, place)?;
        let default = default.map(Bound::unbind);
        Ok(Call::new(operation, Wish::Value(None, default, ids)))
    }

    /// Reads a value and what the server tells about it.
    pub(crate) fn item<'a>(&self, key: Key<'a>, place: Place<'_>) -> Result<Call<'a>> {
        let operation = self.plan.retrieve(key.bytes(), Want::ALL, None, place)?;
        Ok(Call::new(operation, Wish::Item(None)))
    }

    /// Asks whether there is an item.
    pub(crate) fn exists<'a>(&self, key: Key<'a>, place: Place<'_>) -> Result<Call<'a>> {
        let key = key.bytes();
        let operation = self.plan.retrieve(key, Want::EXISTENCE, None, place)?;
        Ok(Call::new(operation, Wish::Flag))
    }

    /// Reads several values.
    pub(crate) fn get_multi<'a>(&self, keys: &'a Keys<'_>, place: Place<'_>) -> Result<Call<'a>> {
        let failure = Cell::new(None);
        let bytes = keys.iter(&failure);
        let operation = self.plan.retrieve_many(bytes, Want::VALUE, None, place);
        if let Some(failure) = failure.take() {
            return Err(failure);
        }
        Ok(Call::new(operation?, Wish::Values(Gathered::new(keys))))
    }

    /// Writes an item, with a cas id only if it is still the one that was read.
    pub(crate) fn store<'a>(
        &self,
        mode: StoreMode,
        key: Key<'a>,
        value: Encoded<'a>,
        expiry: Option<Expiry>,
        cas: Option<u64>,
        place: Place<'_>,
    ) -> Result<Call<'a>> {
        let key = key.bytes();
        let operation = self.plan.store(mode, key, value, expiry, cas, place)?;
        Ok(Call::new(operation, Wish::Flag))
    }

    /// Returns the flags and bytes that stand for a value.
    pub(crate) fn encode<'a>(
        &self,
        value: &'a Bound<'_, PyAny>,
        min_compress_len: Count,
    ) -> Result<Encoded<'a>> {
        match min_compress_len.0 {
            0 => self.conversion.encode(value),
            above => {
                let above = usize::try_from(above).unwrap_or(usize::MAX);
                self.conversion.encode_compressed(value, above)
            }
        }
    }

    /// Writes several items.
    pub(crate) fn store_multi<'a>(
        &self,
        mode: StoreMode,
        pairs: &'a Pairs<'_>,
        expiry: Option<Expiry>,
        min_compress_len: Count,
        place: Place<'_>,
    ) -> Result<Call<'a>> {
        let items = pairs.iter().map(|pair| {
            let (key, value) = pair?;
            Ok::<_, Failure>((key, self.encode(value, min_compress_len)?))
        });
        let operation = self.plan.try_store_many(mode, items, expiry, place)?;
        Ok(Call::new(
            operation,
            Wish::Failed(pairs.keys.objects().clone().unbind()),
        ))
    }

    /// Counts.
    pub(crate) fn count<'a>(
        &self,
        direction: Direction,
        key: Key<'a>,
        delta: Count,
        initial: Option<Count>,
        expiry: Option<Expiry>,
        place: Place<'_>,
    ) -> Result<Call<'a>> {
        let counting = Counting {
            initial: initial.map(|count| count.0),
            expiry,
            ..Counting::default()
        };
        let key = key.bytes();
        let operation = self.plan.count(direction, key, delta.0, counting, place)?;
        Ok(Call::new(operation, Wish::Number))
    }

    /// Removes an item.
    pub(crate) fn delete<'a>(
        &self,
        key: Key<'a>,
        cas: Option<Count>,
        place: Place<'_>,
    ) -> Result<Call<'a>> {
        let cas = cas.map(|count| count.0);
        let operation = self.plan.delete(key.bytes(), cas, place)?;
        Ok(Call::new(operation, Wish::Flag))
    }

    /// Removes several items.
    pub(crate) fn delete_multi<'a>(
        &self,
        keys: &'a Keys<'_>,
        place: Place<'_>,
    ) -> Result<Call<'a>> {
        let operation = self.plan.delete_many(keys.bytes()?.into_iter(), place)?;
        Ok(Call::new(
            operation,
            Wish::Failed(keys.objects().clone().unbind()),
        ))
    }

    /// Changes the expiry of an item.
    pub(crate) fn touch<'a>(
        &self,
        key: Key<'a>,
        expiry: Option<Expiry>,
        place: Place<'_>,
    ) -> Result<Call<'a>> {
        let expiry = self.expiry(expiry);
        let operation = self.plan.touch(key.bytes(), expiry, place)?;
        Ok(Call::new(operation, Wish::Flag))
    }

    /// Changes the expiry of several items.
    pub(crate) fn touch_multi<'a>(
        &self,
        keys: &'a Keys<'_>,
        expiry: Option<Expiry>,
        place: Place<'_>,
    ) -> Result<Call<'a>> {
        let bytes = keys.bytes()?.into_iter();
        let operation = self.plan.touch_many(bytes, self.expiry(expiry), place)?;
        Ok(Call::new(
            operation,
            Wish::Failed(keys.objects().clone().unbind()),
        ))
    }

    /// Reads an item and removes it.
    pub(crate) fn take(
        &self,
        key: Key<'_>,
        default: Option<Bound<'_, PyAny>>,
        place: Place<'_>,
    ) -> Result<Call<'static>> {
        let operation = self.plan.take(key.bytes(), place)?;
        Ok(Call::new(
            operation,
            Wish::Taken(None, default.map(Bound::unbind)),
        ))
    }

    /// Reads flags and bytes as they are stored.
    pub(crate) fn get_raw<'a>(&self, key: Key<'a>, place: Place<'_>) -> Result<Call<'a>> {
        let operation = self.plan.retrieve(key.bytes(), Want::VALUE, None, place)?;
        Ok(Call::new(operation, Wish::Raw(None)))
    }

    /// Reads several values with what is known of each, or with their cas ids.
    pub(crate) fn items<'a>(
        &self,
        keys: &'a Keys<'_>,
        full: bool,
        place: Place<'_>,
    ) -> Result<Call<'a>> {
        let want = if full {
            Want::ALL
        } else {
            Want::VALUE | Want::CAS
        };
        let operation = self
            .plan
            .retrieve_many(keys.bytes()?.into_iter(), want, None, place)?;
        let wish = Wish::Items {
            keys: keys.objects().clone().unbind(),
            found: Vec::new(),
            full,
        };
        Ok(Call::new(operation, wish))
    }

    /// Changes an item by a function of the caller's.
    pub(crate) fn update(
        &self,
        key: Key<'_>,
        change: Bound<'_, PyAny>,
        expiry: Option<Expiry>,
        limit: Count,
        place: Place<'_>,
    ) -> Result<Call<'static>> {
        let limit = u32::try_from(limit.0).unwrap_or(u32::MAX);
        let operation = self.plan.update(key.bytes(), limit, place)?;
        let expiry = self.expiry(expiry);
        Ok(Call::new(
            operation,
            Wish::Update(Update::new(change.unbind(), expiry)),
        ))
    }

    /// Takes a lock.
    pub(crate) fn acquire(
        &self,
        key: Key<'_>,
        token: &[u8],
        expiry: Option<Expiry>,
        wait: Duration,
        place: Place<'_>,
    ) -> Result<Call<'static>> {
        let expiry = self.expiry(expiry);
        let operation = self.plan.acquire(key.bytes(), token, expiry, wait, place)?;
        Ok(Call::new(operation, Wish::Flag))
    }

    /// Gives a lock back, or extends it.
    pub(crate) fn release(
        &self,
        key: Key<'_>,
        token: &[u8],
        extend: Option<Expiry>,
        place: Place<'_>,
    ) -> Result<Call<'static>> {
        let operation = self.plan.release(key.bytes(), token, extend, place)?;
        Ok(Call::new(operation, Wish::Flag))
    }

    /// Finds out the generation of a namespace, or raises it.
    pub(crate) fn generation(&self, name: Key<'_>, raise: bool) -> Result<Call<'static>> {
        let now = unix_now();
        let operation = if raise {
            self.plan.invalidate(name.bytes(), now)?
        } else {
            self.plan.generation(name.bytes(), now)?
        };
        Ok(Call::new(operation, Wish::Number))
    }

    /// Returns this for one generation of a namespace.
    pub(crate) fn scoped(&self, name: Key<'_>, generation: u64) -> Self {
        Self {
            plan: Arc::new(self.plan.scoped(name.bytes(), generation)),
            conversion: Arc::clone(&self.conversion),
            namespaces: [&self.namespaces, name.bytes(), b"\n"].concat(),
        }
    }

    /// Lists the keys that begin with a prefix.
    pub(crate) fn keys(
        &self,
        uptake: Uptake,
        prefix: &[u8],
        place: Place<'_>,
        queue: Option<Arc<Queue>>,
    ) -> Result<Call<'static>> {
        let operation = self.plan.list_keys(uptake, place)?;
        let plan = Arc::clone(&self.plan);
        let keys = Listing {
            plan,
            prefix: prefix.to_vec(),
            found: Vec::new(),
            queue,
        };
        Ok(Call::new(operation, Wish::Keys(keys)))
    }

    /// Returns what the caller's function makes of the item that an update read.
    pub(crate) fn decide(&self, py: Python<'_>, harvest: &mut Harvest) -> Result<Decision> {
        harvest.decide(py, &self.conversion)
    }

    /// Returns the expiry of a call, or the client's own.
    pub(crate) fn expiry(&self, expiry: Option<Expiry>) -> Expiry {
        expiry.unwrap_or_else(|| self.plan.options().default_ttl)
    }

    /// Asks all servers, or one, to do something that has no result.
    pub(crate) fn administer(
        &self,
        admin: Admin<'static>,
        place: Place<'_>,
    ) -> Result<Call<'static>> {
        let operation = self.plan.administer(admin, place)?;
        Ok(Call::new(operation, Wish::Nothing))
    }

    /// Asks all servers, or one, for a report.
    pub(crate) fn stats<'a>(
        &self,
        py: Python<'_>,
        report: Option<&'a str>,
        place: Place<'_>,
    ) -> Result<Call<'a>> {
        let report = Cow::Borrowed(report.unwrap_or_default().as_bytes());
        let operation = self.plan.administer(Admin::Stats { report }, place)?;
        let empty = |endpoint: &usize| (*endpoint, PyDict::new(py).unbind());
        let reports = operation.endpoints().iter().map(empty).collect();
        Ok(Call::new(operation, Wish::Reports(reports)))
    }

    /// Asks all servers, or one, for their version.
    pub(crate) fn version(&self, place: Place<'_>) -> Result<Call<'static>> {
        let operation = self.plan.administer(Admin::Version, place)?;
        Ok(Call::new(operation, Wish::Versions(Vec::new())))
    }

    /// Returns the name of the server that has a key.
    pub(crate) fn server_for<'py>(
        &self,
        py: Python<'py>,
        key: Key<'_>,
        place: Place<'_>,
    ) -> Result<Bound<'py, PyString>> {
        let endpoint = self.plan.place(key.bytes(), place)?;
        Ok(PyString::new(py, self.plan.label(endpoint)))
    }
}

/// Returns the cas id of a call: the one that is given or was remembered.
///
/// # Errors
///
/// `InvalidArgument` when there is none: without one the call would overwrite
/// what others wrote.
pub(crate) fn cas_id(ids: &Bound<'_, PyDict>, mark: &[u8], cas: Option<Count>) -> Result<u64> {
    if let Some(Count(cas)) = cas {
        return Ok(cas);
    }
    Ids::take(ids, mark)?.ok_or_else(|| {
        let message = "cas needs the id of what was read: \
            call gets for the key first, or give cas=item.cas of get_item";
        Error::new(ErrorKind::InvalidArgument, message).into()
    })
}
