//! Lists of keys as streams.

use std::collections::VecDeque;
use std::future::{IntoFuture, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::AsyncClient;
use crate::client::cache::BoxFuture;
use crate::client::composite::Uptake;
use crate::client::multiplexed::{Call, Event, Gathered, Piece};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::DumpedKey;

/// The keys that servers list, one after the other: what
/// [`AsyncClient::keys`] returns.
///
/// It is a [`Stream`] for those who have its adapters, gives items by
/// [`next`](Self::next) to those who have not, and is a future of all the keys.
/// After an error it is over.
#[derive(Debug)]
#[must_use = "nothing is asked before the stream is read"]
pub struct KeyStream {
    client: AsyncClient,
    prefix: Vec<u8>,
    has_begun: bool,
    /// `None` when nothing more comes.
    call: Option<Call>,
    waiting: VecDeque<DumpedKey>,
    failure: Option<Error>,
}

impl KeyStream {
    pub(super) fn new(client: AsyncClient, prefix: Vec<u8>) -> Self {
        Self {
            client,
            prefix,
            has_begun: false,
            call: None,
            waiting: VecDeque::new(),
            failure: None,
        }
    }

    fn begin(&mut self, uptake: Uptake) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let view = &self.client.view;
        match self.client.plan().list_keys(uptake, view.place()) {
            Ok(operation) => {
                let patience = view.timeout();
                self.call = Some(self.client.held.0.stream(operation, patience));
            }
            Err(error) => self.failure = Some(error),
        }
    }

    /// Waits for the next item; `None` when all servers have listed all. Nothing
    /// is lost when the wait is given up.
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::keys`], once.
    pub async fn next(&mut self) -> Option<Result<DumpedKey>> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &Context<'_>) -> Poll<Option<Result<DumpedKey>>> {
        self.begin(Uptake::Paced);
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            if let Some(error) = self.failure.take() {
                return Poll::Ready(Some(Err(error)));
            }
            let Some(call) = &mut self.call else {
                return Poll::Ready(None);
            };
            match ready!(call.poll(context)) {
                Event::Gathered(gathered) => self.take(gathered),
                Event::Ended(gathered, result) => {
                    self.call = None;
                    self.failure = result.err();
                    self.take(gathered);
                }
                Event::Asked(..) => {
                    self.call = None;
                    let message = "list of keys asks for a function";
                    self.failure = Some(Error::new(ErrorKind::Protocol, message));
                }
            }
        }
    }

    /// Keeps the items that are asked for.
    fn take(&mut self, gathered: Gathered) {
        for piece in gathered.into_pieces() {
            let Piece::Line { line, .. } = piece else {
                continue;
            };
            match self.client.plan().listed(&line, &self.prefix) {
                Ok(item) => self.waiting.extend(item),
                Err(error) => {
                    self.call = None;
                    self.failure = Some(error);
                    return;
                }
            }
        }
    }
}

impl Stream for KeyStream {
    type Item = Result<DumpedKey>;

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<DumpedKey>>> {
        self.get_mut().poll(context)
    }
}

impl IntoFuture for KeyStream {
    type Output = Result<Vec<Vec<u8>>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            self.begin(Uptake::Immediate);
            let mut keys = Vec::new();
            while let Some(item) = self.next().await {
                keys.push(item?.key);
            }
            Ok(keys)
        })
    }
}
