//! Pages of lists, by cursor.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Problem;

/// Items of a page unless it says otherwise, and at most.
const LIMIT: usize = 50;
const LIMIT_MAX: usize = 1_000;

/// Which page.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// At most so many items, 1 to 1000; 50 if it is not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<u64>,
}

impl PageQuery {
    pub(crate) fn limit(self) -> Result<usize, Problem> {
        let limit = self.limit.unwrap_or(LIMIT);
        if (1..=LIMIT_MAX).contains(&limit) {
            return Ok(limit);
        }
        Err(Problem::invalid(format!("limit is {limit}; it is 1 to {LIMIT_MAX}"), Vec::new()))
    }

    /// Items before this position.
    pub(crate) fn before(self) -> Option<u64> {
        self.cursor
    }
}

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
