//! The ways in which a rule ends a connection.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use super::{Attendant, OVER};
use crate::server::CloseReason;
#[cfg(feature = "tls")]
use crate::server::fault::TlsFailure;
use crate::server::fault::{Active, Ending, Fault};
use crate::server::listener::connection::Exit;
use crate::server::listener::control::Action;

/// How long to wait for the beginning of a handshake that is to fail.
#[cfg(feature = "tls")]
const HANDSHAKE: Duration = Duration::from_secs(5);

/// How long to wait for the peer to go, once it was told to.
const LINGER: Duration = Duration::from_millis(200);

impl Attendant<'_> {
    /// Keeps the connection silent for a while, or as long as the rule is there.
    pub(super) async fn hang(&self, active: &Active, duration: Option<Duration>) {
        let removed = self.control.faults.removed(active.id);
        match duration {
            Some(duration) => drop(tokio::time::timeout(duration, removed).await),
            None => removed.await,
        }
    }

    pub(super) async fn silence(&mut self, active: &Active) -> Result<(), Exit> {
        let Fault::Silence { seconds, reset } = *active.rule.fault() else {
            return Ok(());
        };
        if !active.strike() {
            return Ok(());
        }
        self.hang(active, seconds).await;
        let ending = if reset { Ending::Reset } else { Ending::Close };
        self.end(ending, active).await
    }

    /// Ends the connection; always an error, the one to leave with.
    pub(super) async fn end(&mut self, ending: Ending, active: &Active) -> Result<(), Exit> {
        match ending {
            Ending::Reset => {
                self.connection.reset = true;
                self.connection.transport.reset_on_close();
                return Err(Exit::Closed(CloseReason::Error));
            }
            Ending::Hang => self.hang(active, None).await,
            Ending::Close => {}
        }
        poll_fn(|context| {
            self.connection.transport.farewell(context);
            Poll::Ready(())
        })
        .await;
        self.connection.transport.shut_down_writing();
        // Closed with bytes unread, the connection would end with RST.
        let rest = async {
            while !self.connection.ended {
                self.connection.input.clear();
                poll_fn(|context| self.connection.poll_receive(context)).await?;
            }
            Ok::<(), Exit>(())
        };
        let _ = tokio::time::timeout(LINGER, rest).await;
        Err(OVER)
    }

    /// Starts the server anew, which ends this connection too.
    pub(super) async fn restart(&self, down: Duration) {
        drop(self.control.order(Action::Restart { down }));
        std::future::pending().await
    }

    #[cfg(feature = "tls")]
    pub(super) async fn fail_handshake(
        &mut self,
        active: &Active,
        how: TlsFailure,
    ) -> Result<(), Exit> {
        use tokio::io::AsyncReadExt;

        let Some(socket) = self.connection.transport.below_tls() else {
            return Ok(());
        };
        if !active.strike() {
            return Ok(());
        }
        // An answer to something: what the peer said first is taken.
        let mut hello = vec![0; 4096];
        let _ = tokio::time::timeout(HANDSHAKE, socket.read(&mut hello)).await;
        let answer: &[u8] = match how {
            // Record type alert, TLS 1.2, two bytes: fatal, handshake_failure.
            TlsFailure::Alert => &[0x15, 3, 3, 0, 2, 2, 40],
            TlsFailure::Garbage => b"SERVER_ERROR this is not TLS\r\n",
            TlsFailure::Close | TlsFailure::Hang | TlsFailure::Reset => b"",
        };
        let _ = socket.try_write(answer);
        let ending = match how {
            TlsFailure::Alert | TlsFailure::Close | TlsFailure::Garbage => {
                let _ = socket2::SockRef::from(&*socket).shutdown(std::net::Shutdown::Write);
                return Err(OVER);
            }
            TlsFailure::Hang => Ending::Hang,
            TlsFailure::Reset => Ending::Reset,
        };
        self.end(ending, active).await
    }
}
