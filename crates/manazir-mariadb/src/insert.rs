//! Rows that are new, or add to those that are there, many in a statement.

use sqlx::query_builder::Separated;
use sqlx::{MySql, MySqlConnection, QueryBuilder};

/// Rows of a statement, a power of two: more make it hardly faster, and the server keeps it in memory.
pub(crate) const ROWS_MAX: usize = 256;

/// Values of a statement: the protocol counts them in 16 bits.
const VALUES_MAX: usize = u16::MAX as usize;

/// What stands before the rows, and behind them. Its names are checked; values are bound and never become text.
pub(crate) struct Insert {
    head: String,
    tail: String,
    width: usize,
}

impl Insert {
    /// Rows of these columns.
    pub(crate) fn new(table: &str, columns: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let columns: Vec<_> = columns.into_iter().map(|name| format!("`{}`", name.as_ref())).collect();
        let head = format!("INSERT INTO `{table}` ({}) ", columns.join(", "));
        Self { head, tail: String::new(), width: columns.len() }
    }

    /// Where the key is there, these columns are added to. In a table of somebody else's they may be NULL, and would
    /// stay so.
    pub(crate) fn adding(self, columns: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.on_duplicate(columns, |name| format!("`{name}` = COALESCE(`{name}`, 0) + VALUES(`{name}`)"))
    }

    /// Where the key is there, this column is set; what is not named stays.
    pub(crate) fn setting(self, column: &str) -> Self {
        self.on_duplicate([column], |name| format!("`{name}` = VALUES(`{name}`)"))
    }

    fn on_duplicate(
        self,
        columns: impl IntoIterator<Item = impl AsRef<str>>,
        how: impl Fn(&str) -> String,
    ) -> Self {
        let columns: Vec<_> = columns.into_iter().map(|name| how(name.as_ref())).collect();
        let head = if self.tail.is_empty() { " ON DUPLICATE KEY UPDATE " } else { ", " };
        Self { tail: format!("{}{head}{}", self.tail, columns.join(", ")), ..self }
    }

    /// Writes `rows`; `bind` adds the values of one.
    ///
    /// The rows of each statement are a power of two, so that there are few texts and the connection keeps them all
    /// prepared. To prepare one, let go of it and send the next would wait each time for the acknowledgement of a
    /// packet, 40 ms, since the client does not set TCP_NODELAY.
    pub(crate) async fn run<T: Sync>(
        &self,
        connection: &mut MySqlConnection,
        rows: &[T],
        bind: impl Fn(&mut Separated<'_, MySql, &'static str>, &T) + Send + Sync,
    ) -> Result<(), sqlx::Error> {
        let most = ROWS_MAX.min(VALUES_MAX / self.width).max(1);
        let mut rest = rows;
        while !rest.is_empty() {
            let (rows, later) = rest.split_at(1 << most.min(rest.len()).ilog2());
            let mut statement = QueryBuilder::new(&*self.head);
            statement.push_values(rows, |mut row, values| bind(&mut row, values)).push(&self.tail);
            statement.build().execute(&mut *connection).await?;
            rest = later;
        }
        Ok(())
    }
}
