//! For those who run a cluster, for `ts/tools.ts`: where keys are, what values
//! mean, and moving items to another placement.
//!
//! What waits for servers runs on a thread of Node's pool. Functions of the
//! program are called on its own thread, and the other one waits for the answer;
//! what they throw is kept in TypeScript.

pub mod compare;
pub mod explain;
mod keys;
pub mod migrate;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use memoxide::client::Plan;
use memoxide::{Error, ErrorKind, Result};
use napi::Status;
use napi::bindgen_prelude::{Buffer, FromNapiValue, JsValuesTupleIntoVec};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

/// Servers, placement and options of a client.
#[napi]
pub struct ClientPlan(pub(crate) Arc<Plan>);

/// A function of the program's, called from another thread.
pub type Callback<Arguments, Answer> =
    ThreadsafeFunction<Arguments, Answer, Arguments, Status, false>;

/// A placement function of the program's: key to index, negative when it failed.
pub type Choose = Callback<Buffer, i32>;

/// Ends what runs on another thread.
#[napi]
#[derive(Default)]
pub struct Stop(Arc<AtomicBool>);

#[napi]
impl Stop {
    /// Creates one that has not been pulled.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends it at the next opportunity.
    #[napi]
    pub fn pull(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl ClientPlan {
    /// Returns the plan for use on another thread, where the program's function
    /// has to be asked across.
    fn for_thread(&self, choose: Option<Choose>) -> Result<Arc<Plan>> {
        let plan = &self.0;
        let Some(choose) = choose else {
            return Ok(Arc::clone(plan));
        };
        let choose = move |key: &[u8], _: &[_]| {
            let answer = ask(&choose, Buffer::from(key.to_vec()));
            answer
                .and_then(|index| usize::try_from(index).ok())
                .ok_or_else(|| {
                    let message = "the function given as hashing failed";
                    Error::new(ErrorKind::InvalidArgument, message)
                })
        };
        let (servers, options) = (plan.servers().to_vec(), plan.options().clone());
        Plan::choosing(servers, options, choose).map(Arc::new)
    }
}

/// Calls a function of the program's and waits for its answer; there is none
/// when it throws or the program ends.
fn ask<Arguments, Answer>(
    function: &Callback<Arguments, Answer>,
    arguments: Arguments,
) -> Option<Answer>
where
    Arguments: JsValuesTupleIntoVec + 'static,
    Answer: FromNapiValue + Send + 'static,
{
    let (sender, receiver) = mpsc::channel();
    let mode = ThreadsafeFunctionCallMode::Blocking;
    let status = function.call_with_return_value(arguments, mode, move |answer, _| {
        // Nobody waits any more when the program ends.
        drop(sender.send(answer.ok()));
        Ok(())
    });
    if status != Status::Ok {
        return None;
    }
    receiver.recv().ok().flatten()
}

/// Fails once a stop was pulled.
fn go_on(stopped: &AtomicBool) -> Result<()> {
    if stopped.load(Ordering::Relaxed) {
        return Err(Error::new(ErrorKind::Closed, "stopped by the program"));
    }
    Ok(())
}
