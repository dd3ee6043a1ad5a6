//! Bytes in and out, one request's at a time.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use super::{Attendant, OVER};
use crate::server::listener::connection::Exit;
use crate::server::{Next, OUTPUT_BUDGET};

impl Attendant<'_> {
    /// Lets the session execute the `length` bytes in front, waiting for those
    /// that are still to come. Returns the reply, or unless it is wanted `whole`
    /// its last part, and its length.
    pub(super) async fn feed(
        &mut self,
        length: usize,
        whole: bool,
    ) -> Result<(Vec<u8>, usize), Exit> {
        let mut reply = Vec::new();
        let mut sent = 0;
        let mut left = length;
        loop {
            let connection = &mut *self.connection;
            let shown = connection.input.len().min(left);
            let progress = connection
                .session
                .process(&connection.input[..shown], &mut reply);
            connection.input.drain(..progress.consumed);
            connection.count(connection.session.begun());
            left -= progress.consumed;
            match progress.next {
                Next::NeedInput if left == 0 => break,
                Next::NeedInput => {
                    // All of it was shown, and the session wants to see more:
                    // it is longer than its head said.
                    let short = shown > progress.consumed && shown - progress.consumed == left;
                    self.receive().await?;
                    if short {
                        left = self.connection.input.len();
                    }
                }
                Next::Yield if whole => {}
                Next::Yield => {
                    sent += reply.len();
                    self.replies.append(&mut reply);
                    self.flush().await?;
                }
                next => {
                    connection.follow(next);
                    break;
                }
            }
        }
        let length = sent + reply.len();
        Ok((reply, length))
    }

    /// Drops the `length` bytes in front, waiting for those still to come.
    pub(super) async fn skip(&mut self, length: usize) -> Result<(), Exit> {
        let mut left = length;
        loop {
            let here = self.connection.input.len().min(left);
            self.connection.input.drain(..here);
            left -= here;
            if left == 0 {
                return Ok(());
            }
            self.receive().await?;
        }
    }

    /// Waits for more input; the end of the peer's bytes ends the connection.
    pub(super) async fn receive(&mut self) -> Result<(), Exit> {
        self.flush().await?;
        poll_fn(|context| self.connection.poll_receive(context)).await?;
        if self.connection.ended {
            self.connection.input.clear();
            self.connection.session.end_of_input(&mut self.replies);
            self.flush().await?;
            return Err(OVER);
        }
        Ok(())
    }

    /// Sends a reply: with the others, or in pieces of its own.
    pub(super) async fn deliver(
        &mut self,
        reply: &[u8],
        pieces: Option<Vec<(usize, Duration)>>,
    ) -> Result<(), Exit> {
        let Some(pieces) = pieces else {
            self.replies.extend_from_slice(reply);
            if self.replies.len() > OUTPUT_BUDGET {
                self.flush().await?;
            }
            return Ok(());
        };
        self.flush().await?;
        let mut rest = reply;
        for (size, pause) in pieces {
            let piece;
            // A fault behind the cut may have shortened the reply.
            (piece, rest) = rest.split_at(size.min(rest.len()));
            self.send(piece).await?;
            if pause.is_zero() {
                tokio::task::yield_now().await;
            } else {
                tokio::time::sleep(pause).await;
            }
        }
        self.send(rest).await
    }

    pub(super) async fn flush(&mut self) -> Result<(), Exit> {
        let mut replies = std::mem::take(&mut self.replies);
        self.send(&replies).await?;
        replies.clear();
        self.replies = replies;
        Ok(())
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Exit> {
        poll_fn(|context| Poll::Ready(self.connection.write(context, bytes))).await?;
        poll_fn(|context| self.connection.poll_written(context)).await
    }
}
