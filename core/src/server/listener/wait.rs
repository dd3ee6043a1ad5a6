//! How long a connection has waited for one thing.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// What a connection waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum WaitFor {
    /// The next request.
    Idle,
    /// The rest of a request.
    Request,
    /// Something to report in a stream.
    Stream,
    /// The peer to take its replies.
    Writing,
}

/// One wait at a time. The timer is made when a limit first applies and is then
/// left alone until it goes off: a busy connection never touches it, and
/// without limits there is none.
#[derive(Default)]
pub(super) struct Wait {
    current: Option<(WaitFor, Instant)>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Wait {
    /// Becomes ready when `wait` has lasted for `limit`. It starts anew when
    /// the connection waited for something else before, or with `afresh`.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        wait: WaitFor,
        limit: Option<Duration>,
        afresh: bool,
    ) -> Poll<()> {
        let Some(limit) = limit else {
            self.current = None;
            return Poll::Pending;
        };
        let started = match self.current {
            Some((before, started)) if before == wait && !afresh => started,
            _ => Instant::now(),
        };
        self.current = Some((wait, started));
        let due = started + limit;
        let mut fresh = false;
        let timer = self.timer.get_or_insert_with(|| {
            fresh = true;
            Box::pin(tokio::time::sleep_until(due))
        });
        if timer.deadline() > due {
            timer.as_mut().reset(due);
            fresh = true;
        }
        // Armed by an earlier call: it will wake this task.
        if !fresh && !timer.is_elapsed() {
            return Poll::Pending;
        }
        ready!(timer.as_mut().poll(context));
        if Instant::now() >= due {
            return Poll::Ready(());
        }
        timer.as_mut().reset(due);
        timer.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn once(wait: &mut Wait, what: WaitFor, limit: u64, afresh: bool) -> bool {
        let limit = (limit > 0).then(|| SECOND * u32::try_from(limit).unwrap());
        poll_fn(|context| Poll::Ready(wait.poll(context, what, limit, afresh).is_ready())).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_at_its_limit() {
        let mut wait = Wait::default();
        assert!(!once(&mut wait, WaitFor::Idle, 10, false).await);
        tokio::time::advance(SECOND * 9).await;
        assert!(!once(&mut wait, WaitFor::Idle, 10, false).await);
        tokio::time::advance(SECOND).await;
        assert!(once(&mut wait, WaitFor::Idle, 10, false).await);
    }

    #[tokio::test(start_paused = true)]
    async fn activity_and_another_wait_start_anew() {
        let mut wait = Wait::default();
        assert!(!once(&mut wait, WaitFor::Idle, 10, false).await);
        tokio::time::advance(SECOND * 9).await;
        assert!(!once(&mut wait, WaitFor::Idle, 10, true).await);
        tokio::time::advance(SECOND * 9).await;
        assert!(!once(&mut wait, WaitFor::Idle, 10, false).await);
        assert!(!once(&mut wait, WaitFor::Request, 3, false).await);
        tokio::time::advance(SECOND * 3).await;
        assert!(once(&mut wait, WaitFor::Request, 3, false).await);
    }

    #[tokio::test(start_paused = true)]
    async fn the_task_is_woken_at_the_limit_however_often_it_was_polled() {
        let mut wait = Wait::default();
        assert!(!once(&mut wait, WaitFor::Request, 5, false).await);
        tokio::time::advance(SECOND * 4).await;
        assert!(!once(&mut wait, WaitFor::Request, 5, true).await);
        let started = Instant::now();
        poll_fn(|context| wait.poll(context, WaitFor::Request, Some(SECOND * 5), false)).await;
        assert_eq!(started.elapsed(), SECOND * 5);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_there_is_no_timer() {
        let mut wait = Wait::default();
        assert!(!once(&mut wait, WaitFor::Idle, 0, false).await);
        assert!(wait.timer.is_none());
    }
}
