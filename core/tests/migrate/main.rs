//! Migrations between clusters of embedded servers.

#![expect(
    clippy::disallowed_methods,
    reason = "stores items without a client, over plain sockets"
)]

mod cluster;

use std::ops::ControlFlow;

use cluster::{Cluster, NOW, Wire, cut_after};
use memoxide::client::tools::{
    Comparison, Migration, MigrationOptions, MigrationSummary, Observer, Progress, Reason,
    Relocation,
};
use memoxide::client::{Builder, Plan, Setting};
use memoxide::net::unix_now;
use memoxide::server::fault::{ErrorReply, Fault, Moment, Place, Rule};
use memoxide::{EmbeddedServer, Error, ErrorKind, Result};

/// Keys, flags, times to live and values: any flags and bytes, every kind of
/// expiry.
fn items(count: usize) -> impl Iterator<Item = (String, u32, i64, Vec<u8>)> {
    const MONTH: i64 = 30 * 24 * 3600;
    let ttls = [0, 1, 60, MONTH, *NOW + MONTH + 1, *NOW + 300_000_000];
    (0..count).map(move |number| {
        let key = format!("user:{number}:grüße");
        let flags = (number as u32).wrapping_mul(0x9e37_79b9);
        let value = (0..number % 300).map(|byte| (byte * 7) as u8).collect();
        (key, flags, ttls[number % ttls.len()], value)
    })
}

/// Checks an item that was copied. A date was made of a long time to live by the
/// client's clock, which goes on while the servers' stand still: it is later by
/// what has passed since, at most.
fn assert_arrived(found: Option<(u32, i64, Vec<u8>)>, flags: u32, ttl: i64, value: &[u8]) {
    let left = match ttl {
        0 => -1..=-1,
        date if date > *NOW => date - *NOW..=date - *NOW + (unix_now() - *NOW),
        seconds => seconds..=seconds,
    };
    let (found_flags, found_ttl, found_value) = found.expect("an item");
    assert_eq!((found_flags, &*found_value), (flags, value));
    assert!(left.contains(&found_ttl), "{found_ttl} of {ttl}");
}

