//! Futures of one event loop: making them, and waking the tasks that wait.
//!
//! A future that is done has its loop call whoever waits in a later turn, by a
//! handle that is made for it. With many calls in flight these handles are most
//! of what a call costs, so a task that waits for a future alone, as `await`
//! does, is woken here: while the loop is in a callback of ours, no other task
//! runs, and where the loop would have called in its own time nobody sees the
//! difference. All others are left to the loop.

use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyList, PyString, PyTuple, PyType};
use pyo3::{ffi, intern};

/// How futures of a loop are made and done.
pub(super) struct Futures {
    /// `create_future` of the loop, or the class that it makes them of.
    make: Py<PyAny>,
    /// Arguments of the class.
    arguments: Option<Py<PyDict>>,
    /// The classes of CPython's own; tasks are woken where both are in use.
    native: Option<Native>,
    event_loop: Py<PyAny>,
}

struct Native {
    future: Py<PyType>,
    task: Py<PyType>,
    current_task: Py<PyAny>,
}

/// The function by which CPython's tasks wait for a future, once it was seen.
static WAKEUP: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

impl Futures {
    /// Finds out how the loop that is running makes its futures.
    pub(super) fn new(py: Python<'_>, event_loop: &Bound<'_, PyAny>) -> PyResult<Self> {
        let create_future = event_loop.getattr(intern!(py, "create_future"))?;
        let native = if event_loop
            .call_method0(intern!(py, "get_debug"))?
            .is_truthy()?
        {
            // Who waits for what is to be seen.
            None
        } else {
            Native::of(py).filter(|native| {
                let made = create_future.call0();
                made.is_ok_and(|made| made.get_type().is(&native.future))
            })
        };
        let (make, arguments) = match &native {
            None => (create_future.unbind(), None),
            Some(native) => {
                let arguments = PyDict::new(py);
                arguments.set_item(intern!(py, "loop"), event_loop)?;
                let class = native.future.clone_ref(py).into_any();
                (class, Some(arguments.unbind()))
            }
        };
        Ok(Self {
            make,
            arguments,
            native,
            event_loop: event_loop.clone().unbind(),
        })
    }

    /// Visits what the collector is to know.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.make)?;
        visit.call(&self.arguments)?;
        visit.call(&self.event_loop)
    }

    /// Returns a new future.
    pub(super) fn make<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let make = self.make.bind(py);
        match &self.arguments {
            None => make.call0(),
            Some(arguments) => make.call((), Some(arguments.bind(py))),
        }
    }

    /// Whether tasks may be woken now: none is running.
    pub(super) fn may_wake(&self, py: Python<'_>) -> bool {
        let Some(native) = &self.native else {
            return false;
        };
        let current = native.current_task.call1(py, (&self.event_loop,));
        current.is_ok_and(|current| current.is_none(py))
    }

    /// Gives a future its result; where `wakes`, and one task alone waits for
    /// it, with what raised when that went on.
    ///
    /// # Errors
    ///
    /// What the future raises because it is done already.
    pub(super) fn set_result(
        &self,
        future: &Bound<'_, PyAny>,
        object: Bound<'_, PyAny>,
        wakes: bool,
    ) -> PyResult<Option<PyErr>> {
        let py = future.py();
        let waiting = if wakes { self.waiting(future) } else { None };
        let Some((wakeup, context)) = waiting else {
            call_method(future, intern!(py, "set_result"), &object)?;
            return Ok(None);
        };
        // As the only callback it is called here, and the loop has none to call.
        call_method(future, intern!(py, "remove_done_callback"), &wakeup)?;
        call_method(future, intern!(py, "set_result"), &object)?;
        match call_method_with_two(&context, intern!(py, "run"), &wakeup, future) {
            // Its context is in use, or somebody steps a task: not now, then.
            Err(raised) if raised.is_instance_of::<PyRuntimeError>(py) => {
                let options = PyDict::new(py);
                options.set_item(intern!(py, "context"), context)?;
                let event_loop = self.event_loop.bind(py);
                let call_soon = event_loop.getattr(intern!(py, "call_soon"))?;
                call_soon.call((wakeup, future), Some(&options))?;
                Ok(None)
            }
            woken => Ok(woken.err()),
        }
    }

    /// Returns the function that wakes the one task that waits for a future, and
    /// the context for it.
    fn waiting<'py>(
        &self,
        future: &Bound<'py, PyAny>,
    ) -> Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let py = future.py();
        let native = self.native.as_ref()?;
        if !future.get_type().is(&native.future) {
            return None;
        }
        let callbacks = future.getattr(intern!(py, "_callbacks")).ok()?;
        let callbacks = callbacks.cast_into_exact::<PyList>().ok()?;
        if callbacks.len() != 1 {
            return None;
        }
        let pair = callbacks
            .get_item(0)
            .ok()?
            .cast_into_exact::<PyTuple>()
            .ok()?;
        let callback = pair.get_item(0).ok()?;
        if !native.wakes_a_task(&callback) {
            return None;
        }
        Some((callback, pair.get_item(1).ok()?))
    }
}

