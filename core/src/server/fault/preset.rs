//! Bad days with a name.

use super::Rule;
use super::action::{ErrorReply, Fault, Moment, Place};
use super::rule::{Numbers, pause, refuse};
use crate::Result;

/// The names that [`Rule::preset`] knows.
pub const PRESETS: [&str; 6] = ["dead", "drip", "flaky", "liar", "restarting", "slow"];

impl Rule {
    /// Returns the rules of a preset:
    ///
    /// * `slow`: every request takes 100 ± 50 ms.
    /// * `flaky`: of a hundred requests ten end in a reset connection (five of
    ///   them after they were executed), five in `SERVER_ERROR`, five in `ERROR`.
    /// * `drip`: replies arrive one byte every 10 ms.
    /// * `liar`: of a hundred replies twenty-five are wrong in some way: key,
    ///   opaque, length, an earlier reply, or one too many.
    /// * `dead`: nobody gets in, and who is in gets no answer.
    /// * `restarting`: every hundredth request of a connection finds the server
    ///   restarting, empty, for 50 ms.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for another name.
    pub fn preset(name: &str) -> Result<Vec<Self>> {
        named(name)
    }
}

pub(super) fn named(name: &str) -> Result<Vec<Rule>> {
    let sometimes = |fault, percent: f64, seed| {
        Rule::new(fault)
            .name(name)
            .probability(percent / 100.0, seed)
    };
    let reset = |when| Fault::Reset { when };
    let rules = match name {
        "dead" => vec![
            Rule::new(Fault::Refuse { seconds: None }),
            Rule::new(Fault::Hang {
                seconds: None,
                when: Moment::Before,
            }),
        ],
        "drip" => vec![Rule::new(Fault::Drip {
            bytes: 1,
            seconds: pause(0.01),
        })],
        "flaky" => {
            let error = |kind| Fault::Error {
                kind,
                message: None,
                when: Moment::Before,
            };
            vec![
                sometimes(reset(Moment::Before), 5.0, 1),
                sometimes(reset(Moment::After), 5.0, 2),
                sometimes(error(ErrorReply::Server), 5.0, 3),
                sometimes(error(ErrorReply::UnknownCommand), 5.0, 4),
            ]
        }
        "liar" => vec![
            sometimes(Fault::WrongKey { wrong: None }, 5.0, 1),
            sometimes(Fault::WrongOpaque {}, 5.0, 2),
            sometimes(Fault::WrongLength { by: 1 }, 5.0, 3),
            sometimes(Fault::StaleReply {}, 5.0, 4),
            sometimes(
                Fault::ExtraReply {
                    text: None,
                    place: Place::After,
                },
                5.0,
                5,
            ),
        ],
        "restarting" => vec![
            Rule::new(Fault::Restart {
                seconds: pause(0.05),
                when: Moment::Before,
            })
            .request(Numbers::Every { every: 100 }),
        ],
        "slow" => vec![Rule::new(Fault::Delay {
            seconds: pause(0.1),
            jitter: pause(0.05),
            when: Moment::Before,
        })],
        other => return Err(refuse(format!("no fault preset is called {other:?}"))),
    };
    Ok(rules.into_iter().map(|rule| rule.name(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_have_good_rules_and_carry_their_name() {
        for name in PRESETS {
            let rules = Rule::preset(name).unwrap();
            assert!(!rules.is_empty());
            for rule in rules {
                rule.check().unwrap();
                assert_eq!(rule.when.name.as_deref(), Some(name));
            }
        }
    }
}
