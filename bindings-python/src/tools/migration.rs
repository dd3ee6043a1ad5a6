//! Copying and comparing running clusters.

use std::marker::PhantomData;
use std::ops::ControlFlow;

use memoxide::ErrorKind;
use memoxide::client::Setting;
use memoxide::client::tools::{
    Migration, MigrationOptions, MigrationSummary, Observer, Progress, Reason, Unresolved,
};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyTuple};

use super::keys::{Raised, Source};
use super::{AnyClient, make, text};
use crate::client::{Answer, Count, Summary, refuse};
use crate::errors::{Result, exception};

/// Copies the items of a running cluster to where another placement or another
/// list of servers wants them, or compares both sides.
///
/// Keys are listed by the servers (`lru_crawler metadump`), or given. Items are
/// read without counting as a use and written as they are: same flags, same
/// bytes, the time to live that is left. What the target has already is left
/// alone unless `overwrite` says otherwise, so that a run can be repeated.
///
/// The call waits until it is done; the GIL is released meanwhile. On an event
/// loop use `asyncio.to_thread`. The connections are the migration's own.
///
/// Args:
///     source: A client with the servers and options as they are. A `prefix` is
///         taken off; keys without it are left out.
///     target: A client with the servers and options as they are to be. Its
///         `prefix` is put on.
///     keys: Keys without the prefix, or the path of a file (a `pathlib.Path`)
///         with one on each line. By default all that the source's servers list.
///     mode: `"copy"`; `"dry-run"`, which writes nothing; or `"verify"`, which
///         compares flags and bytes.
///     overwrite: Whether items that the target has are overwritten.
///     check_first: Whether the target is asked for each key before the source
///         is read, which makes repeated runs cheaper.
///     misplaced: Whether keys are copied that are on another source server than
///         its placement says.
///     keys_per_second: The most keys in a second.
///     bytes_per_second: The most bytes of values in a second.
///     max_failures: After how many keys that fail, are missing or differ the run
///         is given up.
///     progress: Called after each batch of up to 256 keys with a
///         `memoxide.tools.Progress`; the run ends when it returns False.
///
/// Raises:
///     UnsupportedError: No server can list its keys.
///     InvalidArgumentError: An option does not fit, or the file cannot be read.
///     MemoxideError: No server can be reached. What fails for single keys or
///         servers is in the summary instead.
///
/// Example:
///     >>> import memoxide
///     >>> with memoxide.EmbeddedServer() as one, memoxide.EmbeddedServer() as two:
///     ...     with memoxide.Client([one.endpoint]) as old:
///     ...         _ = old.set("greeting", "hello", time=60)
///     ...         with memoxide.Client([two.endpoint]) as new:
///     ...             summary = memoxide.migrate(old, new)
///     ...             summary.copied, new.get("greeting")
///     (1, 'hello')
#[pyfunction]
#[pyo3(signature = (
    source, target, keys = None, *, mode = ModeName("copy"), overwrite = false, check_first = false,
    misplaced = false, keys_per_second = None, bytes_per_second = None, max_failures = Count(10_000),
    progress = None
))]
#[expect(
    clippy::too_many_arguments,
    reason = "options by name, as Python has them"
)]
pub(crate) fn migrate<'py>(
    py: Python<'py>,
    source: AnyClient<'py>,
    target: AnyClient<'py>,
    keys: Option<Source>,
    mode: ModeName<'_>,
    overwrite: bool,
    check_first: bool,
    misplaced: bool,
    keys_per_second: Option<f64>,
    bytes_per_second: Option<f64>,
    max_failures: Count,
    progress: Option<Callback>,
) -> Result<Answer<'py, Summary>> {
    let mut options = MigrationOptions::default();
    options.set("mode", &Setting::Text(mode.0))?;
    options.overwrite = overwrite;
    options.check_first = check_first;
    options.misplaced = misplaced;
    for (name, rate) in [
        ("keys_per_second", keys_per_second),
        ("bytes_per_second", bytes_per_second),
        ("max_failures", Some(max_failures.0 as f64)),
    ] {
        let setting = rate.map_or(Setting::None, Setting::Number);
        options.set(name, &setting)?;
    }
    let migration = Migration::new(source.plan()?, target.plan()?).with_options(options);
    let raised = Raised::default();
    let mut watcher = Watcher {
        progress: progress.map(|callback| callback.0),
        raised: &raised,
    };
    let result = py.detach(|| match keys {
        Some(keys) => migration.run_keys(keys.keys(&raised)?, &mut watcher),
        None => migration.run(&mut watcher),
    });
    let summary = raised.settle(result)?;
    Ok(Answer(make_summary(py, &summary)?, PhantomData))
}

/// The name of what a migration does.
pub(crate) struct ModeName<'a>(&'a str);

