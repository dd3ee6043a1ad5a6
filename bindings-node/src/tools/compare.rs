//! How many keys would move.

#![expect(clippy::too_many_arguments, reason = "only TypeScript calls this")]

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use memoxide::client::Plan;
use memoxide::client::tools::{Comparison, Flow, Relocation, Share};
use napi::bindgen_prelude::{AsyncTask, Buffer, Uint8Array};
use napi::{Env, Task};
use napi_derive::napi;

use super::keys::Source;
use super::{Choose, ClientPlan, Stop, go_on};
use crate::errors::thrown;

/// What a comparison found; `PlacementComparison` in `ts/tools.ts` has the
/// documentation.
#[napi(object, object_from_js = false)]
pub struct ComparisonFields {
    pub keys: f64,
    pub moved: f64,
    pub passed_over: f64,
    pub flows: Vec<FlowFields>,
    pub shares: Vec<ShareFields>,
    pub moving: Vec<Buffer>,
}

/// The keys that move from one server to another.
#[napi(object, object_from_js = false)]
pub struct FlowFields {
    pub from: String,
    pub to: String,
    pub keys: f64,
}

/// The keys of one server before and after.
#[napi(object, object_from_js = false)]
pub struct ShareFields {
    pub server: String,
    pub before: f64,
    pub after: f64,
}

/// Counts the keys that belong to another server after a change.
///
/// # Errors
///
/// Rejects as `memoxide::client::tools::Comparison` fails.
#[napi(ts_return_type = "Promise<ComparisonFields>")]
pub fn compare_placements(
    env: Env,
    old: &ClientPlan,
    current: &ClientPlan,
    keys: Option<Vec<Uint8Array>>,
    file: Option<String>,
    limit: f64,
    stop: &Stop,
    #[napi(ts_arg_type = "((key: Buffer) => number) | null")] choose_old: Option<Choose>,
    #[napi(ts_arg_type = "((key: Buffer) => number) | null")] choose_current: Option<Choose>,
) -> napi::Result<AsyncTask<Compare>> {
    let old = old.for_thread(choose_old);
    let current = current.for_thread(choose_current);
    Ok(AsyncTask::new(Compare {
        old: old.map_err(|error| thrown(&env, &error))?,
        new: current.map_err(|error| thrown(&env, &error))?,
        keys: Source::new(keys, file),
        limit: limit as usize,
        stopped: Arc::clone(&stop.0),
    }))
}

/// Counts on a thread of Node's pool.
pub struct Compare {
    old: Arc<Plan>,
    new: Arc<Plan>,
    keys: Source,
    limit: usize,
    stopped: Arc<AtomicBool>,
}

/// What was counted.
pub struct Counted {
    keys: u64,
    moved: u64,
    passed_over: u64,
    flows: Vec<Flow>,
    shares: Vec<Share>,
    moving: Vec<Vec<u8>>,
}

impl Compare {
    fn count(&mut self) -> memoxide::Result<Counted> {
        let mut comparison = Comparison::new(&self.old, &self.new);
        let mut moving = Vec::new();
        let mut each = |key: &[u8], relocation: &Relocation| {
            if relocation.moves() && moving.len() < self.limit {
                moving.push(key.to_vec());
            }
            ControlFlow::Continue(())
        };
        let go_on = || go_on(&self.stopped);
        match self.keys.keys()? {
            Some(keys) => {
                let keys = keys.map(|key| go_on().and(key));
                comparison.add_all(keys, &mut each)?;
            }
            None => comparison.add_listed(&mut each, &go_on)?,
        }
        Ok(Counted {
            keys: comparison.keys(),
            moved: comparison.moved(),
            passed_over: comparison.passed_over(),
            flows: comparison.flows(),
            shares: comparison.shares(),
            moving,
        })
    }
}

impl Task for Compare {
    type Output = memoxide::Result<Counted>;
    type JsValue = ComparisonFields;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(self.count())
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        let counted = output.map_err(|error| thrown(&env, &error))?;
        let flow = |flow: Flow| FlowFields {
            from: flow.from.to_string(),
            to: flow.to.to_string(),
            keys: flow.keys as f64,
        };
        let share = |share: Share| ShareFields {
            server: share.server.to_string(),
            before: share.before as f64,
            after: share.after as f64,
        };
        Ok(ComparisonFields {
            keys: counted.keys as f64,
            moved: counted.moved as f64,
            passed_over: counted.passed_over as f64,
            flows: counted.flows.into_iter().map(flow).collect(),
            shares: counted.shares.into_iter().map(share).collect(),
            moving: counted.moving.into_iter().map(Buffer::from).collect(),
        })
    }
}
