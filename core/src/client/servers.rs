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

    /// Sets the name that is hashed in place of the address.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Reads `weight=N` or `name=TEXT`, a part of the entry `text`.
    pub(super) fn set(&mut self, text: &str, part: &str) -> Result<()> {
        match part.trim().split_once('=') {
            Some(("name", name)) if !name.is_empty() => self.name = Some(name.to_owned()),
            Some(("weight", weight)) => {
                self.weight = weight.parse().map_err(|_| refused(text, part))?;
            }
            _ => return Err(refused(text, part)),
        }
        Ok(())
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

    /// Reads an [`Address`], optionally followed by `;weight=N` and `;name=TEXT`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it does not parse.
    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(';');
        let mut server = Self::new(parts.next().unwrap_or_default().parse()?);
        for part in parts {
            server.set(text, part)?;
        }
        Ok(server)
    }
}

fn refused(text: &str, part: &str) -> Error {
    let message = format!("server \"{text}\": \"{part}\" is neither weight=N nor name=TEXT");
    Error::new(ErrorKind::Config, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weight_and_name_follow_the_address() {
        let server: ServerAddress = "[::1]:11311;weight=3;name=east".parse().expect("a server");
        assert_eq!(server.weight, 3);
        assert_eq!(server.node().name.as_deref(), Some("east"));
        assert_eq!(server.address.to_string(), "[::1]:11311");
        let list = ServerAddress::parse_list("a;name=x,b").expect("two servers");
        assert_eq!((list[0].name.as_deref(), list[1].weight), (Some("x"), 1));
    }

    #[test]
    fn what_else_follows_is_refused() {
        for text in ["a;weight=-1", "a;weight", "a;name=", "a;colour=red", "a;"] {
            let error = text.parse::<ServerAddress>().expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Config, "{text}");
            assert!(error.message().contains(text), "{error}");
        }
    }
}
