//! How statements find their rows, for tests.

use crate::Truth;
use crate::statement::Statement;

/// How SQLite would run a statement on tables that are empty.
pub(super) async fn planned(statement: Statement) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("truth.db").display());
    statement.plan(&Truth::open(&url).await.unwrap()).await
}
