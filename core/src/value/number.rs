//! Numbers as the dialects write them.

use std::borrow::Cow;

/// Whether `text` is an integer as [`Value::Int`](super::Value::Int) holds it.
pub(crate) fn is_decimal(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    match digits {
        [] => false,
        [b'0'] => digits.len() == text.len(),
        [first, ..] => *first != b'0' && digits.iter().all(u8::is_ascii_digit),
    }
}

/// Takes the digits of a stored integer.
///
/// memcached leaves spaces behind a number that `decr` has made shorter, and
/// `append` can leave zeros in front; both are dropped. The bytes come back when
/// they are no integer.
pub(crate) fn decimal(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, Cow<'_, [u8]>> {
    let digits = trimmed(&bytes);
    if !is_decimal(digits) {
        return normalized(digits).map(Cow::Owned).ok_or(bytes);
    }
    let length = digits.len();
    match bytes {
        Cow::Borrowed(bytes) => match std::str::from_utf8(&bytes[..length]) {
            Ok(digits) => Ok(Cow::Borrowed(digits)),
            Err(_) => Err(Cow::Borrowed(bytes)),
        },
        Cow::Owned(mut bytes) => {
            bytes.truncate(length);
            String::from_utf8(bytes)
                .map(Cow::Owned)
                .map_err(|error| Cow::Owned(error.into_bytes()))
        }
    }
}

/// The bytes without trailing spaces.
pub(crate) fn trimmed(bytes: &[u8]) -> &[u8] {
    let spaces = bytes.iter().rev().take_while(|byte| **byte == b' ').count();
    &bytes[..bytes.len() - spaces]
}

/// Drops zeros in front and the sign of zero.
#[cold]
fn normalized(digits: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(digits).ok()?;
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => format!("{sign}{digits}"),
    })
}

/// Writes a finite number as JavaScript's `String(number)` does.
pub(crate) fn javascript(number: f64) -> String {
    let Shortest {
        negative,
        digits,
        point,
    } = Shortest::of(number);
    if number == 0.0 {
        return "0".to_owned();
    }
    let sign = if negative { "-" } else { "" };
    let count = digits.len() as i32;
    match point {
        1..=21 if count <= point => {
            format!("{sign}{digits}{}", zeros(point - count))
        }
        1..=21 => {
            let (whole, fraction) = digits.split_at(point as usize);
            format!("{sign}{whole}.{fraction}")
        }
        -5..=0 => format!("{sign}0.{}{digits}", zeros(-point)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            format!("{sign}{first}{dot}{rest}e{:+}", point - 1)
        }
    }
}

/// Writes a finite number as PHP's memcached extension does: shortest digits,
/// no zero before the point, two digits in the exponent.
pub(crate) fn php_memcached(number: f64) -> String {
    let Shortest {
        negative,
        digits,
        point,
    } = Shortest::of(number);
    let sign = if negative { "-" } else { "" };
    let count = digits.len() as i32;
    if point <= -4 || point > count + 5 {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let exponent = point - 1;
        let mark = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{dot}{rest}e{mark}{:02}", exponent.abs());
    }
    if point <= 0 {
        return format!("{sign}.{}{digits}", zeros(-point));
    }
    if count <= point {
        return format!("{sign}{digits}{}", zeros(point - count));
    }
    let (whole, fraction) = digits.split_at(point as usize);
    format!("{sign}{whole}.{fraction}")
}

/// The fewest digits that read back as the same double.
pub(crate) struct Shortest {
    pub(crate) negative: bool,
    /// Without zeros at either end; `0` for zero.
    pub(crate) digits: String,
    /// The number is 0.digits times ten to this power (1 for zero).
    pub(crate) point: i32,
}

impl Shortest {
    pub(crate) fn of(number: f64) -> Self {
        let text = format!("{:e}", number.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        Self {
            negative: number.is_sign_negative(),
            digits: mantissa.replace('.', ""),
            point: exponent.parse::<i32>().unwrap_or_default() + 1,
        }
    }
}

fn zeros(count: i32) -> String {
    "0".repeat(usize::try_from(count).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_canonical_and_trimmed() {
        for (stored, read) in [
            ("0", Some("0")),
            ("-1", Some("-1")),
            ("9 ", Some("9")),
            ("99   ", Some("99")),
            ("007", Some("7")),
            ("-0", Some("0")),
            ("-00", Some("0")),
            ("", None),
            ("  ", None),
            ("-", None),
            ("+1", None),
            ("1.5", None),
            (" 1", None),
            ("1_0", None),
        ] {
            for bytes in [
                Cow::Borrowed(stored.as_bytes()),
                Cow::Owned(stored.as_bytes().to_vec()),
            ] {
                let found = decimal(bytes.clone());
                assert_eq!(found.as_deref().ok(), read, "{stored:?}");
                if read.is_none() {
                    assert_eq!(found.expect_err("refused"), bytes);
                }
            }
        }
    }

    #[test]
    fn a_plain_number_is_borrowed() {
        assert!(matches!(
            decimal(Cow::Borrowed(b"42 ")),
            Ok(Cow::Borrowed("42"))
        ));
    }

    // As printed by node 20 (`String(number)`).
    #[test]
    fn javascript_numbers() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (100.0, "100"),
            (0.1, "0.1"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.25e-7, "1.25e-7"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (123456789012345680000.0, "123456789012345680000"),
            (5e-324, "5e-324"),
            (123.456, "123.456"),
        ] {
            assert_eq!(javascript(number), text);
        }
    }
}
