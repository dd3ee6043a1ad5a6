//! A client that knows no protocol: bytes out, exact bytes in.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use memoxide::EmbeddedServer;

/// Longer than anything takes that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How long to listen for bytes that must not come.
pub(crate) const SILENCE: Duration = Duration::from_millis(50);

pub(crate) struct Peer(pub(crate) TcpStream);

impl Peer {
    pub(crate) fn connect(server: &EmbeddedServer) -> Self {
        let stream = TcpStream::connect(server.endpoint()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// Expects exactly these bytes next.
    #[track_caller]
    pub(crate) fn expect(&mut self, bytes: &[u8]) {
        let mut received = vec![0; bytes.len()];
        let mut filled = 0;
        while filled < received.len() {
            match self.0.read(&mut received[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) => panic!(
                    "{error} after {:?} instead of {:?}",
                    String::from_utf8_lossy(&received[..filled]),
                    String::from_utf8_lossy(bytes)
                ),
            }
        }
        assert_eq!(
            String::from_utf8_lossy(&received[..filled]),
            String::from_utf8_lossy(bytes)
        );
    }

    /// Sends a request and expects a reply.
    #[track_caller]
    pub(crate) fn ask(&mut self, request: &[u8], reply: &[u8]) {
        self.send(request);
        self.expect(reply);
    }

    /// Expects the end of the stream by FIN, with nothing before it.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    /// Expects the end of the stream by RST.
    #[track_caller]
    pub(crate) fn expect_reset(&mut self) {
        let error = self.0.read(&mut [0; 64]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    /// Expects the end of the stream, be it FIN or RST.
    #[track_caller]
    pub(crate) fn expect_gone(&mut self) {
        match self.0.read(&mut [0; 64]) {
            Ok(0) => {}
            Ok(_) => panic!("a reply instead of the end"),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        }
    }

    /// Expects that nothing comes for a short while.
    #[track_caller]
    pub(crate) fn expect_silence(&mut self) {
        self.0.set_read_timeout(Some(SILENCE)).unwrap();
        let error = self.0.read(&mut [0; 64]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        self.0.set_read_timeout(Some(PATIENCE)).unwrap();
    }

    /// Sends a binary request and returns its reply: status and body.
    pub(crate) fn ask_binary(&mut self, request: &[u8]) -> (u16, Vec<u8>) {
        self.send(request);
        let mut header = [0; 24];
        self.0.read_exact(&mut header).unwrap();
        assert_eq!(header[0], 0x81);
        let length = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
        let mut body = vec![0; length as usize];
        self.0.read_exact(&mut body).unwrap();
        (u16::from_be_bytes([header[6], header[7]]), body)
    }

    pub(crate) fn finish_sending(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }
}

/// A binary request.
pub(crate) fn packet(opcode: u8, extras: &[u8], key: &[u8], value: &[u8]) -> Vec<u8> {
    let body = extras.len() + key.len() + value.len();
    let mut packet = vec![
        0x80,
        opcode,
        0,
        key.len() as u8,
        extras.len() as u8,
        0,
        0,
        0,
    ];
    packet.extend_from_slice(&(body as u32).to_be_bytes());
    packet.extend_from_slice(&[1, 2, 3, 4]);
    packet.extend_from_slice(&[0; 8]);
    for part in [extras, key, value] {
        packet.extend_from_slice(part);
    }
    packet
}
