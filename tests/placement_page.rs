//! The tables of `docs/placement.md` say what the code says.
//!
//! When one of these tests fails, put the block that it prints into the page.

use memoxide::route::{Failover, Node, Preset, Router, hash};

const PAGE: &str = include_str!("../docs/placement.md");

#[test]
fn the_page_lists_every_preset() {
    let mut table = String::from(
        "| preset | recorded from | placement | weights | prefix hashed | dead server |\n\
         |---|---|---|---|---|---|\n",
    );
    for preset in Preset::all() {
        let mut names = format!("`{}`", preset.name());
        for alias in preset.aliases() {
            names += &format!(", `{alias}`");
        }
        let source = match preset.client() {
            "memoxide" => "its own".to_owned(),
            client => format!("{client} {}", preset.version()),
        };
        let dead = match (preset.failover(), preset.fails_over_by_default()) {
            (Failover::None, _) => "fails".to_owned(),
            (failover, true) => failover.name().to_owned(),
            (failover, false) => format!("fails, or {}", failover.name()),
        };
        let row = [
            names.as_str(),
            &source,
            preset.description(),
            yes(preset.uses_weights()),
            yes(preset.hashes_prefix()),
            &dead,
        ];
        table += &format!("| {} |\n", row.join(" | "));
    }
    assert!(PAGE.contains(&table), "the table should be:\n\n{table}");
}

#[test]
fn the_page_tells_how_many_keys_move() {
    let mut table = String::from(
        "| placement | 3 servers become 4 | 10 become 11 | one of 10 is taken out |\n\
         |---|---|---|---|\n",
    );
    type Make = fn(&[Node]) -> Router;
    let rows: [(&str, Make); 5] = [
        ("md5 modulo the number of servers", md5_modulo),
        ("`python-memcached`", |nodes| {
            preset("python-memcached", nodes)
        }),
        ("`ketama`", |nodes| preset("ketama", nodes)),
        ("`rendezvous`", |nodes| preset("rendezvous", nodes)),
        ("`jump`", |nodes| preset("jump", nodes)),
    ];
    for (name, make) in rows {
        let ten = nodes(10);
        let one_less: Vec<Node> = ten
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != 4)
            .map(|(_, node)| node.clone())
            .collect();
        table += &format!(
            "| {name} | {} | {} | {} |\n",
            moved(make, &nodes(3), &nodes(4)),
            moved(make, &ten, &nodes(11)),
            moved(make, &ten, &one_less),
        );
    }
    assert!(PAGE.contains(&table), "the table should be:\n\n{table}");
}

/// The share of 100,000 keys whose server changes.
fn moved(make: impl Fn(&[Node]) -> Router, old: &[Node], new: &[Node]) -> String {
    const KEYS: usize = 100_000;
    let (before, after) = (make(old), make(new));
    let host = |nodes: &[Node], router: &Router, key: &str| {
        let index = router.route(key.as_bytes()).expect("there are nodes");
        nodes[index].host.clone()
    };
    let changes = (0..KEYS)
        .map(|i| format!("user:{i}"))
        .filter(|key| host(old, &before, key) != host(new, &after, key));
    format!("{:.1} %", changes.count() as f64 * 100.0 / KEYS as f64)
}

fn md5_modulo(nodes: &[Node]) -> Router {
    let count = nodes.len() as u128;
    let place = move |key: &[u8]| (u128::from_be_bytes(hash::md5_digest(key)) % count) as u64;
    Router::custom(nodes, place).expect("even weights")
}

fn preset(name: &str, nodes: &[Node]) -> Router {
    let preset = Preset::by_name(name).expect("a known preset");
    Router::new(preset, nodes).expect("even weights")
}

fn nodes(count: usize) -> Vec<Node> {
    let node = |i| Node::new(format!("cache{i}.example"), 11211);
    (1..=count).map(node).collect()
}

const fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}
