//! What makes a batch of samples the same batch again: its bytes.

use axum::http::HeaderMap;
use manazir_ingest::parts;

use crate::access::Caller;
use crate::{App, Problem};

/// Bytes of an `Idempotency-Key`.
const KEY_BYTES_MAX: usize = 255;

/// The digest of a body.
///
/// The header `Idempotency-Key` belongs to one body of its caller: with another one it is refused, for one of the two
/// is not what the caller means.
pub(super) fn digest(
    app: &App,
    headers: &HeaderMap,
    caller: &Caller,
    body: &[u8],
) -> Result<[u8; 32], Problem> {
    let digest = parts::digest([body]);
    if let Some(key) = key(headers, KEY_BYTES_MAX)? {
        let key = format!("{}/{key}", caller.id);
        if !app.keys.fits(key, digest) {
            return Err(Problem::key_of_another());
        }
    }
    Ok(digest)
}

/// The header `Idempotency-Key`, if the request has one.
pub(crate) fn key(headers: &HeaderMap, bytes_max: usize) -> Result<Option<&str>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let fits =
        |key: &&str| (1..=bytes_max).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    let wrong = || {
        let detail = format!("Idempotency-Key has 1 to {bytes_max} characters of ASCII without spaces");
        Problem::invalid(detail, Vec::new())
    };
    key.to_str().ok().filter(fits).map(Some).ok_or_else(wrong)
}
