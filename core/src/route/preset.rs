//! Named placements.

use std::fmt;

use super::catalogue::{CATALOGUE, CUSTOM, Entry};
use super::hash::{Char, KeyHash};
use super::plan::{Points, Shape};
use crate::error::{Error, ErrorKind, Result};

/// What a client does with the keys of a server that is down.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Failover {
    /// The keys of a dead server fail until it is back.
    None,
    /// The next server of the list takes the key.
    Next,
    /// The structure is built again without the dead server.
    Rebuild,
    /// The key is hashed again, in a changed form, up to some number of tries.
    Rehash,
}

impl Failover {
    /// Returns the lower-case name, such as `rebuild`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Next => "next",
            Self::Rebuild => "rebuild",
            Self::Rehash => "rehash",
        }
    }
}

/// A placement by name: which server each key goes to, as one client does it.
///
/// The default is `ketama`, the weighted md5 ring that libmemcached, PHP and
/// twemproxy share.
///
/// ```
/// use memoxide::route::Preset;
///
/// let preset = Preset::by_name("django-pymemcache")?;
/// assert_eq!(preset.name(), "pymemcache");
/// assert_eq!(Preset::default().name(), "ketama");
///
/// let error = Preset::by_name("ketma").expect_err("misspelt");
/// assert!(error.message().contains("ketama"));
/// # Ok::<(), memoxide::Error>(())
/// ```
///
/// libmemcached and twemproxy place non-ASCII keys differently on Linux for ARM,
/// where C's `char` has no sign. Where that matters, the name with `+arm`
/// stands for that placement, as in `php-memcached+arm`.
#[derive(Clone, Copy)]
pub struct Preset {
    pub(crate) entry: &'static Entry,
    pub(crate) char: Char,
}

impl Preset {
    /// Finds a preset by its name or by one of its aliases.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when there is no such preset; the message lists
    /// the names that are nearest.
    pub fn by_name(name: &str) -> Result<Self> {
        let (base, char) = match name.strip_suffix(ARM) {
            Some(base) => (base, Char::Unsigned),
            None => (name, Char::Signed),
        };
        let mut all = Self::all();
        let Some(preset) = all.find(|preset| preset.names().any(|known| known == base)) else {
            return Err(unknown(name, base));
        };
        if char == Char::Unsigned && !preset.depends_on_machine() {
            return Err(Error::new(
                ErrorKind::Config,
                format!("placement {base} is the same on every machine: leave out {ARM}"),
            ));
        }
        Ok(Self { char, ..preset })
    }

    /// Returns every preset: our own first, then client by client.
    pub fn all() -> impl Iterator<Item = Self> {
        CATALOGUE.iter().copied().flatten().map(|entry| Self {
            entry,
            char: Char::Signed,
        })
    }

    /// The preset of a router that asks the caller's function.
    pub(crate) const fn custom() -> Self {
        Self {
            entry: &CUSTOM,
            char: Char::Signed,
        }
    }

    /// Returns the name, without `+arm`; [`Display`](fmt::Display) includes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.entry.name
    }

    /// Returns the other names that [`by_name`](Self::by_name) takes.
    #[must_use]
    pub const fn aliases(self) -> &'static [&'static str] {
        self.entry.aliases
    }

    /// Returns the client whose placement this is.
    #[must_use]
    pub const fn client(self) -> &'static str {
        self.entry.client
    }

    /// Returns the version of the client that the vectors were recorded from.
    #[must_use]
    pub const fn version(self) -> &'static str {
        self.entry.version
    }

    /// Describes the placement in one line.
    #[must_use]
    pub const fn description(self) -> &'static str {
        self.entry.description
    }

    /// Whether a key prefix is part of what is hashed.
    ///
    /// Clients that add a prefix on the way out hash the bare key; see
    /// [`Router::hashed_part`](super::Router::hashed_part).
    #[must_use]
    pub const fn hashes_prefix(self) -> bool {
        self.entry.hashes_prefix
    }

    /// Whether the weights of the nodes count.
    #[must_use]
    pub const fn uses_weights(self) -> bool {
        match self.entry.shape {
            Shape::Ch3 | Shape::WideRing => false,
            Shape::Custom | Shape::Jump => true,
            Shape::Modulo { repeat, .. } => repeat,
            Shape::Ring { points, .. } => !matches!(points, Points::Even),
            Shape::Rendezvous(scoring) => {
                matches!(scoring, super::rendezvous::Scoring::Xxh3)
            }
        }
    }

    /// Whether a weight of 0 counts as 1, as it does with libmemcached and both
    /// Node rings; elsewhere a node of weight 0 gets no keys.
    #[must_use]
    pub const fn zero_weight_counts_as_one(self) -> bool {
        self.entry.zero_is_one
    }

    /// Returns what the client does with the keys of a dead server.
    #[must_use]
    pub const fn failover(self) -> Failover {
        self.entry.failover
    }

    /// Whether the client does so without being told.
    #[must_use]
    pub const fn fails_over_by_default(self) -> bool {
        self.entry.by_default
    }

    /// Whether non-ASCII keys go elsewhere on Linux for ARM; see `+arm` above.
    #[must_use]
    pub const fn depends_on_machine(self) -> bool {
        match self.entry.shape {
            Shape::Modulo { hash, .. } | Shape::Ring { hash, .. } => KeyHash::depends_on_char(hash),
            _ => false,
        }
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        let aliases = self.aliases().iter().copied();
        std::iter::once(self.name()).chain(aliases)
    }
}

