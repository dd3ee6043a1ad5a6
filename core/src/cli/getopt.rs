//! Flags read as the C library's `getopt_long` reads them, messages included.
//!
//! Scripts that start memcached rely on it: short flags in one word (`-vvt4`),
//! values attached or apart, long flags shortened as long as they are unique,
//! flags behind operands.

/// One flag of a program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flag {
    /// The letter; a control character for flags that have none.
    pub(super) short: char,
    /// The long name, without dashes.
    pub(super) long: &'static str,
    /// Whether a value follows.
    pub(super) value: Value,
}

/// Whether a flag has a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Value {
    /// It has none.
    Never,
    /// It has one behind `=` of the long name only.
    Optional,
    /// It must have one.
    Required,
}

/// What a command line says: flags by letter with their values, and the rest.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Parsed {
    /// Flags in order.
    pub(super) flags: Vec<(char, Option<String>)>,
    /// Words that are neither flags nor values.
    pub(super) operands: Vec<String>,
}

/// Reads `words` by `table`, up to the first that is wrong; then the message is
/// what the C library would print behind the program's name.
pub(super) fn parse(table: &[Flag], words: &[String]) -> (Parsed, Option<String>) {
    let mut parsed = Parsed::default();
    let error = parse_into(&mut parsed, table, words).err();
    (parsed, error)
}

fn parse_into(parsed: &mut Parsed, table: &[Flag], words: &[String]) -> Result<(), String> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            parsed.operands.extend(words.cloned());
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let flag = by_name(table, name, long)?;
            let value = match (flag.value, value) {
                (Value::Never, Some(_)) => {
                    let long = flag.long;
                    return Err(format!("option '--{long}' doesn't allow an argument"));
                }
                (Value::Required, None) => match words.next() {
                    Some(value) => Some(value.clone()),
                    None => return Err(format!("option '--{}' requires an argument", flag.long)),
                },
                (_, value) => value,
            };
            parsed.flags.push((flag.short, value));
        } else if let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) {
            let mut rest = letters.chars();
            while let Some(letter) = rest.next() {
                let known = |flag: &&Flag| flag.short == letter && !letter.is_control();
                let Some(flag) = table.iter().find(known) else {
                    return Err(format!("invalid option -- '{letter}'"));
                };
                if flag.value != Value::Required {
                    parsed.flags.push((letter, None));
                    continue;
                }
                let value = match rest.as_str() {
                    "" => words.next().cloned(),
                    attached => Some(attached.to_owned()),
                };
                let Some(value) = value else {
                    return Err(format!("option requires an argument -- '{letter}'"));
                };
                parsed.flags.push((letter, Some(value)));
                break;
            }
        } else {
            parsed.operands.push(word.clone());
        }
    }
    Ok(())
}

/// Finds a long flag by its name or by a beginning that fits no other; messages
/// quote it as `written`.
fn by_name<'a>(table: &'a [Flag], name: &str, written: &str) -> Result<&'a Flag, String> {
    if let Some(flag) = table.iter().find(|flag| flag.long == name) {
        return Ok(flag);
    }
    let fits: Vec<&Flag> = table
        .iter()
        .filter(|flag| flag.long.starts_with(name))
        .collect();
    match fits[..] {
        [] => Err(format!("unrecognized option '--{written}'")),
        [flag] => Ok(flag),
        _ => {
            let names: String = fits
                .iter()
                .map(|flag| format!(" '--{}'", flag.long))
                .collect();
            Err(format!(
                "option '--{written}' is ambiguous; possibilities:{names}"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [Flag; 4] = [
        Flag {
            short: 'p',
            long: "port",
            value: Value::Required,
        },
        Flag {
            short: 'V',
            long: "version",
            value: Value::Never,
        },
        Flag {
            short: 'v',
            long: "verbose",
            value: Value::Optional,
        },
        Flag {
            short: '\u{1}',
            long: "fault",
            value: Value::Required,
        },
    ];

    fn read(line: &str) -> Result<Parsed, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        match parse(&TABLE, &words) {
            (_, Some(message)) => Err(message),
            (parsed, None) => Ok(parsed),
        }
    }

    fn flags(line: &str) -> String {
        let parsed = read(line).unwrap();
        let flags = parsed.flags.iter().map(|(letter, value)| match value {
            Some(value) => format!("{}={value}", letter.escape_default()),
            None => letter.to_string(),
        });
        let operands = parsed.operands.iter().map(|word| format!("[{word}]"));
        flags.chain(operands).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn values_are_attached_or_apart() {
        for line in ["-p 1", "-p1", "--port 1", "--port=1", "--po=1", "-p 1 --"] {
            assert_eq!(flags(line), "p=1", "{line}");
        }
        assert_eq!(flags("-p -1"), "p=-1");
        assert_eq!(flags("--fault x"), "\\u{1}=x");
    }

    #[test]
    fn short_flags_share_a_word_and_operands_stand_anywhere() {
        assert_eq!(flags("-vvp1 x -V"), "v v p=1 V [x]");
        assert_eq!(flags("-v -- -p"), "v [-p]");
        assert_eq!(flags("- -v"), "v [-]");
    }

    #[test]
    fn flags_before_a_wrong_one_are_told() {
        let words = ["-V", "-q"].map(str::to_owned);
        let (parsed, message) = parse(&TABLE, &words);
        assert_eq!(parsed.flags, [('V', None)]);
        assert!(message.is_some());
    }

    #[test]
    fn messages_are_the_c_librarys() {
        // As printed by memcached 1.6.18 with glibc 2.36.
        let cases = [
            ("-p", "option requires an argument -- 'p'"),
            ("--port", "option '--port' requires an argument"),
            ("-q", "invalid option -- 'q'"),
            ("--bogus", "unrecognized option '--bogus'"),
            ("--bogus=1", "unrecognized option '--bogus=1'"),
            (
                "--version=1",
                "option '--version' doesn't allow an argument",
            ),
            (
                "--ver",
                "option '--ver' is ambiguous; possibilities: '--version' '--verbose'",
            ),
        ];
        for (line, message) in cases {
            assert_eq!(read(line), Err(message.to_owned()), "{line}");
        }
    }
}
