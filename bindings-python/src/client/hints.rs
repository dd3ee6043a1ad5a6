//! What calls return, for the type stubs: Python objects that are made in one
//! place (`harvest`) and carry the type only here.

use std::convert::Infallible;
use std::marker::PhantomData;

use pyo3::prelude::*;
#[cfg(feature = "stubs")]
use pyo3::type_hint_union;

/// The type of a result.
pub(crate) trait Hint {
    /// The type as Python writes it.
    #[cfg(feature = "stubs")]
    const TYPE: pyo3::inspect::PyStaticExpr;
}

/// Declares types of results.
macro_rules! hints {
    ($($(#[$doc:meta])* $name:ident = $type:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) enum $name {}

        impl Hint for $name {
            #[cfg(feature = "stubs")]
            const TYPE: pyo3::inspect::PyStaticExpr = $type;
        }
    )*};
}

hints! {
    /// Whatever was stored.
    Anything = pyo3::type_hint_identifier!("typing", "Any");
    /// Values with their cas ids, by key.
    CasValues = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("builtins", "dict"),
        pyo3::type_hint_identifier!("typing", "Any"),
        pyo3::type_hint_subscript!(
            pyo3::type_hint_identifier!("builtins", "tuple"),
            pyo3::type_hint_identifier!("typing", "Any"),
            pyo3::type_hint_identifier!("builtins", "int")
        )
    );
    /// What was found out about a key.
    Explanation = pyo3::type_hint_identifier!("memoxide.tools", "KeyExplanation");
    /// Who may have written a value.
    Guesses = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("builtins", "list"),
        pyo3::type_hint_identifier!("memoxide.tools", "Guess")
    );
    /// Items by key.
    Items = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("builtins", "dict"),
        pyo3::type_hint_identifier!("typing", "Any"),
        pyo3::type_hint_identifier!("memoxide.item", "Item")
    );
    /// Keys.
    KeyList = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("builtins", "list"),
        pyo3::type_hint_identifier!("typing", "Any")
    );
    /// Keys as they come.
    KeyStream = pyo3::type_hint_identifier!("memoxide.keys", "KeyStream");
    /// An item or nothing.
    MaybeItem = type_hint_union!(
        pyo3::type_hint_identifier!("memoxide.item", "Item"),
        pyo3::type_hint_identifier!("builtins", "None")
    );
    /// A number or nothing.
    MaybeNumber = type_hint_union!(
        pyo3::type_hint_identifier!("builtins", "int"),
        pyo3::type_hint_identifier!("builtins", "None")
    );
    /// Flags and bytes, or nothing.
    MaybeRaw = type_hint_union!(
        pyo3::type_hint_subscript!(
            pyo3::type_hint_identifier!("builtins", "tuple"),
            pyo3::type_hint_identifier!("builtins", "int"),
            pyo3::type_hint_identifier!("builtins", "bytes")
        ),
        pyo3::type_hint_identifier!("builtins", "None")
    );
    /// Nothing.
    Nothing = pyo3::type_hint_identifier!("builtins", "None");
    /// How many keys would move.
    PlacementComparison = pyo3::type_hint_identifier!("memoxide.tools", "PlacementComparison");
    /// Reports by server.
    Reports = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("builtins", "list"),
        pyo3::type_hint_subscript!(
            pyo3::type_hint_identifier!("builtins", "tuple"),
            pyo3::type_hint_identifier!("builtins", "str"),
            pyo3::type_hint_subscript!(
                pyo3::type_hint_identifier!("builtins", "dict"),
                pyo3::type_hint_identifier!("builtins", "str"),
                pyo3::type_hint_identifier!("builtins", "str")
            )
        )
    );
    /// A number.
    Number = pyo3::type_hint_identifier!("builtins", "int");
    /// What a migration did.
    Summary = pyo3::type_hint_identifier!("memoxide.tools", "MigrationSummary");
    /// Yes or no.
    Truth = pyo3::type_hint_identifier!("builtins", "bool");
    /// Values by key.
    Values = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("builtins", "dict"),
        pyo3::type_hint_identifier!("typing", "Any"),
        pyo3::type_hint_identifier!("typing", "Any")
    );
    /// Versions by server.
    Versions = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("builtins", "list"),
        pyo3::type_hint_subscript!(
            pyo3::type_hint_identifier!("builtins", "tuple"),
            pyo3::type_hint_identifier!("builtins", "str"),
            pyo3::type_hint_identifier!("builtins", "str")
        )
    );
}

/// The result of a blocking call.
#[derive(Debug)]
pub(crate) struct Answer<'py, T>(pub(crate) Bound<'py, PyAny>, pub(crate) PhantomData<T>);

impl<'py, T: Hint> IntoPyObject<'py> for Answer<'py, T> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = Infallible;

    #[cfg(feature = "stubs")]
    const OUTPUT_TYPE: pyo3::inspect::PyStaticExpr = T::TYPE;

    fn into_pyobject(self, _py: Python<'py>) -> Result<Self::Output, Infallible> {
        Ok(self.0)
    }
}

/// The future of a call on an event loop.
#[derive(Debug)]
pub(crate) struct Promise<'py, T>(pub(crate) Bound<'py, PyAny>, pub(crate) PhantomData<T>);

impl<'py, T: Hint> IntoPyObject<'py> for Promise<'py, T> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = Infallible;

    #[cfg(feature = "stubs")]
    const OUTPUT_TYPE: pyo3::inspect::PyStaticExpr =
        pyo3::type_hint_subscript!(pyo3::type_hint_identifier!("asyncio", "Future"), T::TYPE);

    fn into_pyobject(self, _py: Python<'py>) -> Result<Self::Output, Infallible> {
        Ok(self.0)
    }
}

/// An argument that python-memcached has and that changes nothing here: every
/// call waits for its reply, so that errors have somewhere to go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoReply;

impl<'py> FromPyObject<'_, 'py> for NoReply {
    type Error = Infallible;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = pyo3::type_hint_identifier!("builtins", "bool");

    fn extract(_: Borrowed<'_, 'py, PyAny>) -> Result<Self, Infallible> {
        Ok(Self)
    }
}
