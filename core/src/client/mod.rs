//! Operations, the engine, and the clients.
mod blocking;
mod delivery;
mod engine;
mod health;
mod operation;
mod options;
mod plan;
mod servers;

pub use blocking::{Connector, Host, PlainConnector, Runner, Times};
pub use engine::{Action, ConnectionId, Engine, EngineOptions, Handler, Ticket};
pub use health::{Admission, Health, HealthPolicy};
pub use operation::{
    Answer, CasOutcome, Composite, Dispatch, Input, Moment, Operation, Outbox, Outcome, Part,
    Parts, Single, Spread, Step,
};
pub use options::{OnError, Options, Setting};
pub use plan::{Counting, Place, Plan};
pub use servers::ServerAddress;
