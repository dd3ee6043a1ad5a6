//! Where a key is, and what a stored value means.

use memoxide::client::tools;
use memoxide::client::{Plan, ServerAddress};
use memoxide::route::Spot;
use memoxide::value;
use napi::Env;
use napi::bindgen_prelude::{BigInt, Buffer};
use napi_derive::napi;

use super::ClientPlan;
use crate::errors::thrown;

/// Which server has a key, and why; `KeyExplanation` in `ts/tools.ts` has the
/// documentation.
#[napi(object, object_from_js = false)]
pub struct KeyFields {
    pub key: Buffer,
    pub hashed: Buffer,
    pub hashing: String,
    pub server: String,
    pub order: Vec<String>,
    pub hash: Option<BigInt>,
    pub point: Option<BigInt>,
    pub points: Option<u32>,
    pub slot: Option<u32>,
    pub slots: Option<u32>,
    pub score: Option<BigInt>,
    pub text: String,
}

/// Tells which server has a key, and why. Where the program places keys, `placed`
/// is where it has placed this one.
///
/// # Errors
///
/// `InvalidKey`, `NoServers`, and `InvalidArgument` for a name in `down` that is
/// that of no server.
#[napi]
pub fn explain_key(
    env: Env,
    plan: &ClientPlan,
    key: &[u8],
    down: Vec<String>,
    placed: Option<u32>,
) -> napi::Result<KeyFields> {
    let down: Vec<&str> = down.iter().map(String::as_str).collect();
    let explained = match placed {
        None => tools::explain_key(&plan.0, key, &down),
        Some(index) => {
            let (servers, options) = (plan.0.servers().to_vec(), plan.0.options().clone());
            let choose = move |_: &[u8], _: &[ServerAddress]| Ok(index as usize);
            Plan::choosing(servers, options, choose)
                .and_then(|plan| tools::explain_key(&plan, key, &down))
        }
    };
    let explained = explained.map_err(|error| thrown(&env, &error))?;
    let mut fields = KeyFields {
        key: explained.key.clone().into(),
        hashed: explained.hashed.clone().into(),
        hashing: explained.hashing.to_string(),
        server: explained.server.to_string(),
        order: explained.order.iter().map(ToString::to_string).collect(),
        hash: None,
        point: None,
        points: None,
        slot: None,
        slots: None,
        score: None,
        text: explained.to_string(),
    };
    match explained.spot {
        Spot::Point {
            hash,
            point,
            points,
            ..
        } => {
            fields.hash = Some(hash.into());
            fields.point = Some(point.into());
            fields.points = Some(points as u32);
        }
        Spot::Score { score, .. } => fields.score = Some(score.into()),
        Spot::Slot { hash, slot, slots } => {
            fields.hash = hash.map(BigInt::from);
            fields.slot = Some(slot as u32);
            fields.slots = Some(slots as u32);
        }
        _ => {}
    }
    Ok(fields)
}

/// One way to read a stored value; `Guess` in `ts/tools.ts` has the documentation.
#[napi(object, object_from_js = false)]
pub struct GuessFields {
    pub dialect: &'static str,
    pub clients: Vec<&'static str>,
    pub kind: &'static str,
    pub compression: Option<&'static str>,
    pub size: f64,
    #[napi(ts_type = "'likely' | 'possible' | 'unlikely'")]
    pub confidence: &'static str,
    pub text: String,
}

/// Lists who probably wrote a stored value and what it is.
#[napi]
#[must_use]
pub fn explain_value(flags: u32, value: &[u8]) -> Vec<GuessFields> {
    let fields = |guess: value::Guess| GuessFields {
        dialect: guess.dialect.name(),
        clients: guess.clients.to_vec(),
        kind: guess.kind.name(),
        compression: guess.compression.map(value::CompressionFormat::name),
        size: guess.size as f64,
        confidence: guess.confidence.name(),
        text: guess.to_string(),
    };
    value::explain(flags, value)
        .into_iter()
        .map(fields)
        .collect()
}
