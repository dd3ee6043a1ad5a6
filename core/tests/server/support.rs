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

    pub(crate) fn finish_sending(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }
}
