//! Random requests in the binary protocol.

use crate::command::{Command, draw_cas, draw_key, draw_value};
use crate::compare::Pairs;
use crate::dice::Dice;

const SET: [u8; 6] = [0x01, 0x02, 0x03, 0x11, 0x12, 0x13];
const JOIN: [u8; 4] = [0x0e, 0x0f, 0x19, 0x1a];
const GET: [u8; 4] = [0x00, 0x09, 0x0c, 0x0d];
const DELETE: [u8; 2] = [0x04, 0x14];
const COUNT: [u8; 4] = [0x05, 0x06, 0x15, 0x16];
const TOUCH: [u8; 5] = [0x1c, 0x1d, 0x1e, 0x23, 0x24];

/// Opaque of the noop that ends a batch.
const END: u32 = 0xfeed_beef;

/// Parts of a packet.
#[derive(Default)]
struct Packet {
    opcode: u8,
    opaque: u32,
    extras: Vec<u8>,
    key: Vec<u8>,
    value: Vec<u8>,
    cas: (u64, u64),
}

impl Packet {
    fn write(&self, command: &mut Command) {
        let body = self.extras.len() + self.key.len() + self.value.len();
        command
            .push([0x80, self.opcode])
            .push((self.key.len() as u16).to_be_bytes())
            .push([self.extras.len() as u8, 0, 0, 0])
            .push((body as u32).to_be_bytes())
            .push(self.opaque.to_be_bytes())
            .push_binary_cas(self.cas)
            .push(&self.extras)
            .push(&self.key)
            .push(&self.value);
    }
}

/// The request that ends a batch.
pub(crate) fn end() -> Command {
    let mut command = Command::default();
    Packet {
        opcode: 0x0a,
        opaque: END,
        ..Packet::default()
    }
    .write(&mut command);
    command
}

/// Whether `bytes` hold the answer to [`end`].
pub(crate) fn has_ended(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk::<24>() else {
        return false;
    };
    last[..2] == [0x81, 0x0a] && last[12..16] == END.to_be_bytes()
}

fn draw_exptime(dice: &mut Dice) -> u32 {
    if dice.time_is_ours && dice.once_in(2) {
        return [1, 2, 3, 59, 60, 61, 100][dice.below(7)];
    }
    [
        0,
        0,
        1000,
        90_000,
        2_592_000,
        2_592_001,
        1_000_000_000,
        u32::MAX,
    ][dice.below(8)]
}

pub(crate) fn draw(dice: &mut Dice, pairs: &Pairs) -> Command {
    let mut command = Command::default();
    let key = draw_key(dice);
    let mut packet = Packet {
        opaque: dice.next() as u32 & 0xffff,
        key: key.clone(),
        ..Packet::default()
    };
    match dice.below(100) {
        0..25 => {
            packet.opcode = SET[dice.below(SET.len())];
            packet.extras = [
                (dice.below(4) as u32 * 7).to_be_bytes(),
                draw_exptime(dice).to_be_bytes(),
            ]
            .concat();
            packet.value = draw_value(dice);
            if dice.once_in(4) {
                packet.cas = draw_cas(dice, pairs, &key);
            }
        }
        25..33 => {
            packet.opcode = JOIN[dice.below(JOIN.len())];
            packet.value = draw_value(dice);
            if dice.once_in(4) {
                packet.cas = draw_cas(dice, pairs, &key);
            }
        }
        33..53 => {
            packet.opcode = GET[dice.below(GET.len())];
            command.fetched.push(key.clone());
        }
        53..61 => {
            packet.opcode = DELETE[dice.below(DELETE.len())];
            if dice.once_in(4) {
                packet.cas = draw_cas(dice, pairs, &key);
            }
        }
        61..76 => {
            packet.opcode = COUNT[dice.below(COUNT.len())];
            let delta = [0, 1, 5, 100, u64::MAX][dice.below(5)];
            let initial = [0, 7, u64::MAX][dice.below(3)];
            let exptime = [0, 1000, u32::MAX, u32::MAX][dice.below(4)];
            packet.extras = delta.to_be_bytes().to_vec();
            packet.extras.extend_from_slice(&u64::to_be_bytes(initial));
            packet.extras.extend_from_slice(&u32::to_be_bytes(exptime));
            if dice.once_in(5) {
                packet.cas = draw_cas(dice, pairs, &key);
            }
            command.counted = Some(key.clone());
        }
        76..88 => {
            packet.opcode = TOUCH[dice.below(TOUCH.len())];
            packet.extras = draw_exptime(dice).to_be_bytes().to_vec();
            command.fetched.push(key.clone());
        }
        88..96 => {
            packet.key.clear();
            packet.opcode = [0x0a, 0x0b, 0x08, 0x18, 0x20, 0x1b, 0x50, 0xff][dice.below(8)];
            // The version's own number is in its answer.
            command.alone = packet.opcode == 0x0b;
            if packet.opcode == 0x08 && dice.once_in(2) {
                packet.extras = vec![0; 4];
            }
        }
        _ => malformed(dice, &mut packet, &mut command),
    }
    packet.write(&mut command);
    Packet {
        opcode: 0x14,
        key,
        ..Packet::default()
    }
    .write_bytes(&mut command.cleanup);
    command
}

/// Packets with something wrong; most close the connection.
fn malformed(dice: &mut Dice, packet: &mut Packet, command: &mut Command) {
    command.alone = true;
    match dice.below(7) {
        0 => {
            packet.opcode = 0x01;
            packet.extras = vec![0; 4];
        }
        1 => {
            packet.opcode = 0x00;
            packet.key.clear();
        }
        2 => {
            packet.opcode = 0x00;
            packet.key = vec![b'k'; 251];
        }
        3 => {
            packet.opcode = 0x05;
            packet.extras = vec![0; 8];
        }
        4 => {
            packet.opcode = [0x07, 0x17][dice.below(2)];
            packet.key.clear();
        }
        5 => {
            packet.opcode = [0x01, 0x02, 0x0e, 0x11][dice.below(4)];
            if packet.opcode != 0x0e {
                packet.extras = vec![0; 8];
            }
            packet.value = vec![b'x'; 1_100_000];
        }
        _ => {
            packet.opcode = 0x0a;
            packet.value = vec![b'x'; 3];
        }
    }
}

impl Packet {
    fn write_bytes(&self, output: &mut Vec<u8>) {
        let mut command = Command::default();
        self.write(&mut command);
        output.extend_from_slice(&command.ours);
    }
}
