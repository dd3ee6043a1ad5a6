//! Commands for whole servers.

use super::{Place, Plan, no_servers};
use crate::client::composite::Listing;
use crate::client::operation::{Operation, Spread};
use crate::error::{Error, ErrorKind, Result};
use crate::key::MAX_KEY_LENGTH;
use crate::protocol::{Admin, DumpedKey, Request};

impl Plan {
    /// Asks every server the same, or the one that `place` names.
    ///
    /// A server that is busy with another list of keys ([`Admin::Metadump`]) is
    /// asked again until the time of the call is over.
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
        let lists = matches!(request, Request::Admin(Admin::Metadump));
        let operation = match place {
            Place::Key => {
                let spread = Spread::everywhere(self.servers.len(), &request);
                Operation::Spread(Box::new(spread))
            }
            place => Operation::single(self.route(b"", place)?, request),
        };
        if lists {
            let lists = Listing::new(operation.into_owned());
            return Ok(Operation::composite(lists));
        }
        Ok(operation)
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