impl Native {
    fn of(py: Python<'_>) -> Option<Self> {
        let module = py.import("_asyncio").ok()?;
        let class = |name| {
            let class = module.getattr(name).ok()?.cast_into::<PyType>().ok()?;
            Some(class.unbind())
        };
        Some(Self {
            future: class("Future")?,
            task: class("Task")?,
            current_task: py
                .import("asyncio")
                .and_then(|module| module.getattr("current_task"))
                .ok()?
                .unbind(),
        })
    }

    /// Whether a callback is that of a task that waits.
    fn wakes_a_task(&self, callback: &Bound<'_, PyAny>) -> bool {
        let py = callback.py();
        let Ok(function) = callback.cast_exact::<PyCFunction>() else {
            return false;
        };
        // SAFETY: it is a built-in function, and the GIL is held. What its `self`
        // is, borrowed or null, is looked at only while `callback` keeps it.
        let (pointer, owner) = unsafe {
            let pointer = ffi::PyCFunction_GetFunction(function.as_ptr());
            let owner = ffi::PyCFunction_GetSelf(function.as_ptr());
            let owner = Bound::from_borrowed_ptr_or_opt(py, owner);
            (
                pointer.map_or(std::ptr::null_mut(), |it| it as *mut ()),
                owner,
            )
        };
        if pointer.is_null() || !owner.is_some_and(|owner| owner.get_type().is(&self.task)) {
            return false;
        }
        let known = WAKEUP.load(Ordering::Relaxed);
        if !known.is_null() {
            return known == pointer;
        }
        let name = function.getattr(intern!(py, "__name__"));
        let is_wakeup = name.is_ok_and(|name| name.eq(intern!(py, "task_wakeup")).unwrap_or(false));
        if is_wakeup {
            WAKEUP.store(pointer, Ordering::Relaxed);
        }
        is_wakeup
    }
}

/// Calls a method with one argument. PyO3's own call makes a bound method and a
/// tuple for it where it keeps to the stable interface of Python 3.10.
fn call_method<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    argument: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the GIL is held, the pointers are of objects that are kept by their
    // references, and null ends the list. A new reference is returned, or null.
    unsafe {
        let result = ffi::PyObject_CallMethodObjArgs(
            object.as_ptr(),
            name.as_ptr(),
            argument.as_ptr(),
            std::ptr::null_mut::<ffi::PyObject>(),
        );
        Bound::from_owned_ptr_or_err(object.py(), result)
    }
}

/// Calls a method with two arguments, like [`call_method`].
fn call_method_with_two<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    first: &Bound<'py, PyAny>,
    second: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: as in `call_method`.
    unsafe {
        let result = ffi::PyObject_CallMethodObjArgs(
            object.as_ptr(),
            name.as_ptr(),
            first.as_ptr(),
            second.as_ptr(),
            std::ptr::null_mut::<ffi::PyObject>(),
        );
        Bound::from_owned_ptr_or_err(object.py(), result)
    }
}
