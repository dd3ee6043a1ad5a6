//! The reviewed table of differences between versions of memcached.
//!
//! Our server answers as 1.6.45. A difference to another version is let pass
//! only if an entry names the request, that version's answer and ours.

use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    differences: Vec<Difference>,
}

/// One difference. In the patterns `*` stands for anything, and bytes that are
/// not printable are written as Rust escapes them.
#[derive(Deserialize)]
struct Difference {
    name: String,
    /// The versions that answer so.
    versions: Vec<String>,
    /// The requests concerned.
    requests: Vec<String>,
    theirs: String,
    ours: String,
    /// Why ours is what it is.
    #[serde(rename = "why")]
    _why: String,
}

/// The versions that the table was made from.
const KNOWN: [&str; 2] = ["1.6.18", OURS];
/// The version whose behaviour ours is.
const OURS: &str = "1.6.45";

/// The entries for one version.
pub(crate) struct Versions {
    differences: Vec<Difference>,
    met: Vec<usize>,
    are_ours: bool,
}

impl Versions {
    pub(crate) fn of(version: &str) -> Self {
        let table: Table =
            serde_json::from_str(include_str!("../vectors/version_differences.json"))
                .expect("the table is valid");
        let differences: Vec<_> = table
            .differences
            .into_iter()
            .filter(|difference| difference.versions.iter().any(|known| known == version))
            .collect();
        let met = vec![0; differences.len()];
        Self {
            differences,
            met,
            are_ours: version == OURS,
        }
    }

    /// Whether nothing is known of a version.
    pub(crate) fn is_unknown(version: &str) -> bool {
        !KNOWN.contains(&version)
    }

    /// Whether the version is the one whose behaviour ours is.
    pub(crate) const fn are_ours(&self) -> bool {
        self.are_ours
    }

    /// Whether an entry explains the difference.
    pub(crate) fn explain(&mut self, request: &[u8], theirs: &[u8], ours: &[u8]) -> bool {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let (request, theirs, ours) = (text(request), text(theirs), text(ours));
        let found = self.differences.iter().position(|difference| {
            let concerned = &difference.requests;
            concerned.iter().any(|pattern| fits(pattern, &request))
                && fits(&difference.theirs, &theirs)
                && fits(&difference.ours, &ours)
        });
        if let Some(number) = found {
            self.met[number] += 1;
        }
        found.is_some()
    }

    /// Tells how often each entry was met.
    pub(crate) fn summary(&self) -> String {
        self.differences
            .iter()
            .zip(&self.met)
            .map(|(difference, met)| format!("{}: {met}\n", difference.name))
            .collect()
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    true
}

#[test]
fn a_star_stands_for_anything() {
    assert!(fits("set * 0 *\\r\\n", "set a 0 5\\r\\n"));
    assert!(fits("*", ""));
    assert!(!fits("a*b", "ac"));
    assert!(!fits("ab", "abc"));
    assert!(!fits("a*bc", "abcd"));
}
