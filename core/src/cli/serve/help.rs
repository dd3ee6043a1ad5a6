//! What `serve` prints about itself.

/// The version line. Tools read `memcached` and a number at its beginning.
pub(super) fn version() -> String {
    let compatible = crate::server::Settings::default().version;
    format!(
        "memcached {compatible} (memoxide {})",
        env!("CARGO_PKG_VERSION")
    )
}

/// The help, in the order and shape of memcached's.
pub(super) fn help() -> String {
    format!("{}\n{HELP}", version())
}

pub(super) const LICENSE: &str = "\
memoxide is licensed under MIT or Apache-2.0, at your choice.
It shares no code with memcached, whose flags it takes.";

const HELP: &str = "\
-p, --port=<num>          TCP port to listen on, -1 for a free one (default: 11211)
-U, --udp-port=<num>      ignored: memoxide does not speak UDP (default: 0, off)
-s, --unix-socket=<file>  unix socket to listen on, instead of TCP
-a, --unix-mask=<mask>    permissions of the unix socket, in octal (default: 700)
-A, --enable-shutdown     allow the command \"shutdown\"
-l, --listen=<addr>       address or name to listen on, with or without port; may be
                          given several times or as a list (default: loopback only,
                          \"-l *\" for every address)
                          with TLS, \"notls:\" in front makes one address plain
-d, --daemon              run in the background
-r, --enable-coredumps    ignored
-u, --user=<user>         serve as this user (only when run as root)
-m, --memory-limit=<num>  megabytes for items (default: 64)
-M, --disable-evictions   answer with an error when the memory is full
-c, --conn-limit=<num>    connections open at once (default: 1024)
-k, --lock-memory         ignored
-v, --verbose             tell more on the standard error stream; may be repeated
-h, --help                print this help and exit
-i, --license             print the licence and exit
-V, --version             print the version and exit
-P, --pidfile=<file>      write the process id to a file
-f, --slab-growth-factor=<num> growth of the reported slab classes (default: 1.25)
-n, --slab-min-size=<bytes> smallest reported chunk (default: 48)
-L, --enable-largepages   ignored
-D <char>                 character that ends a key's prefix in \"stats detail\",
                          which is then collected (default: \":\", not collected)
-t, --threads=<num>       threads that serve (default: 4)
-R, --max-reqs-per-event  reported only (default: 20)
-C, --disable-cas         items have no cas id
-b, --listen-backlog=<num> connections that may wait to be accepted (default: 1024)
-B, --protocol=<name>     ascii, binary, or auto (default: auto)
-I, --max-item-size=<num> largest item, with k or m behind the number
                          (default: 1m, min: 1k, max: 1024m)
-S, --enable-sasl         binary protocol with SASL PLAIN; users are the lines
                          user:password of the file that MEMCACHED_SASL_PWDB names
-F, --disable-flush-all   refuse the command \"flush_all\"
-X, --disable-dumping     refuse \"stats cachedump\" and \"lru_crawler metadump\"
-W, --disable-watch       refuse the command \"watch\"
-Y, --auth-file=<file>    text protocol with authentication; users are the lines
                          user:password of the file (HUP reads it again)
-e, --memory-file=<file>  ignored: items are kept in memory only
-Z, --enable-ssl          speak TLS
-o, --extended            comma separated list of further options:
   - maxconns_fast:       refuse connections over the limit at once (default);
                          no_maxconns_fast lets them wait
   - idle_timeout:        seconds until a silent connection is closed (default: 0, never)
   - no_lru_crawler:      the command \"lru_crawler\" answers that it is disabled
   - no_lru_maintainer:   reported only
   - track_sizes:         collect \"stats sizes\"
   - ssl_chain_cert:      certificate chain, in PEM
   - ssl_key:             private key, in PEM, if not in the same file
   - ssl_verify_mode:     client certificates: 0 (none), 1 (request), 2 or 3 (require)
   - ssl_ca_cert:         authorities of client certificates, in PEM
   - ssl_min_version:     2 (TLS 1.2, the default) or 3 (TLS 1.3)
   - other options of memcached are accepted and change nothing

Beyond memcached:
    --fault=<rules>       misbehave by these rules: JSON, @ and a file of it, or a
                          preset (dead, drip, flaky, liar, restarting, slow); may be
                          given several times
    --fault-control       allow the command \"fault\", which changes the rules
    --request-timeout=<sec> close connections that take longer to send a request
                          or to take a reply (default: 120)
    --buffer-limit=<num>  megabytes for unfinished requests and unread replies of
                          all connections (default: 64)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_reads_like_memcacheds() {
        let version = version();
        let mut words = version.split_whitespace();
        assert_eq!(words.next(), Some("memcached"));
        let numbers: Vec<u32> = words
            .next()
            .unwrap()
            .split('.')
            .map(|number| number.parse().unwrap())
            .collect();
        assert_eq!(numbers.len(), 3);
    }

    #[test]
    fn the_help_lists_every_flag() {
        let help = help();
        for flag in super::super::flags::TABLE {
            let long = format!("--{}", flag.long);
            let known = help.contains(&long) || flag.short == 'D' || flag.short == 'N';
            assert!(known, "{long}");
        }
    }
}
