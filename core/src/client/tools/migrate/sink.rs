//! Listed keys on their way from the thread that lists to the one that works.
//!
//! A server lists for one reader at a time, and what waits for a slow one there
//! is the thread that tidies up its memory. So the list is read as fast as it
//! comes, on a thread of its own; what does not fit in memory goes to a file.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use super::spill::Spill;
use crate::client::tools::listing::Listed;
use crate::error::{Error, ErrorKind, Result};

/// Keys that are handed over together.
const CHUNK: usize = 256;

/// Chunks that are kept in memory: 131,072 keys.
const AHEAD: usize = 512;

/// The keys of one server as they come.
pub(super) fn channel() -> (Sink, Receiver<Vec<Listed>>) {
    let (chunks, receiver) = sync_channel(AHEAD);
    let sink = Sink {
        chunks,
        chunk: Vec::with_capacity(CHUNK),
        spill: None,
    };
    (sink, receiver)
}

/// Where listed keys go. It takes all that come; whoever takes them out may be
/// slower.
pub(super) struct Sink {
    chunks: SyncSender<Vec<Listed>>,
    chunk: Vec<Listed>,
    spill: Option<Spill>,
}

impl Sink {
    /// Takes a key; breaks off when nobody wants any.
    pub(super) fn push(&mut self, key: Listed) -> ControlFlow<()> {
        self.chunk.push(key);
        if self.chunk.len() < CHUNK {
            return ControlFlow::Continue(());
        }
        self.pass_on()
    }

    fn pass_on(&mut self) -> ControlFlow<()> {
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        match self.chunks.try_send(chunk) {
            Ok(()) => ControlFlow::Continue(()),
            Err(TrySendError::Disconnected(_)) => ControlFlow::Break(()),
            Err(TrySendError::Full(chunk)) => self.set_aside(chunk),
        }
    }

    /// Writes keys to the file; where that cannot be, the server has to wait.
    fn set_aside(&mut self, chunk: Vec<Listed>) -> ControlFlow<()> {
        if self.spill.is_none() {
            self.spill = Spill::create().ok();
        }
        let written = self.spill.as_mut().map(|spill| spill.write(&chunk));
        if let Some(Ok(())) = written {
            return ControlFlow::Continue(());
        }
        match self.chunks.send(chunk) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// Passes on what is left, and waits for it to be taken.
    pub(super) fn finish(&mut self) -> Result<()> {
        let chunk = std::mem::take(&mut self.chunk);
        let wanted = self.chunks.send(chunk).is_ok();
        let Some(spill) = self.spill.take().filter(|_| wanted) else {
            return Ok(());
        };
        let read = spill.read(CHUNK, |chunk| self.chunks.send(chunk).is_ok());
        read.map_err(|error| {
            let message = "list of keys could not be read back from a temporary file";
            Error::new(ErrorKind::Partial, message).caused_by(error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_does_not_wait_for_whoever_takes_it() {
        const COUNT: u64 = (AHEAD * CHUNK + 5 * CHUNK + 7) as u64;
        let (mut sink, chunks) = channel();
        for number in 0..COUNT {
            let listed = Listed {
                key: number.to_string().into_bytes(),
                expires: Some(number),
                size: number,
            };
            assert_eq!(sink.push(listed), ControlFlow::Continue(()));
        }
        assert!(sink.spill.is_some());
        let finishing = std::thread::spawn(move || sink.finish());
        let mut found: Vec<u64> = chunks.iter().flatten().map(|listed| listed.size).collect();
        finishing.join().expect("no panic").expect("a file");
        found.sort_unstable();
        assert!(found.into_iter().eq(0..COUNT));
    }

    #[test]
    fn a_list_ends_when_nobody_takes_it() {
        let (mut sink, chunks) = channel();
        drop(chunks);
        let listed = Listed {
            key: b"key".to_vec(),
            expires: None,
            size: 1,
        };
        let pushed: Vec<_> = (0..CHUNK).map(|_| sink.push(listed.clone())).collect();
        assert_eq!(pushed.last(), Some(&ControlFlow::Break(())));
    }
}
