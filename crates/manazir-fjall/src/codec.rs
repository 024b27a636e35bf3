//! How keys and values are written.

use manazir_ingest::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Key in `progress`: everything up to here is judged.
pub(crate) const COMMITTED: &str = "committed";

/// Key in `progress`: the models are as they were after this position.
pub(crate) const SNAPSHOT: &str = "snapshot";

/// A position from its key; 0 for bytes of another length, which no key of ours has.
pub(crate) fn position(key: &[u8]) -> u64 {
    key.try_into().map_or(0, u64::from_be_bytes)
}

pub(crate) fn write(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    postcard::to_extend(value, Vec::new()).map_err(Error::store)
}

/// `what` names the entry for whoever has to repair it.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8], what: impl FnOnce() -> String) -> Result<T, Error> {
    postcard::from_bytes(bytes).map_err(|error| Error::Damaged { what: what(), why: error.to_string() })
}
