//! Copying and comparing running clusters.

#![expect(clippy::too_many_arguments, reason = "only TypeScript calls this")]

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use memoxide::client::Plan;
use memoxide::client::tools::{
    Migration, MigrationOptions, MigrationSummary, Observer, Progress, Reason, Unresolved,
};
use napi::bindgen_prelude::{AsyncTask, Buffer, Uint8Array};
use napi::{Env, Task};
use napi_derive::napi;

use super::keys::Source;
use super::{Callback, Choose, ClientPlan, Stop, ask, go_on};
use crate::client::settings::{SettingValue, setting};
use crate::errors::{ErrorFields, thrown};

/// What a migration has done so far; `Counts` in `ts/tools.ts` has the
/// documentation.
#[napi(object, object_from_js = false)]
pub struct CountFields {
    pub listed: f64,
    pub outside: f64,
    pub misplaced: f64,
    pub in_place: f64,
    pub moved: f64,
    pub gone: f64,
    pub present: f64,
    pub copied: f64,
    pub same: f64,
    pub missing: f64,
    pub different: f64,
    pub failed: f64,
    pub bytes: f64,
    pub elapsed: f64,
}

/// How far a migration has come.
#[napi(object, object_from_js = false)]
pub struct ProgressFields {
    pub server: String,
    pub servers_done: u32,
    pub servers: u32,
    pub expected: Option<f64>,
    pub counts: CountFields,
}

/// What a migration has done.
#[napi(object, object_from_js = false)]
pub struct SummaryFields {
    pub counts: CountFields,
    pub finished: bool,
    pub unlisted: Vec<ErrorFields>,
    pub unresolved: Vec<UnresolvedFields>,
    pub text: String,
}

/// A key that is not on the target as it is on the source.
#[napi(object, object_from_js = false)]
pub struct UnresolvedFields {
    pub key: Buffer,
    pub server: String,
    #[napi(ts_type = "'different' | 'failed' | 'missing'")]
    pub reason: &'static str,
    pub error: Option<ErrorFields>,
}

/// Whoever wants to know; answers whether to go on.
pub type Tell = Callback<ProgressFields, bool>;

/// Copies or compares what two clusters have.
///
/// # Errors
///
/// Throws for an option that does not fit; rejects as
/// `memoxide::client::tools::Migration` fails.
#[napi(ts_return_type = "Promise<SummaryFields>")]
pub fn migrate(
    env: Env,
    source: &ClientPlan,
    target: &ClientPlan,
    names: Vec<String>,
    #[napi(ts_arg_type = "Array<number | string | boolean | Uint8Array | null>")] values: Vec<
        SettingValue,
    >,
    keys: Option<Vec<Uint8Array>>,
    file: Option<String>,
    stop: &Stop,
    #[napi(ts_arg_type = "((progress: ProgressFields) => boolean) | null")] tell: Option<Tell>,
    #[napi(ts_arg_type = "((key: Buffer) => number) | null")] choose_source: Option<Choose>,
    #[napi(ts_arg_type = "((key: Buffer) => number) | null")] choose_target: Option<Choose>,
) -> napi::Result<AsyncTask<Migrate>> {
    let mut options = MigrationOptions::default();
    for (name, value) in names.iter().zip(&values) {
        let set = options.set(name, &setting(value));
        set.map_err(|error| thrown(&env, &error))?;
    }
    let source = source.for_thread(choose_source);
    let target = target.for_thread(choose_target);
    Ok(AsyncTask::new(Migrate {
        source: source.map_err(|error| thrown(&env, &error))?,
        target: target.map_err(|error| thrown(&env, &error))?,
        options,
        keys: Source::new(keys, file),
        watcher: Watcher {
            tell,
            stopped: Arc::clone(&stop.0),
        },
    }))
}

/// Migrates on a thread of Node's pool.
pub struct Migrate {
    source: Arc<Plan>,
    target: Arc<Plan>,
    options: MigrationOptions,
    keys: Source,
    watcher: Watcher,
}

/// Tells the program how it goes.
struct Watcher {
    tell: Option<Tell>,
    stopped: Arc<AtomicBool>,
}

impl Observer for Watcher {
    fn progress(&mut self, progress: &Progress<'_>) -> ControlFlow<()> {
        let Some(tell) = &self.tell else {
            return ControlFlow::Continue(());
        };
        let fields = ProgressFields {
            server: progress.server.to_owned(),
            servers_done: progress.servers_done as u32,
            servers: progress.servers as u32,
            expected: progress.expected.map(|items| items as f64),
            counts: counts(progress.summary),
        };
        match ask(tell, fields) {
            Some(true) => ControlFlow::Continue(()),
            // It said so, or it threw.
            Some(false) | None => ControlFlow::Break(()),
        }
    }

    fn interrupted(&self) -> memoxide::Result<()> {
        go_on(&self.stopped)
    }
}

impl Task for Migrate {
    type Output = memoxide::Result<MigrationSummary>;
    type JsValue = SummaryFields;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let migration = Migration::new(&self.source, &self.target);
        let migration = migration.with_options(self.options.clone());
        let keys = self.keys.keys();
        Ok(keys.and_then(|keys| match keys {
            Some(keys) => migration.run_keys(keys, &mut self.watcher),
            None => migration.run(&mut self.watcher),
        }))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        let summary = output.map_err(|error| thrown(&env, &error))?;
        Ok(SummaryFields {
            counts: counts(&summary),
            finished: summary.finished,
            unlisted: summary.unlisted.iter().map(ErrorFields::from).collect(),
            text: summary.to_string(),
            unresolved: summary.unresolved.into_iter().map(unresolved).collect(),
        })
    }
}

fn unresolved(unresolved: Unresolved) -> UnresolvedFields {
    let (reason, error) = match &unresolved.reason {
        Reason::Different => ("different", None),
        Reason::Missing => ("missing", None),
        Reason::Failed(error) => ("failed", Some(error.into())),
        _ => ("failed", None),
    };
    UnresolvedFields {
        key: unresolved.key.into(),
        server: unresolved.server.to_string(),
        reason,
        error,
    }
}

fn counts(summary: &MigrationSummary) -> CountFields {
    CountFields {
        listed: summary.listed as f64,
        outside: summary.outside as f64,
        misplaced: summary.misplaced as f64,
        in_place: summary.in_place as f64,
        moved: summary.moved() as f64,
        gone: summary.gone as f64,
        present: summary.present as f64,
        copied: summary.copied as f64,
        same: summary.same as f64,
        missing: summary.missing as f64,
        different: summary.different as f64,
        failed: summary.failed as f64,
        bytes: summary.bytes as f64,
        elapsed: summary.elapsed.as_secs_f64(),
    }
}
