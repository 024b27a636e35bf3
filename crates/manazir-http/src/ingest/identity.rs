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
    if let Some(key) = headers.get("idempotency-key") {
        let fits = |key: &&str| {
            (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let key = key.to_str().ok().filter(fits);
        let wrong = || {
            Problem::invalid(
                format!("Idempotency-Key has 1 to {KEY_BYTES_MAX} characters of ASCII without spaces"),
                Vec::new(),
            )
        };
        let key = format!("{}/{}", caller.id, key.ok_or_else(wrong)?);
        if !app.keys.fits(key, digest) {
            return Err(Problem::key_of_another());
        }
    }
    Ok(digest)
}
