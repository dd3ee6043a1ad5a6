//! Commands that are one request for each key, or one for all keys of a server.

use std::borrow::Cow;

use super::{Place, Plan};
use crate::client::operation::{Operation, Spread, Stores};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::{Error, Result};
use crate::protocol::{
    BatchItem, Delete, Expiry, KeyList, Keys, Request, Retrieve, Store, StoreMany, StoreMode,
    Touch, Want,
};
use crate::value::Encoded;

impl Plan {
    /// Reads one item.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn retrieve<'a>(
        &self,
        key: &'a [u8],
        want: Want,
        touch: Option<Expiry>,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let (endpoint, key) = self.locate(key, place)?;
        let request = Retrieve {
            keys: Keys::One(key),
            want,
            touch,
            bump: true,
        };
        Ok(Operation::single(endpoint, Request::Retrieve(request)))
    }

    /// Reads several items: one request per server where value and cas id are
    /// all that is wanted, else one per key, pipelined.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn retrieve_many<'a>(
        &self,
        mut keys: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
        want: Want,
        touch: Option<Expiry>,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let count = keys.len();
        let request = |keys| {
            Request::Retrieve(Retrieve {
                keys,
                want,
                touch,
                bump: true,
            })
        };
        let is_plain = want == Want::VALUE || want == Want::VALUE | Want::CAS;
        if is_plain
            && count > 0
            && let Some(endpoint) = self.only(place)
        {
            // The keys are the call's own, in order.
            let mut own = KeyList::with_capacity(count);
            let prefix = &self.options.prefix;
            if prefix.is_empty() {
                keys.clone().for_each(|key| own.push(key));
            } else {
                keys.clone().for_each(|key| own.push_behind(prefix, key));
            }
            // Which of them is none is found by a look at each.
            if !own.are_legal() {
                keys.try_for_each(|key| self.wire_key(key).map(drop))?;
            }
            let all = (endpoint, request(Keys::Many(own)), Vec::new());
            let spread = Spread::retrieve([all].into_iter());
            return Ok(Operation::Spread(Box::new(spread)));
        }
        let located = keys
            .enumerate()
            .map(|(position, key)| self.locate(key, place.of(position)));
        let spread = if is_plain {
            let share = count.div_ceil(self.servers.len().max(1));
            let mut keys = vec![KeyList::default(); self.servers.len()];
            let mut positions = vec![Vec::new(); self.servers.len()];
            for (position, place) in located.enumerate() {
                let (endpoint, key) = place?;
                let own = &mut keys[endpoint];
                if own.is_empty() {
                    *own = KeyList::with_capacity(share);
                }
                own.push(&key);
                positions[endpoint].push(position);
            }
            let groups = keys.into_iter().zip(positions).enumerate();
            let groups = groups.filter(|(_, (keys, _))| !keys.is_empty());
            let requests: Vec<_> = groups
                .map(|(endpoint, (keys, positions))| {
                    (endpoint, request(Keys::Many(keys)), positions)
                })
                .collect();
            Spread::retrieve(requests.into_iter())
        } else {
            let located = located.collect::<Result<Vec<_>>>()?.into_iter();
            Spread::each(located.map(|(endpoint, key)| (endpoint, request(Keys::One(key)))))
                .reading()
        };
        Ok(Operation::Spread(Box::new(spread)))
    }

    /// Writes one item. Without an expiry it gets the default one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn store<'a>(
        &self,
        mode: StoreMode,
        key: &'a [u8],
        value: Encoded<'a>,
        expiry: Option<Expiry>,
        cas: Option<u64>,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let (endpoint, key) = self.locate(key, place)?;
        let request = self.store_request(mode, key, value, expiry, cas);
        Ok(Operation::single(endpoint, request))
    }

    /// Writes several items, on all servers at once: those to be stored in any
    /// case as one batch per server, others pipelined.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`]; nothing is sent then.
    pub fn store_many<'a>(
        &self,
        mode: StoreMode,
        items: impl ExactSizeIterator<Item = (&'a [u8], Encoded<'a>)>,
        expiry: Option<Expiry>,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        self.try_store_many(mode, items.map(Ok::<_, Error>), expiry, place)
    }

    /// Writes what [`store_many`](Self::store_many) does, of items that are made
    /// on the way and may fail to be.
    ///
    /// # Errors
    ///
    /// Those of [`store_many`](Self::store_many), and the first of `items`.
    pub fn try_store_many<'a, E: From<Error>>(
        &self,
        mode: StoreMode,
        items: impl ExactSizeIterator<Item = Result<(&'a [u8], Encoded<'a>), E>>,
        expiry: Option<Expiry>,
        place: Place<'_>,
    ) -> Result<Operation<'a>, E> {
        if mode == StoreMode::Set {
            let batches = self.batches(items, expiry.unwrap_or(self.options.default_ttl), place)?;
            return Ok(Operation::Stores(Box::new(Stores::new(batches))));
        }
        let mut requests = Vec::with_capacity(items.len());
        for (position, item) in items.enumerate() {
            let (key, value) = item?;
            let (endpoint, key) = self.locate(key, place.of(position))?;
            requests.push((endpoint, self.store_request(mode, key, value, expiry, None)));
        }
        Ok(Operation::Spread(Box::new(Spread::each(
            requests.into_iter(),
        ))))
    }

    /// Divides items among their servers: for each server that gets any, the
    /// items and their positions in the call.
    fn batches<'a, E: From<Error>>(
        &self,
        items: impl ExactSizeIterator<Item = Result<(&'a [u8], Encoded<'a>), E>>,
        expiry: Expiry,
        place: Place<'_>,
    ) -> Result<Vec<(usize, StoreMany<'a>, Vec<usize>)>, E> {
        let batch_item = |key, value: Encoded<'a>| BatchItem {
            key,
            flags: value.flags,
            value: value.bytes,
        };
        if let Some(endpoint) = self.only(place) {
            // The items are the call's own, in order.
            let mut own = Vec::with_capacity(items.len());
            for item in items {
                let (key, value) = item?;
                own.push(batch_item(self.wire_key(key)?, value));
            }
            let batch = StoreMany::new(own, expiry);
            let batch = batch.map(|batch| (endpoint, batch, Vec::new()));
            return Ok(batch.into_iter().collect());
        }
        let mut groups = vec![(Vec::new(), Vec::new()); self.servers.len()];
        for (position, item) in items.enumerate() {
            let (key, value) = item?;
            let (endpoint, key) = self.locate(key, place.of(position))?;
            let (items, positions) = &mut groups[endpoint];
            items.push(batch_item(key, value));
            positions.push(position);
        }
        let batch = |(endpoint, (items, positions))| {
            let batch = StoreMany::new(items, expiry)?;
            Some((endpoint, batch, positions))
        };
        Ok(groups.into_iter().enumerate().filter_map(batch).collect())
    }

    fn store_request<'a>(
        &self,
        mode: StoreMode,
        key: Cow<'a, [u8]>,
        value: Encoded<'a>,
        expiry: Option<Expiry>,
        cas: Option<u64>,
    ) -> Request<'a> {
        Request::Store(Store {
            mode,
            key,
            flags: value.flags,
            expiry: expiry.unwrap_or(self.options.default_ttl),
            value: value.bytes,
            cas,
        })
    }

    /// Removes one item, with a cas id only if it is still the one that was read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn delete<'a>(
        &self,
        key: &'a [u8],
        cas: Option<u64>,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let (endpoint, key) = self.locate(key, place)?;
        Ok(Operation::single(
            endpoint,
            Request::Delete(Delete { key, cas }),
        ))
    }

    /// Removes several items, pipelined on all servers at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`]; nothing is sent then.
    pub fn delete_many<'a>(
        &self,
        keys: impl ExactSizeIterator<Item = &'a [u8]>,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        self.each(keys, place, |key| {
            Request::Delete(Delete { key, cas: None })
        })
    }

    /// Changes the expiry of one item.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn touch<'a>(
        &self,
        key: &'a [u8],
        expiry: Expiry,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let (endpoint, key) = self.locate(key, place)?;
        Ok(Operation::single(
            endpoint,
            Request::Touch(Touch { key, expiry }),
        ))
    }

    /// Changes the expiry of several items, pipelined on all servers at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`]; nothing is sent then.
    pub fn touch_many<'a>(
        &self,
        keys: impl ExactSizeIterator<Item = &'a [u8]>,
        expiry: Expiry,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        self.each(keys, place, |key| Request::Touch(Touch { key, expiry }))
    }

    fn each<'a>(
        &self,
        keys: impl ExactSizeIterator<Item = &'a [u8]>,
        place: Place<'_>,
        request: impl Fn(Cow<'a, [u8]>) -> Request<'a>,
    ) -> Result<Operation<'a>> {
        let mut requests = Vec::with_capacity(keys.len());
        for (position, key) in keys.enumerate() {
            let (endpoint, key) = self.locate(key, place.of(position))?;
            requests.push((endpoint, request(key)));
        }
        Ok(Operation::Spread(Box::new(Spread::each(
            requests.into_iter(),
        ))))
    }
}
