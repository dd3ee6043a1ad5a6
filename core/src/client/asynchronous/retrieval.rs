//! Reading.

use std::collections::HashMap;
use std::hash::Hash;

use bytes::Bytes;

use super::AsyncClient;
use crate::client::convert::FromValue;
use crate::client::item::ItemView;
use crate::client::shelf::Shelf;
use crate::client::ttl::Ttl;
use crate::client::view::{Many, nothing};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::protocol::{Item, Want};

impl AsyncClient {
    /// Reads a value; `None` on a miss.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] when the value is of another type;
    /// [`ErrorKind::InvalidKey`]; those of the way to the server.
    pub async fn get<T: FromValue + Send>(
        &self,
        key: impl AsRef<[u8]> + Send,
    ) -> Result<Option<T>> {
        self.read(
            |plan, place| plan.retrieve(key.as_ref(), Want::VALUE, None, place),
            |item| self.view.decode(item),
        )
        .await
    }

    /// Reads a value with its cas id, for [`cas`](Self::cas).
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    pub async fn gets<T: FromValue + Send>(
        &self,
        key: impl AsRef<[u8]> + Send,
    ) -> Result<Option<(T, u64)>> {
        let want = Want::VALUE | Want::CAS;
        self.read(
            |plan, place| plan.retrieve(key.as_ref(), want, None, place),
            |item| self.view.decode_with_cas(item),
        )
        .await
    }

    /// Reads a value and sets a new expiry.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get); [`ErrorKind::InvalidArgument`] for the time
    /// to live.
    pub async fn gat<T: FromValue + Send>(
        &self,
        key: impl AsRef<[u8]> + Send,
        ttl: impl Into<Ttl> + Send,
    ) -> Result<Option<T>> {
        let touch = self.view.expiry(ttl.into())?;
        self.read(
            |plan, place| plan.retrieve(key.as_ref(), Want::VALUE, Some(touch), place),
            |item| self.view.decode(item),
        )
        .await
    }

    /// Reads a value with its cas id and sets a new expiry.
    ///
    /// # Errors
    ///
    /// Those of [`gat`](Self::gat).
    pub async fn gats<T: FromValue + Send>(
        &self,
        key: impl AsRef<[u8]> + Send,
        ttl: impl Into<Ttl> + Send,
    ) -> Result<Option<(T, u64)>> {
        let touch = self.view.expiry(ttl.into())?;
        let want = Want::VALUE | Want::CAS;
        self.read(
            |plan, place| plan.retrieve(key.as_ref(), want, Some(touch), place),
            |item| self.view.decode_with_cas(item),
        )
        .await
    }

    /// Reads a value with everything that the server tells about the item.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), and [`ErrorKind::Unsupported`] when the
    /// server does not speak the meta protocol.
    pub async fn item<T: FromValue + Send>(
        &self,
        key: impl AsRef<[u8]> + Send,
    ) -> Result<Option<ItemView<T>>> {
        self.read(
            |plan, place| plan.retrieve(key.as_ref(), Want::ALL, None, place),
            |item| self.view.decode_item(item),
        )
        .await
    }

    /// Whether there is an item, without reading its value.
    ///
    /// # Errors
    ///
    /// Those of [`item`](Self::item).
    pub async fn exists(&self, key: impl AsRef<[u8]> + Send) -> Result<bool> {
        let outcome = self
            .call(
                |plan, place| plan.retrieve(key.as_ref(), Want::EXISTENCE, None, place),
                &mut nothing,
            )
            .await?;
        Ok(outcome.flag())
    }

    /// Reads flags and bytes as they are stored, whoever wrote them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`]; those of the way to the server.
    pub async fn get_raw(&self, key: impl AsRef<[u8]> + Send) -> Result<Option<(u32, Bytes)>> {
        self.read(
            |plan, place| plan.retrieve(key.as_ref(), Want::VALUE, None, place),
            |item| Ok((item.flags, Bytes::from(item.value.into_owned()))),
        )
        .await
    }

    /// Reads several values: one request per server, all at once. Misses are
    /// absent from the result.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get); [`ErrorKind::Partial`] when some servers failed.
    pub async fn get_multi<K, T>(&self, keys: &[K]) -> Result<HashMap<K, T>>
    where
        K: AsRef<[u8]> + Clone + Eq + Hash + Send + Sync,
        T: FromValue + Send,
    {
        self.read_multi(keys, Want::VALUE, |item, shelf| {
            self.view.decode_several(item, shelf)
        })
        .await
    }

    /// Reads several values into a map, where they are also if the call fails: when
    /// some servers fail, the values that the others have.
    ///
    /// # Errors
    ///
    /// Those of [`get_multi`](Self::get_multi).
    pub async fn get_multi_into<K, T>(&self, keys: &[K], found: &mut HashMap<K, T>) -> Result<()>
    where
        K: AsRef<[u8]> + Clone + Eq + Hash + Send + Sync,
        T: FromValue + Send,
    {
        let mut many = Many::new(keys, |item, shelf: &mut Shelf<'_>| {
            self.view.decode_several(item, shelf)
        });
        let read = self
            .call(
                |plan, place| {
                    let keys = keys.iter().map(AsRef::as_ref);
                    plan.retrieve_many(keys, Want::VALUE, None, place)
                },
                &mut many,
            )
            .await;
        let decoded = many.finish_into(found);
        read.and(decoded)
    }

    /// Reads several values with their cas ids.
    ///
    /// # Errors
    ///
    /// Those of [`get_multi`](Self::get_multi).
    pub async fn gets_multi<K, T>(&self, keys: &[K]) -> Result<HashMap<K, (T, u64)>>
    where
        K: AsRef<[u8]> + Clone + Eq + Hash + Send + Sync,
        T: FromValue + Send,
    {
        let want = Want::VALUE | Want::CAS;
        self.read_multi(keys, want, |item, shelf| {
            self.view.decode_several_with_cas(item, shelf)
        })
        .await
    }

    /// Reads several values with everything that the servers tell about the
    /// items: one request for each key, pipelined.
    ///
    /// # Errors
    ///
    /// Those of [`get_multi`](Self::get_multi), and [`ErrorKind::Unsupported`]
    /// when a server does not speak the meta protocol.
    pub async fn items_multi<K, T>(&self, keys: &[K]) -> Result<HashMap<K, ItemView<T>>>
    where
        K: AsRef<[u8]> + Clone + Eq + Hash + Send + Sync,
        T: FromValue + Send,
    {
        self.read_multi(keys, Want::ALL, |item, _| self.view.decode_item(item))
            .await
    }

    async fn read_multi<K, T>(
        &self,
        keys: &[K],
        want: Want,
        read: impl FnMut(Item<'_>, &mut Shelf<'_>) -> Result<T> + Send,
    ) -> Result<HashMap<K, T>>
    where
        K: AsRef<[u8]> + Clone + Eq + Hash + Send + Sync,
        T: Send,
    {
        let mut many = Many::new(keys, read);
        self.call(
            |plan, place| plan.retrieve_many(keys.iter().map(AsRef::as_ref), want, None, place),
            &mut many,
        )
        .await?;
        many.finish()
    }
}
