//! Where `serve` listens, and the file that tells the port.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use super::flags::Options;
use super::{Failure, SYSTEM, complain};
use crate::server::{Place, Target};

/// One entry of `-l`.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Interface {
    /// `None` for every address of the machine.
    host: Option<String>,
    /// -1 for a free one.
    port: i32,
    tls: bool,
}

/// Binds everything the options ask for.
pub(super) fn bind(options: &Options) -> Result<Vec<Place>, Failure> {
    if let Some(path) = &options.unix_socket {
        let mode = options.settings.unix_socket_mask;
        let target = Target::Unix {
            path: path.clone(),
            mode,
        };
        let place = Place::bind(target, options.backlog).map_err(|error| {
            let reason = error.message().to_owned();
            let message = format!(
                "failed to listen on UNIX socket: {}: {}",
                path.display(),
                reason.trim_start_matches("cannot listen: ")
            );
            Failure::new(SYSTEM, message)
        })?;
        return Ok(vec![place]);
    }
    if options.interfaces.is_empty() {
        return bind_loopback(options);
    }
    let mut places = Vec::new();
    for text in &options.interfaces {
        let interface = parse(text, options.port, options.tls)?;
        let before = places.len();
        let mut refusal = None;
        for address in addresses(&interface)? {
            match bind_one(address, interface.tls, options.backlog) {
                Ok(place) => places.push(place),
                Err(reason) => refusal = Some(reason),
            }
        }
        // As memcached: of the addresses of a name one is enough.
        if places.len() == before {
            let list = options.interfaces.join(",");
            let reason = refusal.unwrap_or_else(|| "no address".into());
            let message = format!("failed to listen on one of interface(s) {list}: {reason}");
            return Err(Failure::new(SYSTEM, message));
        }
    }
    Ok(places)
}

/// Without `-l`: both loopback addresses, on one port if it is to be had. A
/// machine without IPv6 does with one.
fn bind_loopback(options: &Options) -> Result<Vec<Place>, Failure> {
    let port = u16::try_from(options.port).unwrap_or(0);
    let tls = options.tls;
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let first = bind_one(v4, tls, options.backlog).map_err(|reason| {
        let message = format!("failed to listen on TCP port {port}: {reason}");
        Failure::new(SYSTEM, message)
    })?;
    let taken = tcp_addresses(std::slice::from_ref(&first))
        .first()
        .map_or(port, SocketAddr::port);
    let v6 = |port| SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    let second = bind_one(v6(taken), tls, options.backlog).or_else(|reason| {
        if port == 0 {
            bind_one(v6(0), tls, options.backlog)
        } else {
            Err(reason)
        }
    });
    Ok([Some(first), second.ok()].into_iter().flatten().collect())
}

fn bind_one(address: SocketAddr, tls: bool, backlog: u32) -> Result<Place, String> {
    Place::bind(Target::Tcp { address, tls }, backlog).map_err(|error| {
        let message = error.message();
        let reason = message.strip_prefix("cannot listen: ").unwrap_or(message);
        reason.to_owned()
    })
}

fn addresses(interface: &Interface) -> Result<Vec<SocketAddr>, Failure> {
    let port = u16::try_from(interface.port.max(0)).map_err(|_| {
        Failure::new(
            SYSTEM,
            format!("Invalid port number: \"{}\"", interface.port),
        )
    })?;
    let Some(host) = &interface.host else {
        return Ok(vec![
            SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port),
            SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port),
        ]);
    };
    (host.as_str(), port)
        .to_socket_addrs()
        .map(Iterator::collect)
        .map_err(|error| Failure::new(SYSTEM, format!("getaddrinfo(): {host}: {error}")))
}

