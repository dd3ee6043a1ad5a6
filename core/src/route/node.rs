//! A server as placement sees it.

use std::fmt::Write as _;

/// The port that ring names leave out.
pub(crate) const DEFAULT_PORT: u16 = 11211;

/// A server as placement sees it: what its address is called, and its weight.
///
/// Most clients hash the address as text, exactly as it was configured; nothing
/// is resolved or changed in case, so `localhost` and `127.0.0.1` place keys
/// differently.
///
/// ```
/// use memoxide::route::Node;
///
/// let node = Node::new("cache1.example", 11211).with_weight(2);
/// assert_eq!(node.weight, 2);
/// assert!(Node::unix("/run/memcached.sock").is_unix());
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Node {
    /// The host as configured, IPv6 addresses without brackets, or the path of
    /// a unix socket.
    pub host: String,
    /// The port; 0 for a unix socket.
    pub port: u16,
    /// The share of keys, relative to the other nodes. Default 1.
    ///
    /// A node of weight 0 gets no keys, except with clients that read 0 as 1
    /// ([`Preset::zero_weight_counts_as_one`](super::Preset::zero_weight_counts_as_one)).
    pub weight: u32,
    /// The name that is hashed in place of host and port, as twemproxy
    /// (`host:port:weight name`) and meta-memcache (`server_id`) have it.
    ///
    /// With a name the node keeps its keys when it moves to another address.
    /// Presets that know no ring ignore it.
    pub name: Option<String>,
}

impl Node {
    /// Creates a node of weight 1.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            weight: 1,
            name: None,
        }
    }

    /// Creates a node of weight 1 behind a unix socket.
    #[must_use]
    pub fn unix(path: impl Into<String>) -> Self {
        Self::new(path, 0)
    }

    /// Sets the weight.
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Sets the name that is hashed in place of host and port.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Whether the node is a unix socket: the host is a path.
    #[must_use]
    pub fn is_unix(&self) -> bool {
        self.host.starts_with('/')
    }

    /// Returns the text that stands for this node in the hashes of `style`.
    pub(crate) fn label(&self, style: Label) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let mut label = self.host.clone();
        let unix = self.is_unix();
        let short = self.port == DEFAULT_PORT;
        match style {
            Label::Short if unix || short => {}
            Label::Short => write_port(&mut label, self.port),
            // libmemcached 1.0 prints the port of a unix socket, which is 0.
            Label::ShortWithZero if short => {}
            Label::ShortWithZero => write_port(&mut label, self.port),
            // twemproxy keeps the colon between path and weight.
            Label::Twemproxy if unix => label.push(':'),
            Label::Twemproxy if short => {}
            Label::Twemproxy => write_port(&mut label, self.port),
            // hashring splits at the first colon, so it does not see the port
            // of an IPv6 address.
            Label::HashRing if unix || (short && !self.host.contains(':')) => {}
            Label::HashRing => write_port(&mut label, self.port),
            Label::Full if unix => {}
            Label::Full => write_port(&mut label, self.port),
            Label::Bracketed if unix || self.port == 0 => {}
            Label::Bracketed => {
                if label.contains(':') {
                    label = format!("[{label}]");
                }
                write_port(&mut label, self.port);
            }
            Label::Glued if unix => {}
            Label::Glued => label.push_str(&self.port.to_string()),
        }
        label
    }
}

fn write_port(label: &mut String, port: u16) {
    write!(label, ":{port}").expect("writing to a string cannot fail");
}

/// How a client writes the address of a server that it hashes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Label {
    /// `host:port`, brackets around an IPv6 host.
    Bracketed,
    /// `host:port`.
    Full,
    /// Host and port without a colon between them.
    Glued,
    /// `host` on the default port, else `host:port`; IPv6 always with port.
    HashRing,
    /// `host` on the default port, else `host:port`.
    Short,
    /// As `Short`, unix sockets as `path:0`.
    ShortWithZero,
    /// As `Short`, unix sockets as `path:`.
    Twemproxy,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_follow_each_client() {
        let tcp = Node::new("h", 11211);
        let other = Node::new("h", 11311);
        let six = Node::new("::1", 11211);
        let unix = Node::unix("/s");
        for (style, labels) in [
            (
                Label::Bracketed,
                ["h:11211", "h:11311", "[::1]:11211", "/s"],
            ),
            (Label::Full, ["h:11211", "h:11311", "::1:11211", "/s"]),
            (Label::Glued, ["h11211", "h11311", "::111211", "/s"]),
            (Label::HashRing, ["h", "h:11311", "::1:11211", "/s"]),
            (Label::Short, ["h", "h:11311", "::1", "/s"]),
            (Label::ShortWithZero, ["h", "h:11311", "::1", "/s:0"]),
            (Label::Twemproxy, ["h", "h:11311", "::1", "/s:"]),
        ] {
            let made = [&tcp, &other, &six, &unix].map(|node| node.label(style));
            assert_eq!(made, labels, "{style:?}");
        }
        assert_eq!(tcp.with_name("east").label(Label::Full), "east");
    }
}
