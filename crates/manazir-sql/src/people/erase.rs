//! Erasing a person: the number is left, and nothing that says who it was or whom they knew.

use manazir_model::Timestamp;
use manazir_people::{PersonState, Profile};

use super::code;
use crate::statement::{Connection, Statement};

/// Counts that others have for ties with the erased: the column, and whom of those it is about. The latter is followed
/// by the number of the erased.
const COUNTS: [(&str, &str); 5] = [
    ("contacts", "SELECT other FROM connections WHERE one = "),
    ("asked_by", "SELECT to_user FROM ties WHERE kind = 0 AND from_user = "),
    ("asked", "SELECT from_user FROM ties WHERE kind = 0 AND to_user = "),
    ("blocked", "SELECT from_user FROM ties WHERE kind = 1 AND to_user = "),
    ("dismissed", "SELECT from_user FROM ties WHERE kind = 2 AND to_user = "),
];

/// Rows that go, all but a condition on the number of the erased.
const ROWS: [&str; 6] = [
    "DELETE FROM connections WHERE one IN (SELECT other FROM connections AS theirs WHERE theirs.one = $1) \
     AND other = $1",
    "DELETE FROM connections WHERE one = $1",
    "DELETE FROM ties WHERE kind IN (0, 1, 2) AND from_user = $1",
    "DELETE FROM ties WHERE to_user = $1",
    "DELETE FROM recommendations WHERE user_id = $1",
    "DELETE FROM recommendations WHERE recommended = $1",
];

/// Erases someone; what is left. Nobody else changes ties meanwhile.
pub(super) async fn erase(
    connection: &mut Connection<'_>,
    before: &Profile,
    at: Timestamp,
) -> Result<Profile, sqlx::Error> {
    for (column, whose) in COUNTS {
        Statement::new("UPDATE people SET ")
            .then(column)
            .then(" = ")
            .then(column)
            .then(" - 1 WHERE id IN (")
            .then(whose)
            .user(before.id)
            .then(")")
            .planned_anew()
            .execute(connection)
            .await?;
    }
    for rows in ROWS {
        Statement::new(rows).bound(before.id.0.into()).planned_anew().execute(connection).await?;
    }
    Statement::new(
        "UPDATE people SET username = NULL, username_folded = NULL, name = NULL, name_folded = NULL, sorted = '', \
         email = NULL, affiliation = NULL, contacts = 0, asked = 0, asked_by = 0, blocked = 0, dismissed = 0, state = ",
    )
    .number(code::of_state(PersonState::Erased))
    .then(", changed_at = ")
    .number(at.micros())
    .then(" WHERE id = ")
    .user(before.id)
    .execute(connection)
    .await?;
    Ok(before.erased(at))
}
