//! The life of one connection's task.

use std::future::poll_fn;
use std::task::Poll;

use super::super::CloseReason;
use super::attend::{attend, greet, take_leave};
use super::connection::{Connection, Exit};
use super::control::{Action, Attention};

/// Serves `connection` until it is over.
pub(super) async fn serve(mut connection: Connection) {
    let reason = match converse(&mut connection).await {
        Exit::Closed(reason) => reason,
        Exit::Stop { graceful } => {
            drop(connection.control.order(Action::Stop { graceful }));
            CloseReason::Shutdown
        }
        Exit::Attention => unreachable!("attended to by converse"),
    };
    connection.session.closing(reason);
    if connection.control.has_attention(Attention::Rules) && reason == CloseReason::Normal {
        take_leave(&connection).await;
    }
    if !connection.reset {
        poll_fn(|context| {
            connection.transport.farewell(context);
            Poll::Ready(())
        })
        .await;
    }
}

/// Alternates between the fast path and the slow one, which is boxed: its state
/// is paid for while it is taken.
async fn converse(connection: &mut Connection) -> Exit {
    if connection.control.has_attention(Attention::Rules)
        && let Err(exit) = Box::pin(greet(connection)).await
    {
        return exit;
    }
    loop {
        match connection.run().await {
            Exit::Attention => {
                if let Err(exit) = Box::pin(attend(connection)).await {
                    return exit;
                }
            }
            exit => return exit,
        }
    }
}
