//! Random meta requests.

use crate::command::{Command, draw_cas, draw_exptime, draw_key, draw_value};
use crate::compare::{GIVEN_CAS, Pairs};
use crate::dice::Dice;

/// Keys that are stored decoded.
pub(crate) const BASE64_KEYS: [&str; 4] = ["AQID", "Zm9v", "c3BhY2UgaW4=", "/+7dzA=="];

/// A key as it goes into the request, and whether that is base64.
fn draw_meta_key(dice: &mut Dice) -> (Vec<u8>, bool) {
    if dice.once_in(5) {
        let key = dice.pick(&BASE64_KEYS);
        (key.as_bytes().to_vec(), true)
    } else {
        (draw_key(dice), false)
    }
}

pub(crate) fn draw(dice: &mut Dice, pairs: &Pairs) -> Command {
    let (key, base64) = draw_meta_key(dice);
    let mut command = Command::default();
    let verb = dice.pick(&["mg", "mg", "mg", "ms", "ms", "ms", "md", "ma", "ma", "me"]);
    command.push(verb).push(" ").push(&key);
    let value = draw_value(dice);
    if verb == "ms" {
        command.push(format!(" {}", value.len()));
    }
    if base64 && verb != "me" {
        command.push(" b");
    }
    match verb {
        "mg" => get_flags(dice, pairs, &key, &mut command),
        "ms" => set_flags(dice, pairs, &key, &mut command),
        "md" => delete_flags(dice, pairs, &key, &mut command),
        "ma" => count_flags(dice, pairs, &key, &mut command),
        _ => command.alone = true,
    }
    if dice.once_in(25) {
        wrong_flag(dice, verb == "ms" && value.len() > 1000, &mut command);
    }
    command.push("\r\n");
    if verb == "ms" {
        command.push(&value).push("\r\n");
    }
    match verb {
        "mg" => command.fetched.push(key.clone()),
        "ma" => command.counted = Some(key.clone()),
        _ => {}
    }
    command.cleanup = if base64 {
        [b"md ", &key[..], b" b\r\n"].concat()
    } else {
        [b"delete ", &key[..], b"\r\n"].concat()
    };
    command
}

fn echo_flags(dice: &mut Dice, command: &mut Command) {
    if dice.once_in(5) {
        command.push(dice.pick(&[" Oabc", " O", " O1234567890123456789012345678901"]));
    }
    if dice.once_in(4) {
        command.push(" k");
    }
    if dice.once_in(6) {
        command.push(" q");
    }
    if dice.once_in(20) {
        command.push(dice.pick(&[" Ppath", " Lx"]));
    }
}

fn get_flags(dice: &mut Dice, pairs: &Pairs, key: &[u8], command: &mut Command) {
    if dice.once_in(3) {
        echo_flags(dice, command);
    }
    for flag in [" v", " f", " s", " c", " h", " t", " l", " u"] {
        if dice.once_in(3) {
            command.push(flag);
        }
    }
    if dice.once_in(8) {
        command.push(" T").push(draw_exptime(dice));
        if dice.once_in(2) && !command.ours.ends_with(b" t") {
            // A second `t` would be a duplicate flag, which is as well.
            command.push(" t");
        }
    }
    if dice.once_in(8) {
        command.push(" N").push(dice.pick(&["1000", "0", "-1"]));
        if dice.once_in(6) {
            command.push(format!(" E{}", GIVEN_CAS + dice.below(1000) as u64));
            command.alone = true;
        }
    }
    if dice.once_in(8) {
        command
            .push(" R")
            .push(dice.pick(&["30", "2000", "100000"]));
    }
    if dice.once_in(25) {
        command.push(" C").push_cas(draw_cas(dice, pairs, key));
        command.alone = true;
    }
}

fn set_flags(dice: &mut Dice, pairs: &Pairs, key: &[u8], command: &mut Command) {
    echo_flags(dice, command);
    if dice.once_in(3) {
        command.push(" T").push(draw_exptime(dice));
    }
    if dice.once_in(3) {
        command.push(dice.pick(&[" F5", " F0", " F4294967295"]));
    }
    if dice.once_in(3) {
        command.push(" c");
    }
    if dice.once_in(4) {
        command.push(" C").push_cas(draw_cas(dice, pairs, key));
        if dice.once_in(3) {
            command.push(" I");
        }
    }
    if dice.once_in(3) {
        let mode = dice.pick(&[" ME", " MA", " MP", " MR", " MS", " Mx", " M", " Ma"]);
        command.push(mode);
        command.alone = mode == " M";
        if dice.once_in(4) {
            command.push(" N1000");
            command.alone = true;
        }
    }
    if dice.once_in(12) {
        command.push(" s");
        command.alone = true;
    }
    if dice.once_in(15) {
        command.push(format!(" E{}", GIVEN_CAS + dice.below(1000) as u64));
        command.alone = true;
    }
}

fn delete_flags(dice: &mut Dice, pairs: &Pairs, key: &[u8], command: &mut Command) {
    echo_flags(dice, command);
    if dice.once_in(4) {
        command.push(" C").push_cas(draw_cas(dice, pairs, key));
    }
    if dice.once_in(2) {
        command.push(" I");
        if dice.once_in(2) {
            command.push(" T").push(draw_exptime(dice));
        }
    }
    if dice.once_in(15) {
        command.push(" x");
        command.alone = true;
    }
    if dice.once_in(15) {
        command.push(format!(" E{}", GIVEN_CAS + dice.below(1000) as u64));
        command.alone = true;
    }
}

fn count_flags(dice: &mut Dice, pairs: &Pairs, key: &[u8], command: &mut Command) {
    echo_flags(dice, command);
    if dice.once_in(3) {
        command.push(" v");
    }
    if dice.once_in(3) {
        command.push(dice.pick(&[" D5", " D100", " D0", " D18446744073709551615", " Dx"]));
    }
    if dice.once_in(3) {
        command.push(dice.pick(&[" MI", " MD", " M+", " M-", " MX"]));
    }
    if dice.once_in(3) {
        command.push(" N").push(dice.pick(&["0", "1000", "-1"]));
        if dice.once_in(2) {
            command.push(dice.pick(&[" J50", " J0", " J18446744073709551615"]));
        }
        // Versions differ on quiet creation.
        command.alone = true;
    }
    if dice.once_in(5) {
        command.push(" T").push(draw_exptime(dice));
    }
    for flag in [" t", " c"] {
        if dice.once_in(4) {
            command.push(flag);
        }
    }
    if dice.once_in(8) {
        command.push(" C").push_cas(draw_cas(dice, pairs, key));
    }
    if dice.once_in(15) {
        command.push(format!(" E{}", GIVEN_CAS + dice.below(1000) as u64));
        command.alone = true;
    }
}

fn wrong_flag(dice: &mut Dice, long_data: bool, command: &mut Command) {
    let flags = [
        " Z",
        " 7",
        " Tx",
        " T",
        " Nx",
        " v v",
        " k k",
        " O12345678901234567890123456789012",
        " Cx",
        " Fx",
        " Jx",
        " b",
        " !",
        " {",
    ];
    // The last two leave the data to be taken for commands, and a long line of
    // it closes the connection, depending on how it is cut.
    let count = flags.len() - if long_data { 2 } else { 0 };
    let flag = flags[dice.below(count)];
    if flag.starts_with(" O") && command.ours.windows(2).any(|part| part == b" E") {
        // memcached would give the cas id to the next item of the connection.
        return;
    }
    command.push(flag);
    command.alone = true;
}