fn quiet(_: &Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn options(settings: &[(&str, Setting<'_>)]) -> MigrationOptions {
    let mut options = MigrationOptions::default();
    for (name, setting) in settings {
        options.set(name, setting).expect("an option");
    }
    options
}

fn run(source: &Plan, target: &Plan, settings: &[(&str, Setting<'_>)]) -> MigrationSummary {
    let migration = Migration::new(source, target).with_options(options(settings));
    migration.run(&mut quiet).expect("a summary")
}

const DRY_RUN: (&str, Setting<'_>) = ("mode", Setting::Text("dry-run"));
const OVERWRITE: (&str, Setting<'_>) = ("overwrite", Setting::Truth(true));
const VERIFY: (&str, Setting<'_>) = ("mode", Setting::Text("verify"));

#[test]
fn everything_arrives_as_it_was() {
    const COUNT: usize = 2000;
    let (from, to) = (Cluster::new(3), Cluster::new(4));
    let old = from.plan(&[("hashing", "pylibmc")]);
    let new = to.plan(&[("hashing", "ketama")]);
    let mut bytes = 0;
    for (key, flags, ttl, value) in items(COUNT) {
        from.store(&old, &key, flags, ttl, &value);
        bytes += value.len() as u64;
    }

    let planned = run(&old, &new, &[DRY_RUN]);
    assert_eq!((planned.copied, planned.bytes), (COUNT as u64, bytes));
    assert_eq!(to.items(), 0, "a dry run writes nothing");

    let summary = run(&old, &new, &[]);
    assert!(summary.finished);
    assert_eq!(
        (summary.listed, summary.copied),
        (COUNT as u64, COUNT as u64)
    );
    assert_eq!((summary.moved(), summary.bytes), (COUNT as u64, bytes));
    assert_eq!((from.items(), to.items()), (COUNT, COUNT));
    for (key, flags, ttl, value) in items(COUNT) {
        assert_arrived(to.load(&new, &key), flags, ttl, &value);
    }
    assert!(
        !from.was_read() && !to.was_read(),
        "a copy is no use of an item"
    );

    let verified = run(&old, &new, &[VERIFY]);
    assert_eq!((verified.same, verified.bytes), (COUNT as u64, bytes));
    assert!(verified.finished && verified.unresolved.is_empty());
}

#[test]
fn a_run_can_be_repeated() {
    let (from, to) = (Cluster::new(2), Cluster::new(2));
    let (old, new) = (from.plan(&[]), to.plan(&[("hashing", "rendezvous")]));
    for (key, flags, ttl, value) in items(700) {
        from.store(&old, &key, flags, ttl, &value);
    }
    let mut told = 0;
    let stopped = Migration::new(&old, &new).run(&mut |progress: &Progress<'_>| {
        assert_eq!((progress.servers, progress.expected), (2, Some(700)));
        told += 1;
        ControlFlow::Break(())
    });
    let stopped = stopped.expect("a summary");
    assert_eq!((told, stopped.finished, stopped.copied), (1, false, 256));

    to.store(&new, "user:1:grüße", 7, 0, b"newer");
    for check_first in [false, true] {
        let repeated = run(&old, &new, &[("check_first", Setting::Truth(check_first))]);
        assert_eq!(repeated.copied + repeated.present, 700);
        assert!(repeated.finished && repeated.present >= 256);
        let newer = to.load(&new, "user:1:grüße").map(|item| item.2);
        assert_eq!(newer.as_deref(), Some(&b"newer"[..]));
    }
    assert_eq!(run(&old, &new, &[DRY_RUN]).present, 700);

    let overwritten = run(&old, &new, &[OVERWRITE]);
    assert_eq!((overwritten.copied, overwritten.present), (700, 0));
    assert_eq!(run(&old, &new, &[VERIFY]).same, 700);
}

#[test]
fn servers_that_stay_are_placed_anew_without_losing_a_key() {
    let cluster = Cluster::new(3);
    let old = cluster.plan(&[("hashing", "memjs")]);
    let new = cluster.plan(&[]);
    for (key, flags, ttl, value) in items(900) {
        cluster.store(&old, &key, flags, ttl, &value);
    }
    let summary = run(&old, &new, &[]);
    assert!(summary.finished && summary.failed == 0);
    assert_eq!(summary.copied + summary.in_place, 900);
    assert!(summary.copied > 300 && summary.in_place > 200, "{summary}");
    for (key, flags, ttl, value) in items(900) {
        assert_arrived(cluster.load(&new, &key), flags, ttl, &value);
    }
    // What lies where only the new placement looks is misplaced to the old one.
    let again = run(&old, &new, &[]);
    assert_eq!((again.copied, again.misplaced), (0, summary.copied));
    assert_eq!(run(&old, &new, &[VERIFY]).same, summary.copied);
}

#[test]
fn a_leftover_does_not_win_over_the_item() {
    let (from, to) = (Cluster::new(2), Cluster::new(1));
    let (old, new) = (from.plan(&[]), to.plan(&[]));
    let home = old.server_for(b"key").expect("a legal key");
    from.store_at(home, "key", 0, 0, b"right");
    from.store_at(1 - home, "key", 0, 0, b"left over");
    let summary = run(&old, &new, &[]);
    assert_eq!((summary.copied, summary.misplaced), (1, 1));
    assert_eq!(to.load(&new, "key"), Some((0, -1, b"right".to_vec())));

    Wire::to(&from.servers[home]).line(b"delete key\r\n");
    Wire::to(&to.servers[0]).line(b"flush_all\r\n");
    let summary = run(&old, &new, &[("misplaced", Setting::Truth(true))]);
    assert_eq!((summary.copied, summary.misplaced), (1, 0));
    assert_eq!(to.load(&new, "key"), Some((0, -1, b"left over".to_vec())));
}

#[test]
fn a_prefix_is_taken_off_here_and_put_on_there() {
    let (from, to) = (Cluster::new(2), Cluster::new(2));
    let old = from.plan(&[("prefix", "old:"), ("hashing", "memjs")]);
    let new = to.plan(&[("prefix", "new:")]);
    for number in 0..50 {
        from.store(&old, &format!("{number}"), 5, 60, b"value");
    }
    from.store_at(0, "else:1", 0, 0, b"of another program");
    let summary = run(&old, &new, &[]);
    assert_eq!((summary.copied, summary.outside), (50, 1));
    assert_eq!(to.load(&new, "17"), Some((5, 60, b"value".to_vec())));
    assert_eq!(summary.moved(), 50);
}

#[test]
fn what_differs_is_told_key_by_key_and_can_be_run_again() {
    let (from, to) = (Cluster::new(2), Cluster::new(2));
    let (old, new) = (from.plan(&[]), to.plan(&[]));
    for (key, flags, ttl, value) in items(100) {
        from.store(&old, &key, flags, ttl, &value);
    }
    run(&old, &new, &[]);
    let (key, flags, ttl, value) = items(100).nth(40).expect("an item");
    to.store(&new, &key, flags ^ 1, ttl, &value);
    let (other, flags, ttl, _) = items(100).nth(41).expect("an item");
    to.store(&new, &other, flags, ttl, b"changed");
    let server = new
        .server_for(b"user:42:gr\xc3\xbc\xc3\x9fe")
        .expect("legal");
    Wire::to(&to.servers[server]).line("delete user:42:grüße\r\n".as_bytes());

    let verified = run(&old, &new, &[VERIFY]);
    assert_eq!(
        (verified.same, verified.different, verified.missing),
        (97, 2, 1)
    );
    let mut told: Vec<_> = verified.unresolved.iter().collect();
    told.sort_by_key(|unresolved| &unresolved.key);
    let told: Vec<_> = told
        .iter()
        .map(|unresolved| (&unresolved.key[..7], &unresolved.reason))
        .collect();
    let wanted: [(&[u8], _); 3] = [
        (b"user:40", &Reason::Different),
        (b"user:41", &Reason::Different),
        (b"user:42", &Reason::Missing),
    ];
    assert_eq!(told, wanted);

    let keys = verified
        .unresolved
        .into_iter()
        .map(|unresolved| Ok(unresolved.key));
    let migration = Migration::new(&old, &new).with_options(options(&[OVERWRITE]));
    let repaired = migration.run_keys(keys, &mut quiet).expect("a summary");
    assert_eq!((repaired.listed, repaired.copied), (3, 3));
    assert_eq!(run(&old, &new, &[VERIFY]).same, 100);
}

#[test]
fn keys_that_are_given_need_not_be_there() {
    let (from, to) = (Cluster::new(1), Cluster::new(1));
    let (old, new) = (from.plan(&[]), to.plan(&[]));
    from.store(&old, "here", 3, 0, b"value");
    let keys = [&b"here"[..], b"gone", b"two words"];
    let keys = keys.map(|key| Ok(key.to_vec()));
    let summary = Migration::new(&old, &new).run_keys(keys, &mut quiet);
    let summary = summary.expect("a summary");
    assert_eq!((summary.copied, summary.gone, summary.failed), (1, 1, 1));
    let Reason::Failed(error) = &summary.unresolved[0].reason else {
        panic!("{:?}", summary.unresolved[0]);
    };
    assert_eq!(error.kind(), ErrorKind::InvalidKey);

    let broken = Migration::new(&old, &new).run_keys([Err(nothing())], &mut quiet);
    assert_eq!(broken, Err(nothing()));
}

fn nothing() -> Error {
    Error::new(ErrorKind::InvalidArgument, "nothing more")
}

#[test]
fn in_text_the_list_tells_when_items_expire() {
    let (from, to) = (Cluster::new(2), Cluster::new(2));
    let settings = [("protocol", "text")];
    let (old, new) = (from.plan(&settings), to.plan(&settings));
    for number in 0..30 {
        from.store(
            &old,
            &format!("timed:{number}"),
            9,
            *NOW + 300_000_000,
            b"value",
        );
        from.store(&old, &format!("lasting:{number}"), 9, 0, b"value");
    }
    assert_eq!(run(&old, &new, &[DRY_RUN]).copied, 60);
    assert_eq!(run(&old, &new, &[]).copied, 60);
    assert_eq!(run(&old, &new, &[VERIFY]).same, 60);
    assert_eq!(to.load(&new, "lasting:3"), Some((9, -1, b"value".to_vec())));
    let timed = to.load(&new, "timed:3");
    assert_arrived(timed, 9, *NOW + 300_000_000, b"value");

    let summary = Migration::new(&old, &new).run_keys([Ok(b"timed:1".to_vec())], &mut quiet);
    let summary = summary.expect("a summary");
    let Reason::Failed(error) = &summary.unresolved[0].reason else {
        panic!("{:?}", summary.unresolved[0]);
    };
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn large_values_are_copied_in_small_batches() {
    let (from, to) = (Cluster::new(1), Cluster::new(2));
    let (old, new) = (from.plan(&[]), to.plan(&[]));
    let value = vec![7; 900_000];
    for number in 0..20 {
        from.store(&old, &format!("{number}"), 0, 0, &value);
    }
    let mut largest = 0;
    let mut before = 0;
    let summary = Migration::new(&old, &new).run(&mut |progress: &Progress<'_>| {
        largest = largest.max(progress.summary.bytes - before);
        before = progress.summary.bytes;
        ControlFlow::Continue(())
    });
    assert_eq!(summary.expect("a summary").copied, 20);
    assert!(largest < 6 << 20, "{largest} bytes at once");
    assert_eq!(run(&old, &new, &[VERIFY]).same, 20);
}

#[test]
fn a_rate_is_kept() {
    let (from, to) = (Cluster::new(1), Cluster::new(1));
    let (old, new) = (from.plan(&[]), to.plan(&[]));
    for number in 0..600 {
        from.store(&old, &format!("{number}"), 0, 0, &[0; 100]);
    }
    // The last batch is not followed by a pause.
    let rates = [
        ("keys_per_second", 2000.0, 0.2),
        ("bytes_per_second", 200_000.0, 0.25),
    ];
    for (name, rate, least) in rates {
        let settings = [(name, Setting::Number(rate)), OVERWRITE];
        let summary = run(&old, &new, &settings);
        assert_eq!(summary.copied, 600);
        assert!(summary.elapsed.as_secs_f64() >= least, "{name}: {summary}");
    }
}

#[test]
fn lost_connections_are_made_up_for() {
    let (from, to) = (Cluster::new(1), Cluster::new(1));
    let (old, new) = (from.plan(&[]), to.plan(&[]));
    for number in 0..100 {
        from.store(&old, &format!("{number}"), 0, 0, b"value");
    }
    let reset = |when| Rule::new(Fault::Reset { when }).skip(50).times(1);
    let fault = reset(Moment::Before).command("mg");
    from.servers[0].add_fault(fault).expect("a rule");
    let fault = reset(Moment::After).command("ms");
    to.servers[0].add_fault(fault).expect("a rule");
    let summary = run(&old, &new, &[]);
    // What was stored without its reply is there when it is stored again.
    assert_eq!(summary.copied + summary.present, 100, "{summary}");
    assert!(summary.present > 0 && summary.finished);
    assert_eq!(run(&old, &new, &[VERIFY]).same, 100);
}

#[test]
fn what_the_target_refuses_is_told() {
    let (from, to) = (Cluster::new(1), Cluster::new(1));
    let (old, new) = (from.plan(&[]), to.plan(&[]));
    for number in 0..10 {
        from.store(&old, &format!("{number}"), 0, 0, b"value");
    }
    let refuse = Fault::Error {
        kind: ErrorReply::TooLarge,
        message: None,
        when: Moment::Before,
    };
    let rule = Rule::new(refuse).key("7");
    to.servers[0].add_fault(rule).expect("a rule");
    let summary = run(&old, &new, &[]);
    assert_eq!((summary.copied, summary.failed), (9, 1));
    let [unresolved] = &summary.unresolved[..] else {
        panic!("{summary}");
    };
    assert_eq!(unresolved.key, b"7");
    assert_eq!(&*unresolved.server, to.servers[0].endpoint());
    let Reason::Failed(error) = &unresolved.reason else {
        panic!("{unresolved:?}");
    };
    assert_eq!(error.kind(), ErrorKind::ValueTooLarge);
}

#[test]
fn a_busy_server_is_asked_again() {
    let (from, to) = (Cluster::new(1), Cluster::new(1));
    let (old, new) = (from.plan(&[]), to.plan(&[]));
    from.store(&old, "key", 0, 0, b"value");
    let busy = Fault::ExtraReply {
        text: Some("BUSY currently processing crawler request\r\n".to_owned()),
        place: Place::Before,
    };
    let rule = Rule::new(busy).command("lru_crawler").times(2);
    from.servers[0].add_fault(rule).expect("a rule");
    let summary = run(&old, &new, &[]);
    assert_eq!((summary.listed, summary.copied), (1, 1));
    assert!(summary.finished);
}

#[test]
fn a_list_that_breaks_off_is_told_and_used() {
    let (from, to) = (Cluster::new(1), Cluster::new(1));
    let (old, new) = (from.plan(&[]), to.plan(&[]));
    for number in 0..2000 {
        from.store(&old, &format!("{number}"), 0, 0, b"value");
    }
    // Values take about 40,000 bytes, the list three times as much.
    let address = cut_after(60_000, from.servers[0].port());
    let cut = Builder::default().server(&address).and_then(Builder::plan);
    let summary = run(&cut.expect("a plan"), &new, &[]);
    assert!(summary.copied > 500 && summary.copied < 2000, "{summary}");
    assert_eq!(summary.listed, summary.copied);
    assert!(!summary.finished);
    assert_eq!(summary.unlisted[0].kind(), ErrorKind::ConnectionLost);
}

#[test]
fn a_server_that_cannot_list_is_named() {
    let (from, to) = (Cluster::new(2), Cluster::new(1));
    let mute = EmbeddedServer::start().expect("a port");
    assert_eq!(Wire::to(&mute).line(b"lru_crawler disable\r\n"), "OK");
    let new = to.plan(&[]);
    let alone = plan_of(&[&mute]);
    let error = Migration::new(&alone, &new).run(&mut quiet);
    let error = error.expect_err("no list");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.endpoint(), Some(mute.endpoint()));

    let some = plan_of(&[&from.servers[0], &mute]);
    for number in 0..20 {
        let key = format!("{number}");
        if some.server_for(key.as_bytes()) == Ok(0) {
            from.store_at(0, &key, 0, 0, b"value");
        }
    }
    let summary = run(&some, &new, &[]);
    assert!(summary.copied > 0 && !summary.finished);
    assert_eq!(summary.unlisted.len(), 1);
    assert_eq!(summary.unlisted[0].endpoint(), Some(mute.endpoint()));
}

fn plan_of(servers: &[&EmbeddedServer]) -> Plan {
    let builder = Builder::default();
    let servers = servers.iter().map(|server| server.endpoint());
    let servers = servers.map(|server| server.parse().expect("an address"));
    builder.servers(servers).plan().expect("a plan")
}

#[test]
fn a_target_that_is_down_fails_its_keys_until_there_are_too_many() {
    let from = Cluster::new(1);
    let old = from.plan(&[]);
    for number in 0..600 {
        from.store(&old, &format!("{number}"), 0, 0, b"value");
    }
    let down = EmbeddedServer::start().expect("a port");
    let new = plan_of(&[&down]);
    // One that has stopped would leave its port to the servers of other tests.
    down.refuse_connections().expect("a running server");
    let summary = run(&old, &new, &[("max_failures", Setting::Number(200.0))]);
    assert!(!summary.finished);
    // The batch that was under way is still told.
    assert_eq!((summary.failed, summary.unresolved.len()), (256, 256));
    let Reason::Failed(error) = &summary.unresolved[0].reason else {
        panic!("{:?}", summary.unresolved[0]);
    };
    assert!(error.is_connection(), "{error}");
}

#[test]
fn an_observer_that_fails_ends_the_run() {
    struct Impatient;
    impl Observer for Impatient {
        fn progress(&mut self, _: &Progress<'_>) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }

        fn interrupted(&self) -> Result<()> {
            Err(nothing())
        }
    }
    let (from, to) = (Cluster::new(1), Cluster::new(1));
    let (old, new) = (from.plan(&[]), to.plan(&[]));
    from.store(&old, "key", 0, 0, b"value");
    let ended = Migration::new(&old, &new).run(&mut Impatient);
    assert_eq!(ended, Err(nothing()));
    assert_eq!(to.items(), 0);
}

#[test]
fn the_keys_of_a_running_cluster_are_compared() {
    let cluster = Cluster::new(3);
    let settings = [("hashing", "memjs"), ("prefix", "app:")];
    let (old, new) = (cluster.plan(&settings), cluster.plan(&[("prefix", "app:")]));
    let mut moving = Vec::new();
    for (key, flags, ttl, value) in items(500) {
        cluster.store(&old, &key, flags, ttl, &value);
        if old.server_for(key.as_bytes()) != new.server_for(key.as_bytes()) {
            moving.push(key.into_bytes());
        }
    }
    let away = (old.server_for(b"stray").expect("a legal key") + 1) % 3;
    cluster.store_at(away, "app:stray", 0, 0, b"misplaced");
    cluster.store_at(0, "other:1", 0, 0, b"of another program");

    let mut comparison = Comparison::new(&old, &new);
    let mut told = Vec::new();
    let mut each = |key: &[u8], relocation: &Relocation| {
        if relocation.moves() {
            told.push(key.to_vec());
        }
        ControlFlow::Continue(())
    };
    let listed = comparison.add_listed(&mut each, &|| Ok(()));
    listed.expect("servers that list");
    told.sort_unstable();
    moving.sort_unstable();
    assert_eq!(told, moving);
    assert_eq!((comparison.keys(), comparison.passed_over()), (500, 2));
    assert_eq!(comparison.moved(), moving.len() as u64);

    let keys = [&b"user:1"[..], b"two words", b"user:2"].map(|key| Ok(key.to_vec()));
    let mut comparison = Comparison::new(&old, &new);
    let mut on = |_: &[u8], _: &Relocation| ControlFlow::Continue(());
    let added = comparison.add_all(keys, &mut on);
    assert_eq!((added, comparison.keys()), (Ok(()), 2));
    assert_eq!(comparison.passed_over(), 1);

    let mut enough = |_: &[u8], _: &Relocation| ControlFlow::Break(());
    let mut comparison = Comparison::new(&old, &new);
    let listed = comparison.add_listed(&mut enough, &|| Ok(()));
    assert_eq!((listed, comparison.keys()), (Ok(()), 1));
}

#[test]
fn without_servers_there_is_nothing_to_copy() {
    let nowhere = plan_of(&[]);
    let error = Migration::new(&nowhere, &nowhere).run(&mut quiet);
    assert_eq!(error.expect_err("no server").kind(), ErrorKind::NoServers);
}
