//! The server list.

use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::net::Address;
use crate::route::Node;

/// A server as configured: where it listens and its share of the keys.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct ServerAddress {
    /// Where it listens.
    pub address: Address,
    /// Its share of the keys, relative to the others. Default 1.
    pub weight: u32,
    /// The name that is hashed in place of the address. Default none.
    pub name: Option<String>,
}

impl ServerAddress {
    /// Creates a server of weight 1.
    #[must_use]
    pub const fn new(address: Address) -> Self {
        Self {
            address,
            weight: 1,
            name: None,
        }
    }

    /// Sets the weight.
    #[must_use]
    pub const fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Returns the server as placement sees it.
    #[must_use]
    pub fn node(&self) -> Node {
        let node = match &self.address {
            Address::Tcp { host, port } => Node::new(host.clone(), *port),
            Address::Unix { path } => Node::unix(path.clone()),
        };
        let node = node.with_weight(self.weight);
        match &self.name {
            Some(name) => node.with_name(name.clone()),
            None => node,
        }
    }

    /// Reads a list separated by commas, as in `a:11211,b:11212;weight=2`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when an entry does not parse or the list is empty.
    pub fn parse_list(text: &str) -> Result<Vec<Self>> {
        text.split(',').map(str::parse).collect()
    }
}

impl FromStr for ServerAddress {
    type Err = Error;

    /// Reads an [`Address`], optionally followed by `;weight=N`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it does not parse.
    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(';');
        let mut server = Self::new(parts.next().unwrap_or_default().parse()?);
        for part in parts {
            let weight = part
                .trim()
                .strip_prefix("weight=")
                .and_then(|n| n.parse().ok());
            let Some(weight) = weight else {
                let message = format!("server \"{text}\": \"{part}\" is no weight=N");
                return Err(Error::new(ErrorKind::Config, message));
            };
            server.weight = weight;
        }
        Ok(server)
    }
}