impl Default for Preset {
    /// Returns `ketama`.
    fn default() -> Self {
        Self::by_name("ketama").expect("the catalogue holds ketama")
    }
}

impl Eq for Preset {}

impl PartialEq for Preset {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.char == other.char
    }
}

impl std::hash::Hash for Preset {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name().hash(state);
        self.char.hash(state);
    }
}

impl fmt::Debug for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Preset({self})")
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self.char {
            Char::Signed => Ok(()),
            Char::Unsigned => f.write_str(ARM),
        }
    }
}

impl std::str::FromStr for Preset {
    type Err = Error;

    /// Same as [`by_name`](Self::by_name).
    fn from_str(name: &str) -> Result<Self> {
        Self::by_name(name)
    }
}

/// Closes the name of a placement as it is on Linux for ARM.
const ARM: &str = "+arm";

#[cold]
fn unknown(name: &str, base: &str) -> Error {
    const SHOWN: usize = 5;
    if base == "memcache-client" {
        let message = "memcache-client picks a server at random: there is no placement to follow";
        return Error::new(ErrorKind::Config, message);
    }
    let mut near: Vec<(usize, &str)> = Preset::all()
        .flat_map(Preset::names)
        .map(|known| (distance(base, known), known))
        .collect();
    near.sort_unstable();
    let near: Vec<&str> = near.iter().take(SHOWN).map(|(_, known)| *known).collect();
    let name: String = name.chars().take(60).collect();
    Error::new(
        ErrorKind::Config,
        format!(
            "no placement is called {name:?}; near are {}",
            near.join(", ")
        ),
    )
}

/// The edit distance, where what the longer name has in addition is cheap.
fn distance(wanted: &str, known: &str) -> usize {
    const EDIT: usize = 4;
    const ADDED: usize = 1;
    let wanted: Vec<char> = wanted
        .to_lowercase()
        .replace('_', "-")
        .chars()
        .take(60)
        .collect();
    let known: Vec<char> = known.replace('_', "-").chars().collect();
    let mut row: Vec<usize> = (0..=known.len()).map(|at| at * ADDED).collect();
    for (at, letter) in wanted.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = (at + 1) * EDIT;
        for (column, other) in known.iter().enumerate() {
            let replaced = diagonal + if letter == other { 0 } else { EDIT };
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + ADDED).min(diagonal + EDIT);
        }
    }
    row[known.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_are_unique_and_found() {
        let mut seen = std::collections::HashSet::new();
        for preset in Preset::all() {
            for name in preset.names() {
                assert!(seen.insert(name), "{name} twice");
                assert_eq!(Preset::by_name(name).expect("known"), preset);
            }
        }
    }

    #[test]
    fn a_misspelt_name_lists_the_near_ones() {
        for (wrong, right) in [
            ("python_memcached", "python-memcached"),
            ("Ketama", "ketama"),
            ("twemproxy-fnv1a", "twemproxy-modula-fnv1a_64"),
            ("pylib", "pylibmc"),
            ("memjss", "memjs"),
        ] {
            let error = Preset::by_name(wrong).expect_err("misspelt");
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.message().contains(right), "{}", error.message());
        }
    }

    #[test]
    fn the_machine_is_named_only_where_it_matters() {
        let preset = Preset::by_name("php-memcached+arm").expect("one at a time");
        assert_eq!(preset.to_string(), "php-memcached-default+arm");
        assert_ne!(preset, Preset::by_name("php-memcached").expect("known"));
        assert!(Preset::by_name("ketama+arm").is_err());
    }
}
