//! What went wrong with a database, as far as a caller can do something about it.

/// Classes of PostgreSQL's errors that mend themselves: 08 the connection failed, 40 a transaction lost against another,
/// 53 the server has no room for one more, 57 it is starting or shutting down, or has taken too long.
const PASSING_CLASSES: [&str; 4] = ["08", "40", "53", "57"];

/// And some of other classes: a lock was not had in time, and two that end a transaction whose process stood still.
const PASSING_CODES: [&str; 3] = ["55P03", "25P03", "25P04"];

/// The class of PostgreSQL's errors that end a transaction because of another one: a deadlock, a conflict.
const LOST_CLASS: &str = "40";

/// SQLite's error if another process writes for too long; what it says more stands above the lowest eight bits.
const SQLITE_BUSY: u32 = 5;

/// True if the database is away, or busy: the same again may work.
pub(crate) fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => {
            true
        }
        sqlx::Error::Database(said) => said.code().is_some_and(|code| {
            PASSING_CLASSES.iter().any(|class| code.len() == 5 && code.starts_with(class))
                || PASSING_CODES.contains(&&*code)
                || is_busy(&code)
        }),
        _ => false,
    }
}

/// Codes of SQLite are numbers, and shorter than those of PostgreSQL.
fn is_busy(code: &str) -> bool {
    code.len() < 5 && code.parse::<u32>().is_ok_and(|number| number & 0xff == SQLITE_BUSY)
}

/// True if a transaction lost against another one, which is over now: the same again at once may work.
pub(crate) fn lost(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.len() == 5 && code.starts_with(LOST_CLASS))
}

/// Wraps an error of the database.
pub(crate) fn failed(error: sqlx::Error) -> manazir_ingest::Error {
    if passes(&error) {
        manazir_ingest::Error::unreachable("database", error)
    } else {
        manazir_ingest::Error::store(error)
    }
}

/// The same for destinations of rollups; `who` is the one that failed.
pub(crate) fn failed_rollup(who: &str, error: sqlx::Error) -> manazir_rollup::Error {
    match error {
        error if passes(&error) => manazir_rollup::Error::Away(who.to_owned(), error.into()),
        sqlx::Error::Decode(why) | sqlx::Error::ColumnDecode { source: why, .. } => {
            manazir_rollup::Error::Damaged { what: who.to_owned(), why: why.to_string() }
        }
        error => manazir_rollup::Error::Refused(who.to_owned(), error.into()),
    }
}

/// The same for people.
pub(crate) fn failed_people(error: sqlx::Error) -> manazir_people::Error {
    match error {
        sqlx::Error::Decode(why) | sqlx::Error::ColumnDecode { source: why, .. } => {
            manazir_people::Error::Damaged { what: "a row of people".to_owned(), why: why.to_string() }
        }
        error => manazir_people::Error::Away("the database".to_owned(), error.into()),
    }
}

/// The same for tokens.
pub(crate) fn failed_token(error: sqlx::Error) -> manazir_auth::Error {
    if passes(&error) {
        manazir_auth::Error::Unreachable(error.into())
    } else {
        manazir_auth::Error::Store(error.into())
    }
}

/// The same for accounts.
pub(crate) fn failed_account(error: sqlx::Error) -> manazir_auth::AccountError {
    if passes(&error) {
        manazir_auth::AccountError::Unreachable(error.into())
    } else {
        manazir_auth::AccountError::Store(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_told_from_what_only_looks_like_it() {
        for busy in ["5", "261", "517", "773"] {
            assert!(is_busy(busy), "{busy}");
        }
        for other in ["6", "19", "1555", "00005", "22005", ""] {
            assert!(!is_busy(other), "{other}");
        }
    }
}
