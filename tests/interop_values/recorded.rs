//! The recorded files.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::Value as Json;

/// The recorded files, by name.
pub(crate) fn files() -> Vec<Json> {
    let entries = fs::read_dir(vectors().join("values")).expect("the recorded files");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "gz"))
        .collect();
    paths.sort();
    paths.iter().map(|path| read_json(path)).collect()
}

pub(crate) fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/interop")
}

pub(crate) fn read_json(path: &Path) -> Json {
    let file = fs::File::open(path).expect("a recorded file");
    let mut json = String::new();
    GzDecoder::new(file)
        .read_to_string(&mut json)
        .expect("gzip");
    serde_json::from_str(&json).expect("JSON")
}

pub(crate) fn stored(case: &Json) -> Option<(u32, Vec<u8>)> {
    let flags = u32::try_from(case["flags"].as_u64()?).expect("32 bits");
    Some((flags, decoded(&case["raw_base64"])))
}

pub(crate) fn decoded(base64: &Json) -> Vec<u8> {
    STANDARD.decode(text(base64)).expect("base64")
}

pub(crate) fn expression(case: &Json) -> &str {
    ["python", "js", "php", "ruby", "php_session", "stored_key"]
        .iter()
        .find_map(|language| case[*language].as_str())
        .expect("an expression")
}

pub(crate) fn text(json: &Json) -> &str {
    json.as_str().expect("text")
}
