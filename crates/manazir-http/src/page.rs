//! Pages of lists, by cursor.

use serde::Serialize;
use utoipa::ToSchema;

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The newest first.
    pub(crate) items: Vec<T>,
    /// Ask with it for what comes after; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<u64>,
}

impl<T> Page<T> {
    /// A page that was asked for with `limit`: a full one may not be the last.
    pub(crate) fn new(items: Vec<T>, limit: usize, position: impl Fn(&T) -> u64) -> Self {
        let next_cursor = (items.len() == limit).then(|| items.last().map(&position)).flatten();
        Self { items, next_cursor }
    }
}
