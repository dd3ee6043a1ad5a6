//! A server that can be told to misbehave.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The value of every key.
pub(crate) const VALUE: &str = "right";

/// How a peer answers; everything but [`Good`](Self::Good) is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Manner {
    /// As memcached does, with [`VALUE`] under every key.
    Good,
    /// Closes what it accepts.
    ClosesAtAccept,
    /// Closes when it was asked something.
    ClosesAtRequest,
    /// Closes in the middle of its reply.
    ClosesMidReply,
    /// Resets the connection in the middle of its reply.
    Resets,
    /// Reads and says nothing.
    Silent,
    /// Does not even read.
    Deaf,
    /// Answers one byte at a time, slowly.
    Drips,
    /// Answers something else.
    Nonsense,
    /// Answers with a value for another key, or under another opaque.
    AnotherKey,
    /// Answers twice, with another value the second time.
    Twice,
    /// Announces more bytes than it sends.
    TooLong,
    /// Announces fewer bytes than it sends.
    TooShort,
    /// Announces ten gigabytes.
    Enormous,
    /// Sends a line without an end.
    EndlessLine,
    /// Speaks HTTP.
    Http,
}

/// A peer on a port of its own, for as long as the test runs.
pub(crate) struct Peer {
    pub(crate) endpoint: String,
    manner: Arc<Mutex<Manner>>,
}

impl Peer {
    pub(crate) fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = listener.local_addr().expect("an address").to_string();
        let manner = Arc::new(Mutex::new(manner));
        let shared = Arc::clone(&manner);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.expect("a connection");
                let manner = *shared.lock().expect("the manner");
                if manner != Manner::ClosesAtAccept {
                    std::thread::spawn(move || serve(stream, manner));
                }
            }
        });
        Self { endpoint, manner }
    }

    /// Behaves so towards connections from now on.
    pub(crate) fn turn(&self, manner: Manner) {
        *self.manner.lock().expect("the manner") = manner;
    }
}

/// Answers until the connection ends. Whatever fails here ends it.
fn serve(stream: TcpStream, manner: Manner) {
    if manner == Manner::Deaf {
        // Holds the connection until the test's process ends.
        std::thread::park();
    }
    let mut writer = stream.try_clone().expect("a second handle");
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let mut stored = false;
    loop {
        line.clear();
        if !matches!(reader.read_line(&mut line), Ok(count) if count > 0) {
            return;
        }
        let Some(reply) = reply(&line, &mut reader) else {
            return;
        };
        // Behind stores it is the end of their batch.
        let handshake = line == "mn\r\n" && !stored && manner != Manner::Http;
        stored |= line.starts_with("ms ");
        let manner = if handshake { Manner::Good } else { manner };
        if answer(&mut writer, &reply, manner).is_err() {
            return;
        }
    }
}

/// The reply of memcached to one request, reading its data block.
fn reply(line: &str, reader: &mut impl Read) -> Option<Vec<u8>> {
    let words: Vec<_> = line.split_whitespace().collect();
    let opaque = || {
        let opaque = words.iter().skip(2).find(|word| word.starts_with('O'));
        opaque.copied().unwrap_or_default().to_owned()
    };
    let mut data = |length: &str| {
        let mut block = vec![0; length.parse::<usize>().ok()? + 2];
        reader.read_exact(&mut block).ok()
    };
    let length = VALUE.len();
    Some(
        match *words.first()? {
            "mn" => "MN\r\n".to_owned(),
            "mg" => format!("VA {length} f16 {}\r\n{VALUE}\r\n", opaque()),
            "ma" => format!("VA 1 {}\r\n7\r\n", opaque()),
            "ms" => {
                data(words[2])?;
                match words.contains(&"q") {
                    true => String::new(),
                    false => format!("HD {}\r\n", opaque()),
                }
            }
            "get" => {
                let value = |key: &&str| format!("VALUE {key} 16 {length}\r\n{VALUE}\r\n");
                words[1..].iter().map(value).collect::<String>() + "END\r\n"
            }
            "incr" => "7\r\n".to_owned(),
            "set" => {
                data(words[4])?;
                "STORED\r\n".to_owned()
            }
            other => panic!("the peer was asked to {other}"),
        }
        .into_bytes(),
    )
}

/// Writes a reply in the manner of the peer; an error ends the connection.
fn answer(writer: &mut TcpStream, reply: &[u8], manner: Manner) -> std::io::Result<()> {
    let end = || Err(std::io::ErrorKind::ConnectionAborted.into());
    let text = std::str::from_utf8(reply).expect("text");
    let announced = format!(" {} ", VALUE.len());
    match manner {
        Manner::Good => writer.write_all(reply),
        Manner::ClosesAtAccept | Manner::ClosesAtRequest => end(),
        Manner::ClosesMidReply => {
            writer.write_all(&reply[..reply.len() / 2])?;
            end()
        }
        Manner::Resets => {
            writer.write_all(&reply[..reply.len() / 2])?;
            let at_once = Some(Duration::ZERO);
            rustix::net::sockopt::set_socket_linger(&*writer, at_once)?;
            end()
        }
        Manner::Silent | Manner::Deaf => Ok(()),
        Manner::Drips => {
            for byte in reply {
                writer.write_all(&[*byte])?;
                std::thread::sleep(Duration::from_millis(200));
            }
            Ok(())
        }
        Manner::Nonsense => writer.write_all(b"HELLO WORLD\r\n"),
        Manner::AnotherKey => {
            let other = text.replace("VALUE k", "VALUE other").replace(" O", " O9");
            writer.write_all(other.as_bytes())
        }
        Manner::Twice => {
            let again = text.replace(VALUE, "WRONG");
            writer.write_all(format!("{text}{again}").as_bytes())
        }
        Manner::TooLong => {
            // In front of " f16", or behind the flags of a VALUE line.
            let longer = text
                .replace(&announced, " 1000 ")
                .replace(" 16 5", " 16 1000");
            writer.write_all(longer.as_bytes())
        }
        Manner::TooShort => {
            let shorter = text.replace(&announced, " 3 ").replace(" 16 5", " 16 3");
            writer.write_all(shorter.as_bytes())
        }
        Manner::Enormous => {
            let lie = text
                .replace(&announced, " 10000000000 ")
                .replace(" 16 5", " 16 10000000000");
            writer.write_all(lie.as_bytes())
        }
        Manner::EndlessLine => writer.write_all(&vec![b'x'; 1 << 20]),
        Manner::Http => {
            writer.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")?;
            end()
        }
    }
}