impl<'a, 'py> FromPyObject<'a, 'py> for ModeName<'a> {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = {
        use pyo3::inspect::{PyStaticConstant, PyStaticExpr};

        const fn text(value: &'static str) -> PyStaticExpr {
            PyStaticExpr::Constant {
                value: PyStaticConstant::Str(value),
            }
        }
        pyo3::type_hint_subscript!(
            pyo3::type_hint_identifier!("typing", "Literal"),
            text("copy"),
            text("dry-run"),
            text("verify")
        )
    };

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let message = "mode is to be text, not";
        let refuse = |_| refuse(ErrorKind::InvalidArgument, message, &object);
        object.extract().map(Self).map_err(refuse)
    }
}

/// A function that is told how it goes.
pub(crate) struct Callback(Py<PyAny>);

impl<'py> FromPyObject<'_, 'py> for Callback {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("collections.abc", "Callable"),
        pyo3::inspect::PyStaticExpr::List {
            elts: &[pyo3::type_hint_identifier!("memoxide.tools", "Progress")]
        },
        pyo3::type_hint_identifier!("builtins", "object")
    );

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_callable() {
            return Ok(Self(object.to_owned().unbind()));
        }
        let message = "progress is to be a function, not";
        Err(refuse(ErrorKind::InvalidArgument, message, &object))
    }
}

/// Tells Python how it goes, and looks for signals.
struct Watcher<'r> {
    progress: Option<Py<PyAny>>,
    raised: &'r Raised,
}

impl Observer for Watcher<'_> {
    fn progress(&mut self, progress: &Progress<'_>) -> ControlFlow<()> {
        let Some(function) = &self.progress else {
            return ControlFlow::Continue(());
        };
        let told = Python::attach(|py| {
            let answer = function.bind(py).call1((make_progress(py, progress)?,))?;
            let stops = answer.cast::<PyBool>().is_ok_and(|truth| !truth.is_true());
            PyResult::Ok(stops)
        });
        match told {
            Ok(false) => ControlFlow::Continue(()),
            Ok(true) => ControlFlow::Break(()),
            Err(error) => {
                // The run ends; what was raised is found when it has.
                drop(self.raised.keep(error));
                ControlFlow::Break(())
            }
        }
    }

    fn interrupted(&self) -> memoxide::Result<()> {
        Python::attach(|py| py.check_signals()).map_err(|error| self.raised.keep(error))
    }
}

fn make_progress<'py>(py: Python<'py>, progress: &Progress<'_>) -> PyResult<Bound<'py, PyAny>> {
    let fields = PyDict::new(py);
    fields.set_item("server", text(py, progress.server))?;
    fields.set_item("servers_done", progress.servers_done)?;
    fields.set_item("servers", progress.servers)?;
    fields.set_item("expected", progress.expected)?;
    let counts = PyDict::new(py);
    for (name, count) in counts_of(progress.summary) {
        counts.set_item(name, count)?;
    }
    counts.set_item("elapsed", progress.summary.elapsed.as_secs_f64())?;
    fields.set_item("counts", make(py, "Counts", &counts)?)?;
    make(py, "Progress", &fields)
}

fn make_summary<'py>(py: Python<'py>, summary: &MigrationSummary) -> PyResult<Bound<'py, PyAny>> {
    let fields = PyDict::new(py);
    for (name, count) in counts_of(summary) {
        fields.set_item(name, count)?;
    }
    fields.set_item("elapsed", summary.elapsed.as_secs_f64())?;
    fields.set_item("finished", summary.finished)?;
    let unlisted = summary.unlisted.iter().map(|error| exception(py, error));
    let unlisted = PyTuple::new(py, unlisted.collect::<Vec<_>>())?;
    fields.set_item("unlisted", unlisted)?;
    let unresolved = summary.unresolved.iter();
    let unresolved = unresolved.map(|unresolved| make_unresolved(py, unresolved));
    let unresolved = PyTuple::new(py, unresolved.collect::<PyResult<Vec<_>>>()?)?;
    fields.set_item("unresolved", unresolved)?;
    fields.set_item("text", summary.to_string())?;
    make(py, "MigrationSummary", &fields)
}

fn make_unresolved<'py>(py: Python<'py>, unresolved: &Unresolved) -> PyResult<Bound<'py, PyAny>> {
    let fields = PyDict::new(py);
    fields.set_item("key", PyBytes::new(py, &unresolved.key))?;
    fields.set_item("server", text(py, &unresolved.server))?;
    let (reason, error) = match &unresolved.reason {
        Reason::Different => ("different", None),
        Reason::Missing => ("missing", None),
        Reason::Failed(error) => ("failed", Some(exception(py, error))),
        _ => ("failed", None),
    };
    fields.set_item("reason", reason)?;
    fields.set_item("error", error)?;
    make(py, "Unresolved", &fields)
}

fn counts_of(summary: &MigrationSummary) -> [(&'static str, u64); 13] {
    [
        ("listed", summary.listed),
        ("outside", summary.outside),
        ("misplaced", summary.misplaced),
        ("in_place", summary.in_place),
        ("moved", summary.moved()),
        ("gone", summary.gone),
        ("present", summary.present),
        ("copied", summary.copied),
        ("same", summary.same),
        ("missing", summary.missing),
        ("different", summary.different),
        ("failed", summary.failed),
        ("bytes", summary.bytes),
    ]
}
