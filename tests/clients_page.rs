//! The tables of `docs/clients.md` name what the code has.

use memoxide::client::Options;

const PAGE: &str = include_str!("../docs/clients.md");

/// The names in the first column of a section's table.
fn names(section: &str) -> Vec<&'static str> {
    let (_, text) = PAGE
        .split_once(&format!("\n## {section}\n"))
        .expect("the page has the section");
    let text = text
        .split("\n## ")
        .next()
        .expect("a split has a first part");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split(" | ").next().unwrap_or(row))
        .flat_map(|cell| cell.split(", "))
        .map(|name| name.trim_matches('`'))
        .collect()
}

#[test]
fn the_page_lists_every_option() {
    assert_eq!(names("Options"), Options::NAMES);
}

#[test]
fn the_page_lists_every_error() {
    let errors: serde_json::Value =
        serde_json::from_str(include_str!("errors.json")).expect("the list of errors is JSON");
    let kinds = errors["kinds"].as_array().expect("it has kinds");
    let mut kinds: Vec<_> = kinds
        .iter()
        .filter_map(|kind| kind["kind"].as_str())
        .collect();
    let mut listed = names("Errors");
    kinds.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, kinds);
}
