//! How keys and values are written.

use manazir_ingest::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Key in `progress`: everything up to here is judged.
pub(crate) const COMMITTED: &str = "committed";

/// Key in `progress`: where the worker began that has not ended in order, see `Begun`.
pub(crate) const BEGUN: &str = "begun";

/// Key in `progress`: the message that a careful worker is about to judge.
pub(crate) const SUSPECT: &str = "suspect";

/// Key in `progress`: number of the last entry of the outbox, which may have been removed since.
pub(crate) const OUTBOX: &str = "outbox";

/// Key in `progress`: the name of the outbox.
pub(crate) const OUTBOX_NAME: &str = "outbox_name";

/// A position from its key; 0 for bytes of another length, which no key of ours has.
pub(crate) fn position(key: &[u8]) -> u64 {
    key.try_into().map_or(0, u64::from_be_bytes)
}

/// The key of a place: its partition, then its position.
pub(crate) fn place(partition: u16, position: u64) -> [u8; 10] {
    let mut key = [0; 10];
    key[..2].copy_from_slice(&partition.to_be_bytes());
    key[2..].copy_from_slice(&position.to_be_bytes());
    key
}

pub(crate) fn write(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    postcard::to_extend(value, Vec::new()).map_err(Error::store)
}

/// `what` names the entry for whoever has to repair it.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8], what: impl FnOnce() -> String) -> Result<T, Error> {
    postcard::from_bytes(bytes).map_err(|error| Error::Damaged { what: what(), why: error.to_string() })
}
