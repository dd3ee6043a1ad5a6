//! One connection of the engine, and what the engine knows of an endpoint.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::super::health::Health;
use super::super::operation::Moment;
use crate::net::Address;
use crate::protocol::Connection;

/// Names a connection towards the driver. Never reused.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConnectionId(pub u64);

/// A connection, open or being opened.
#[derive(Debug)]
pub(super) struct EngineLink {
    pub(super) id: ConnectionId,
    pub(super) endpoint: usize,
    pub(super) state: LinkState,
    pub(super) protocol: Connection<u32>,
    /// Serves one operation and is closed with it.
    pub(super) exclusive: bool,
    /// Whether a [`Write`](super::Action::Write) is to be given out.
    pub(super) dirty: bool,
    /// Whether the driver has told that it cannot take more.
    pub(super) blocked: bool,
    /// How many requests were put on it since it was idle last.
    pub(super) burst: u32,
    /// When bytes last arrived, or the connection was opened.
    pub(super) heard: Moment,
    /// When a reply was last complete, or the connection was opened.
    pub(super) answered: Moment,
    /// When a request was last put on it.
    pub(super) used: Moment,
    /// Whether it was given more time to open, since nobody had looked.
    pub(super) excused: bool,
}

impl EngineLink {
    /// Gives a connection that nobody has looked at in time as much more to open as
    /// was lost, at most `limit`.
    pub(super) fn excuse(&mut self, now: Moment, limit: Duration) {
        if let LinkState::Opening(until) = self.state
            && until < now
            && !self.excused
        {
            self.excused = true;
            self.state = LinkState::Opening(now.after(now.since(until).min(limit)));
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LinkState {
    /// Being opened until this moment.
    Opening(Moment),
    Open,
}

/// An endpoint: its state of health, and requests that wait for a connection.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) address: Address,
    pub(super) label: Arc<str>,
    pub(super) health: Health,
    pub(super) resolution: Resolution,
    /// Requests that wait for the connection being opened.
    pub(super) waiting: VecDeque<u32>,
}

/// What is known of an endpoint's host name.
#[derive(Debug)]
pub(super) enum Resolution {
    Unknown,
    /// Asked for; the deadline of the question.
    Asked(Moment),
    /// Addresses to try, the next one first, and how many of them have failed.
    Known {
        addresses: Vec<SocketAddr>,
        tried: usize,
    },
    /// The address needs no resolving (a Unix socket).
    NotNeeded,
}

impl Endpoint {
    pub(super) fn new(address: Address, seed: u64) -> Self {
        let resolution = match &address {
            Address::Unix { .. } => Resolution::NotNeeded,
            Address::Tcp { host, port } => match host.parse() {
                Ok(ip) => Resolution::Known {
                    addresses: vec![SocketAddr::new(ip, *port)],
                    tried: 0,
                },
                Err(_) => Resolution::Unknown,
            },
        };
        Self {
            label: address.to_string().into(),
            address,
            health: Health::new(seed),
            resolution,
            waiting: VecDeque::new(),
        }
    }

    /// Whether the host is a name, whose addresses may change.
    pub(super) fn is_named(&self) -> bool {
        match &self.address {
            Address::Unix { .. } => false,
            Address::Tcp { host, .. } => host.parse::<std::net::IpAddr>().is_err(),
        }
    }
}
