//! How a migration goes about it.

use crate::client::options::Setting;
use crate::error::{Error, ErrorKind, Result};

/// What a migration does.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Mode {
    /// Copies items.
    #[default]
    Copy,
    /// Finds out what would be copied, and writes nothing.
    DryRun,
    /// Compares flags and bytes on both sides, and writes nothing.
    Verify,
}

impl Mode {
    /// Returns the name used in options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::DryRun => "dry-run",
            Self::Verify => "verify",
        }
    }
}

/// How a migration goes about it; [`set`](Self::set) takes the options by the
/// names that hold in all languages.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MigrationOptions {
    /// What it does. Default copy.
    pub mode: Mode,
    /// Whether items that the target has already are overwritten. Default false:
    /// they are newer than what is copied, or were copied before.
    pub overwrite: bool,
    /// Whether the target is asked which keys it has before they are read from
    /// the source, which makes repeated runs cheaper and the first one dearer.
    /// Default false. Nothing is asked when items are overwritten.
    pub check_first: bool,
    /// Whether keys are copied that are on another source server than the
    /// placement says: left over from failovers and earlier placements, or
    /// stored with a server key. Default false: nobody would miss the former,
    /// and they may be old.
    pub misplaced: bool,
    /// The most keys in a second. Default no limit.
    pub keys_per_second: Option<f64>,
    /// The most bytes of values in a second. Default no limit. A batch that is
    /// larger goes at once, and is followed by a pause.
    pub bytes_per_second: Option<f64>,
    /// After how many keys that fail, are missing or differ the run is given up.
    /// Default 10,000.
    pub max_failures: usize,
}

impl Default for MigrationOptions {
    fn default() -> Self {
        Self {
            mode: Mode::Copy,
            overwrite: false,
            check_first: false,
            misplaced: false,
            keys_per_second: None,
            bytes_per_second: None,
            max_failures: 10_000,
        }
    }
}

impl MigrationOptions {
    /// Every name that [`set`](Self::set) knows, in alphabetical order.
    pub const NAMES: [&'static str; 7] = [
        "bytes_per_second",
        "check_first",
        "keys_per_second",
        "max_failures",
        "misplaced",
        "mode",
        "overwrite",
    ];

    /// Sets an option by its name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] when there is no such option or the value
    /// does not fit it; the message names both.
    pub fn set(&mut self, name: &str, setting: &Setting<'_>) -> Result<()> {
        if *setting == Setting::None && Self::NAMES.contains(&name) {
            return Ok(());
        }
        let fits = match (name, setting) {
            ("check_first", Setting::Truth(truth)) => {
                self.check_first = *truth;
                true
            }
            ("misplaced", Setting::Truth(truth)) => {
                self.misplaced = *truth;
                true
            }
            ("overwrite", Setting::Truth(truth)) => {
                self.overwrite = *truth;
                true
            }
            ("mode", Setting::Text(text)) => {
                let mut modes = [Mode::Copy, Mode::DryRun, Mode::Verify].into_iter();
                let mode = modes.find(|mode| mode.name() == *text);
                self.mode = mode.unwrap_or(self.mode);
                mode.is_some()
            }
            ("keys_per_second", Setting::Number(rate)) if is_rate(*rate) => {
                self.keys_per_second = Some(*rate);
                true
            }
            ("bytes_per_second", Setting::Number(rate)) if is_rate(*rate) => {
                self.bytes_per_second = Some(*rate);
                true
            }
            ("max_failures", Setting::Number(count)) if is_count(*count) => {
                self.max_failures = *count as usize;
                true
            }
            _ => false,
        };
        if fits {
            return Ok(());
        }
        let message = match name {
            "mode" => "option mode is none of copy, dry-run, verify".to_owned(),
            "check_first" | "misplaced" | "overwrite" => format!("option {name} is no yes or no"),
            "bytes_per_second" | "keys_per_second" => {
                format!("option {name} is no number above 0")
            }
            "max_failures" => "option max_failures is no whole number above 0".to_owned(),
            _ => format!(
                "there is no option \"{}\" of a migration, only: {}",
                name.escape_debug(),
                Self::NAMES.join(", ")
            ),
        };
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }
}

fn is_rate(number: f64) -> bool {
    number > 0.0 && number.is_finite()
}

fn is_count(number: f64) -> bool {
    number >= 1.0 && number.fract() == 0.0 && number <= f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_set_by_name() {
        let mut options = MigrationOptions::default();
        let settings = [
            ("bytes_per_second", Setting::Number(1e6)),
            ("check_first", Setting::Truth(true)),
            ("keys_per_second", Setting::Number(0.5)),
            ("max_failures", Setting::Number(5.0)),
            ("misplaced", Setting::Truth(true)),
            ("mode", Setting::Text("dry-run")),
            ("overwrite", Setting::Truth(true)),
        ];
        assert_eq!(
            settings.clone().map(|(name, _)| name),
            MigrationOptions::NAMES
        );
        for (name, setting) in settings {
            options.set(name, &setting).expect(name);
            options.set(name, &Setting::None).expect(name);
        }
        assert_eq!(options.mode, Mode::DryRun);
        assert_eq!(options.keys_per_second, Some(0.5));
        assert!(options.check_first && options.misplaced && options.overwrite);
    }

    #[test]
    fn a_misfit_names_the_option() {
        let mut options = MigrationOptions::default();
        for (name, setting) in [
            ("keys_per_second", Setting::Number(0.0)),
            ("bytes_per_second", Setting::Number(f64::INFINITY)),
            ("max_failures", Setting::Number(0.5)),
            ("mode", Setting::Text("move")),
            ("overwrite", Setting::Text("yes")),
            ("speed", Setting::Number(1.0)),
        ] {
            let error = options.set(name, &setting).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().contains(name), "{error}");
        }
    }
}
