//! What a transaction tells: what it revoked, and what it did.

use manazir_auth::AccountId;
use manazir_auth::audit::{Actor, AuditEntry, AuditKind, Occasion};
use manazir_auth::revocation::Revocation;
use manazir_model::Timestamp;

use super::rows::{maybe_text, number, text};
use super::{audit, revocations};
use crate::statement::{Connection, Statement, Value, raise, signed};

/// Rows of one statement; databases take about 30,000 values.
const ROWS_MAX: usize = 1_000;

/// Gathered while a transaction runs and written at its end: the rows of the two counters are locked last and for
/// the shortest time, and always in one order.
#[derive(Debug, Default)]
pub(crate) struct Log {
    revocations: Vec<(Timestamp, Revocation)>,
    notes: Vec<AuditEntry>,
    erased: Vec<AccountId>,
}

impl Log {
    pub(crate) fn revoke(&mut self, at: Timestamp, what: Revocation) {
        self.revocations.push((at, what));
    }

    pub(crate) fn note(&mut self, kind: AuditKind, account: Option<AccountId>, on: &Occasion, detail: &str) {
        self.add(AuditEntry::new(kind, account, on, detail));
    }

    pub(crate) fn add(&mut self, entry: AuditEntry) {
        self.notes.push(entry);
    }

    /// Nothing is to be left in the audit log of what is known of an account but that it was erased.
    pub(crate) fn erase(&mut self, account: AccountId) {
        self.erased.push(account);
    }

    /// The last step of a transaction: it locks what every other one needs.
    pub(crate) async fn write(&mut self, connection: &mut Connection<'_>) -> Result<(), sqlx::Error> {
        let told = std::mem::take(self);
        for some in told.revocations.chunks(ROWS_MAX) {
            let last = raise(connection, revocations::COUNTER, some.len() as u64).await?;
            let first = last + 1 - signed(some.len() as u64);
            let rows = (first..).zip(some).map(|(number, (at, what))| revocation(number, *at, *what));
            Statement::new("INSERT INTO account_revocations (number, at, session, account, version) VALUES ")
                .rows(rows)
                .execute(connection)
                .await?;
        }
        for some in told.notes.chunks(ROWS_MAX) {
            let last = raise(connection, audit::COUNTER, some.len() as u64).await?;
            let first = last + 1 - signed(some.len() as u64);
            let rows = (first..).zip(some).map(|(number, entry)| audited(number, entry));
            Statement::new(
                "INSERT INTO account_audit (number, kind, account, actor, address, at, detail) VALUES ",
            )
            .rows(rows)
            .execute(connection)
            .await?;
        }
        for account in told.erased {
            audit::erase(connection, account).await?;
        }
        Ok(())
    }
}

fn revocation(place: i64, at: Timestamp, what: Revocation) -> Vec<Value> {
    let (session, account, version) = match what {
        Revocation::Session(id) => (Some(id.to_string()), None, None),
        Revocation::Account(id, version) => (None, Some(id.to_string()), Some(i64::from(version))),
    };
    vec![number(place), number(at.micros()), maybe_text(session), maybe_text(account), Value::Number(version)]
}

fn audited(place: i64, entry: &AuditEntry) -> Vec<Value> {
    let actor = match entry.on.by {
        Actor::Nobody => audit::NOBODY.to_owned(),
        Actor::System => audit::SYSTEM.to_owned(),
        Actor::Account(id) => id.to_string(),
    };
    vec![
        number(place),
        text(entry.kind.word()),
        maybe_text(entry.account.map(|id| id.to_string())),
        text(&actor),
        maybe_text(entry.on.address.map(|address| address.to_string())),
        number(entry.on.at.micros()),
        text(&entry.detail),
    ]
}
