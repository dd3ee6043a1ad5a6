//! The life of one connection's task.

use std::future::poll_fn;

use super::connection::{Connection, Exit};
use super::control::Action;

/// Serves `connection` until it is over.
pub(super) async fn serve(mut connection: Connection) {
    let exit = loop {
        match connection.run().await {
            // Boxed: the slow path's state is paid for while it is taken.
            Exit::Attention => {
                if let Some(exit) = Box::pin(attend(&mut connection)).await {
                    break exit;
                }
            }
            exit => break exit,
        }
    };
    match exit {
        Exit::Closed(reason) => connection.session.closing(reason),
        Exit::Stop { graceful } => {
            drop(connection.control.order(Action::Stop { graceful }));
        }
        Exit::Attention => unreachable!("attended to above"),
    }
    poll_fn(|context| {
        connection.transport.farewell(context);
        std::task::Poll::Ready(())
    })
    .await;
}

/// Serves the connection while something wants attention.
async fn attend(connection: &mut Connection) -> Option<Exit> {
    let mut gate = connection.control.gate.subscribe();
    if gate.wait_for(|gate| !gate.frozen).await.is_err() {
        return Some(Exit::Stop { graceful: false });
    }
    None
}
