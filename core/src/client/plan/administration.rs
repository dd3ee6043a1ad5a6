//! Commands for whole servers.

use super::{Place, Plan, no_servers};
use crate::client::composite::{Listing, Uptake};
use crate::client::operation::{Operation, Spread};
use crate::error::{Error, ErrorKind, Result};
use crate::key::MAX_KEY_LENGTH;
use crate::protocol::{Admin, DumpedKey, Request};

impl Plan {
    /// Asks every server the same, or the one that `place` names.
    ///
    /// For lists of keys there is [`list_keys`](Self::list_keys).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoServers`], or [`ErrorKind::InvalidArgument`] when the
    /// name of a report is no single word.
    pub fn administer<'a>(&self, admin: Admin<'a>, place: Place<'_>) -> Result<Operation<'a>> {
        if let Admin::Stats { report } = &admin {
            let legal = |byte: &u8| *byte >= b' ' && *byte != 0x7f;
            if report.len() > MAX_KEY_LENGTH || !report.iter().all(legal) {
                let message = "the name of a stats report has control characters or is too long";
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
        }
        let request = Request::Admin(admin);
        if self.servers.is_empty() {
            return Err(no_servers());
        }
        Ok(match place {
            Place::Key => {
                let spread = Spread::everywhere(self.servers.len(), &request);
                Operation::Spread(Box::new(spread))
            }
            place => Operation::single(self.route(b"", place)?, request),
        })
    }

    /// Has every server list its keys, or the one that `place` names; each item
    /// is a line for [`listed`](Self::listed).
    ///
    /// An item that is there all the time comes once, from memcached 1.6.9 on
    /// where the list is taken at once, and from 1.6.19 on where it is not; older
    /// versions may list keys twice, and omit what is in use. A server that is
    /// busy with another list is asked again until the time of the call is over.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoServers`].
    pub fn list_keys(&self, uptake: Uptake, place: Place<'_>) -> Result<Operation<'static>> {
        let lists = self.administer(uptake.first(), place)?;
        Ok(Operation::composite(Listing::new(lists, uptake)))
    }

    /// Reads a line of a list of keys: the item if its key begins with the
    /// client's prefix and then `prefix`, without the client's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`] when the line is malformed.
    pub fn listed(&self, line: &[u8], prefix: &[u8]) -> Result<Option<DumpedKey>> {
        let mut item = DumpedKey::parse(line)?;
        let own = self.options.prefix.len();
        if !item.key.starts_with(&self.options.prefix) || !item.key[own..].starts_with(prefix) {
            return Ok(None);
        }
        item.key.drain(..own);
        Ok(Some(item))
    }
}