/// Reads `[notls:][tag[name]:]host[:port]`, with IPv6 hosts in brackets where a
/// port follows.
fn parse(text: &str, port: i32, tls: bool) -> Result<Interface, Failure> {
    let refuse = |message: String| Err(Failure::new(SYSTEM, message));
    let mut rest = text;
    let mut interface = Interface {
        host: None,
        port,
        tls,
    };
    if let Some(behind) = rest.strip_prefix("notls") {
        if !tls {
            return refuse("'notls' option is valid only when SSL is enabled".into());
        }
        interface.tls = false;
        rest = behind.strip_prefix(':').unwrap_or(behind);
    }
    for prefix in ["btls:", "mtls:", "proto["] {
        if rest.starts_with(prefix) {
            let what = prefix.trim_end_matches([':', '[']);
            return refuse(format!("'{what}' in -l is not supported: \"{text}\""));
        }
    }
    // Tags only name a listener in memcached's proxy.
    if let Some(tag) = rest
        .strip_prefix("tag[")
        .or_else(|| rest.strip_prefix("tag_"))
    {
        let Some((name, behind)) = tag.split_once([']', '_']) else {
            return refuse(format!("Invalid tag in socket config: \"{text}\""));
        };
        if name.is_empty() || name.len() > 8 {
            let rule = "Listener tags must be between 1 and 8 characters";
            return refuse(format!("{rule}: \"{name}\""));
        }
        rest = behind.strip_prefix(':').unwrap_or(behind);
    }
    let (host, digits) = if let Some(bracketed) = rest.strip_prefix('[') {
        let Some((host, behind)) = bracketed.split_once(']') else {
            return refuse(format!("Invalid IPV6 address: \"{text}\""));
        };
        (host, behind.strip_prefix(':'))
    } else {
        match rest.split_once(':') {
            Some((host, digits)) if !digits.contains(':') => (host, Some(digits)),
            // Several colons: an IPv6 address without brackets and port.
            _ => (rest, None),
        }
    };
    if let Some(digits) = digits {
        interface.port = match digits.parse() {
            Ok(port) => port,
            Err(_) => return refuse(format!("Invalid port number: \"{digits}\"")),
        };
    }
    interface.host = (host != "*").then(|| host.to_owned());
    Ok(interface)
}

/// Returns the TCP addresses of `places`, with their ports as bound.
pub(super) fn tcp_addresses(places: &[Place]) -> Vec<SocketAddr> {
    let addresses = places.iter().filter_map(|place| match place.target() {
        Target::Tcp { address, .. } => Some(*address),
        Target::Unix { .. } => None,
    });
    addresses.collect()
}

/// Writes the ports to the file that `MEMCACHED_PORT_FILENAME` names, under
/// another name first, so that whoever waits for it finds it complete.
pub(super) fn write_port_file(addresses: &[SocketAddr]) {
    let Some(path) = std::env::var_os("MEMCACHED_PORT_FILENAME").map(PathBuf::from) else {
        return;
    };
    let mut unfinished = path.clone().into_os_string();
    unfinished.push(".lck");
    let lines: String = addresses
        .iter()
        .map(|address| {
            let family = if address.is_ipv4() { "INET" } else { "INET6" };
            format!("TCP {family}: {}\n", address.port())
        })
        .collect();
    let written = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(lines.as_bytes()))
        .and_then(|()| std::fs::rename(&unfinished, &path));
    if let Err(error) = written {
        let shown = unfinished.display();
        complain(&format!("Failed to open \"{shown}\": {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_read_as_memcached_does() {
        let plain = |host: &str, port| Interface {
            host: Some(host.to_owned()),
            port,
            tls: false,
        };
        let any = Interface {
            host: None,
            ..plain("", 7)
        };
        let cases = [
            ("127.0.0.1", plain("127.0.0.1", 7)),
            ("127.0.0.1:9", plain("127.0.0.1", 9)),
            ("localhost:9", plain("localhost", 9)),
            ("::1", plain("::1", 7)),
            ("[::1]", plain("::1", 7)),
            ("[::1]:9", plain("::1", 9)),
            ("tag[green]:127.0.0.1:9", plain("127.0.0.1", 9)),
            ("tag_green_:127.0.0.1", plain("127.0.0.1", 7)),
            ("*", any.clone()),
            ("*:9", Interface { port: 9, ..any }),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text, 7, false), Ok(expected), "{text}");
        }
        let notls = parse("notls:127.0.0.1:9", 7, true);
        assert_eq!(notls, Ok(plain("127.0.0.1", 9)));
        for text in [
            "notls:127.0.0.1",
            "127.0.0.1:x",
            "[::1",
            "tag[]:x",
            "proto[ascii]:x",
        ] {
            assert_eq!(parse(text, 7, false).unwrap_err().code, SYSTEM, "{text}");
        }
    }
}
