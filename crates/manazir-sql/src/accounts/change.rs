//! What changes a row of an account.

use manazir_auth::audit::{AuditKind, Occasion};
use manazir_auth::revocation::Revocation;
use manazir_auth::session::{EndedBy, SessionId};
use manazir_auth::store::{Changed, Created, NewAccount};
use manazir_auth::{Account, AccountId, PasswordHash, Role, TokenHash};
use manazir_model::Timestamp;

use super::log::Log;
use super::rows::{ACCOUNT_COLUMNS, AccountRow, maybe_text, number, text};
use super::{identities, links, locked, one, person, sessions};
use crate::people::SqlPeople;
use crate::statement::{Connection, Statement, Value, lock};
use crate::text::came;

/// Locked before any account while roles or bans change, so that two administrators do not put each other out, and
/// while rows go.
pub(super) const COUNTER: &str = "accounts";

/// Makes an account and its person within a transaction of the caller, who commits only what is [`Created::Done`], and
/// who lets the log write last. See [`manazir_auth::AccountStore::create`].
pub(super) async fn create(
    connection: &mut Connection<'_>,
    people: &SqlPeople,
    new: &NewAccount,
    link: Option<TokenHash>,
    on: &Occasion,
    log: &mut Log,
) -> Result<Created, sqlx::Error> {
    let (mut role, mut is_theirs) = (new.role, false);
    if let Some(hash) = link {
        match links::invited(connection, hash, &new.email, on.at).await? {
            Some(invited) => (role, is_theirs) = (invited.role, invited.is_bound),
            None => return Ok(Created::LinkRefused),
        }
    }
    if let Some(taken) = taken(connection, new).await? {
        return Ok(taken);
    }
    let id = match person::of(connection, people, new, is_theirs, on.at).await? {
        Ok(id) => id,
        Err(taken) => return Ok(taken),
    };
    let new = &NewAccount { id, ..new.clone() };
    let Some(account) = insert(connection, new, role, on.at).await? else {
        // Somebody was faster by so little that they were not seen before; they may even be gone again.
        let lost = Created::Taken { username: true, email: true };
        return Ok(taken(connection, new).await?.unwrap_or(lost));
    };
    if let Some(hash) = link {
        links::used(connection, hash, on.at).await?;
    }
    log.note(AuditKind::Registered, Some(new.id), on, role.word());
    if let Some(linked) = &new.identity
        && !identities::insert(connection, new.id, linked, on, log).await?
    {
        return Ok(Created::Taken { username: false, email: true });
    }
    Ok(Created::Done(account))
}

/// Ends an account within a transaction of the caller, with its sessions and links: bans it, or, if it is to be erased,
/// leaves nothing of it but an entry in the audit log that it was. Access tokens are refused either way. Nothing
/// happens if it is the last administrator. The caller lets the log write last.
pub(super) async fn leave(
    connection: &mut Connection<'_>,
    id: AccountId,
    erased: bool,
    on: &Occasion,
    log: &mut Log,
) -> Result<Changed, sqlx::Error> {
    if !erased {
        return set_banned(connection, id, true, on, log).await;
    }
    lock(connection, COUNTER).await?;
    let Some(account) = locked(connection, id).await? else { return Ok(Changed::Unknown) };
    if is_last_admin(connection, &account).await? {
        return Ok(Changed::LastAdmin);
    }
    Statement::new("DELETE FROM accounts WHERE id = ").text(&id.to_string()).execute(connection).await?;
    // Every session has tokens of a version below this one only.
    log.revoke(on.at, Revocation::Account(id, account.version.saturating_add(1)));
    log.note(AuditKind::Erased, Some(id), on, "");
    log.erase(id);
    Ok(Changed::Done(account))
}

/// See [`manazir_auth::AccountStore::set_password`].
pub(super) async fn set_password(
    connection: &mut Connection<'_>,
    (id, version): (AccountId, u32),
    password: &PasswordHash,
    but: Option<SessionId>,
    on: &Occasion,
    log: &mut Log,
) -> Result<bool, sqlx::Error> {
    if locked(connection, id).await?.is_none_or(|account| account.version != version) {
        return Ok(false);
    }
    let changed = Statement::new("UPDATE accounts SET password = ").text(password.as_str());
    if raised(connection, changed, id, on, log).await?.is_none() {
        return Ok(false);
    }
    log.note(AuditKind::PasswordChanged, Some(id), on, "");
    sessions::end_all(connection, id, but, EndedBy::Password, on, log).await?;
    Ok(true)
}

/// See [`manazir_auth::AccountStore::reset_password`].
pub(super) async fn reset_password(
    connection: &mut Connection<'_>,
    link: TokenHash,
    password: &PasswordHash,
    on: &Occasion,
    log: &mut Log,
) -> Result<Option<Account>, sqlx::Error> {
    let Some(id) = links::reset_of(connection, link, on.at).await? else { return Ok(None) };
    if locked(connection, id).await?.is_none() || !links::used(connection, link, on.at).await? {
        return Ok(None);
    }
    log.note(AuditKind::PasswordReset, Some(id), on, "");
    sessions::end_all(connection, id, None, EndedBy::Password, on, log).await?;
    let changed = Statement::new("UPDATE accounts SET password = ").text(password.as_str());
    raised(connection, changed, id, on, log).await
}

/// See [`manazir_auth::AccountStore::give_role`].
pub(super) async fn give_role(
    connection: &mut Connection<'_>,
    id: AccountId,
    role: Role,
    on: &Occasion,
    log: &mut Log,
) -> Result<Changed, sqlx::Error> {
    lock(connection, COUNTER).await?;
    let Some(account) = locked(connection, id).await? else { return Ok(Changed::Unknown) };
    if account.role == role {
        return Ok(Changed::Done(account));
    }
    if is_last_admin(connection, &account).await? {
        return Ok(Changed::LastAdmin);
    }
    log.note(AuditKind::RoleGiven, Some(id), on, role.word());
    let changed = Statement::new("UPDATE accounts SET role = ").text(role.word());
    Ok(raised(connection, changed, id, on, log).await?.map_or(Changed::Unknown, Changed::Done))
}

/// See [`manazir_auth::AccountStore::set_banned`].
pub(super) async fn set_banned(
    connection: &mut Connection<'_>,
    id: AccountId,
    banned: bool,
    on: &Occasion,
    log: &mut Log,
) -> Result<Changed, sqlx::Error> {
    lock(connection, COUNTER).await?;
    let Some(account) = locked(connection, id).await? else { return Ok(Changed::Unknown) };
    if account.banned_at.is_some() == banned {
        return Ok(Changed::Done(account));
    }
    if banned && is_last_admin(connection, &account).await? {
        return Ok(Changed::LastAdmin);
    }
    if banned {
        sessions::end_all(connection, id, None, EndedBy::Admin, on, log).await?;
    }
    log.note(if banned { AuditKind::Banned } else { AuditKind::LetIn }, Some(id), on, "");
    let changed = Statement::new("UPDATE accounts SET banned_at = ")
        .value(Value::Number(banned.then_some(on.at.micros())));
    Ok(raised(connection, changed, id, on, log).await?.map_or(Changed::Unknown, Changed::Done))
}

/// Finishes a change of an account with the next version.
async fn raised(
    connection: &mut Connection<'_>,
    changed: Statement,
    id: AccountId,
    on: &Occasion,
    log: &mut Log,
) -> Result<Option<Account>, sqlx::Error> {
    let row = changed
        .then(", version = version + 1 WHERE id = ")
        .text(&id.to_string())
        .then(" RETURNING ")
        .then(ACCOUNT_COLUMNS)
        .fetch_in::<AccountRow>(connection)
        .await?;
    let account = one(row).map(AccountRow::account).transpose()?;
    if let Some(account) = &account {
        log.revoke(on.at, Revocation::Account(id, account.version));
    }
    Ok(account)
}

/// True if nobody who may run the place would be left without this account. The counter is locked.
async fn is_last_admin(connection: &mut Connection<'_>, account: &Account) -> Result<bool, sqlx::Error> {
    if account.role != Role::Admin || account.banned_at.is_some() {
        return Ok(false);
    }
    Ok(other_admin(account.id).fetch_in::<(String,)>(connection).await?.is_empty())
}

fn other_admin(id: AccountId) -> Statement {
    Statement::new("SELECT id FROM accounts WHERE role = 'admin' AND banned_at IS NULL AND id <> ")
        .text(&id.to_string())
        .then(" LIMIT 1")
}

/// What of a new account somebody has; `None` if nobody has any of it.
async fn taken(connection: &mut Connection<'_>, new: &NewAccount) -> Result<Option<Created>, sqlx::Error> {
    let known = alike(new).fetch_in::<(String, String, String, String)>(connection).await?;
    let (id, name) = (new.id.to_string(), &new.username);
    let (mut username, mut email) = (false, false);
    for (other, folded, look, key) in known {
        username |= came(folded) == name.folded() || came(look) == name.look();
        email |= came(key) == new.email.key() || other == id;
    }
    Ok((username || email).then_some(Created::Taken { username, email }))
}

fn alike(new: &NewAccount) -> Statement {
    Statement::new("SELECT id, username_folded, username_look, email_key FROM accounts WHERE id = ")
        .text(&new.id.to_string())
        .then(" OR username_folded = ")
        .text(new.username.folded())
        .then(" OR username_look = ")
        .text(new.username.look())
        .then(" OR email_key = ")
        .text(new.email.key())
}

/// `None` if somebody has something of it.
async fn insert(
    connection: &mut Connection<'_>,
    new: &NewAccount,
    role: Role,
    at: Timestamp,
) -> Result<Option<Account>, sqlx::Error> {
    let values = vec![
        text(&new.id.to_string()),
        text(new.username.as_str()),
        text(new.username.folded()),
        text(new.username.look()),
        text(new.email.address()),
        text(new.email.key()),
        text(role.word()),
        text(&new.avatar_seed),
        maybe_text(new.password.as_ref().map(|hash| hash.as_str().to_owned())),
        number(0),
        number(at.micros()),
    ];
    let row = Statement::new(
        "INSERT INTO accounts (id, username, username_folded, username_look, email, email_key, role, avatar_seed, \
         password, version, created_at) VALUES ",
    )
    .rows([values])
    .then(" ON CONFLICT DO NOTHING RETURNING ")
    .then(ACCOUNT_COLUMNS)
    .fetch_in::<AccountRow>(connection)
    .await?;
    one(row).map(AccountRow::account).transpose()
}

#[cfg(test)]
mod tests {
    use manazir_auth::AccountStore as _;
    use manazir_auth::contract::accounts::{at, made, new_account, on, opened};
    use manazir_auth::link::{Link, LinkSecret, Purpose};
    use manazir_testkit::postgres::Postgres;

    use super::super::plans::planned;
    use super::*;
    use crate::Truth;
    use crate::statement::Writing;

    #[tokio::test]
    async fn accounts_are_found_by_index() {
        let plan = planned(alike(&new_account("ada", 1))).await;
        assert!(plan.iter().all(|step| !step.contains("SCAN")) && plan.len() > 4, "{plan:?}");
        let plan = planned(other_admin(AccountId([1; 16]))).await;
        assert!(plan[0].contains("INDEX accounts_admins"), "{plan:?}");
    }

    /// As whoever ends a person would do it.
    async fn left(truth: &Truth, id: AccountId, erased: bool) -> Changed {
        let mut writing = Writing::begin(truth).await.unwrap();
        let mut connection = writing.connection();
        let mut log = Log::default();
        let changed = leave(&mut connection, id, erased, &on(9), &mut log).await.unwrap();
        log.write(&mut connection).await.unwrap();
        writing.commit().await.unwrap();
        changed
    }

    async fn accounts_leave(truth: &Truth) {
        let (ada, bob) = (made(truth, "ada", 1).await, made(truth, "bob", 2).await);
        truth.give_role(ada.id, Role::Admin, &on(1)).await.unwrap();
        assert_eq!(left(truth, ada.id, true).await, Changed::LastAdmin);
        assert_eq!(left(truth, ada.id, false).await, Changed::LastAdmin);
        assert_eq!(left(truth, AccountId([9; 16]), true).await, Changed::Unknown);

        let (session, token) = opened(truth, &bob, 1, 2).await;
        let reset = Link { purpose: Purpose::Reset(bob.id), expires_at: at(60) };
        let hash = LinkSecret::from_entropy([1; 32]).hash();
        truth.keep_link(hash, &reset, &on(2)).await.unwrap();
        let Changed::Done(gone) = left(truth, bob.id, false).await else { panic!("he is no administrator") };
        assert_eq!((gone.banned_at, gone.version), (Some(at(9)), 1));
        let log = truth.revocations(0).await.unwrap().entries;
        let what: Vec<_> = log.iter().map(|(_, _, what)| *what).collect();
        assert_eq!(what[1..], [Revocation::Session(session.id), Revocation::Account(bob.id, 1)]);

        let by_bob = Occasion { by: manazir_auth::audit::Actor::Account(bob.id), ..on(3) };
        truth.give_role(ada.id, Role::Admin, &by_bob).await.unwrap();
        truth.set_banned(ada.id, false, &by_bob).await.unwrap();
        truth.give_role(made(truth, "eve", 3).await.id, Role::Viewer, &by_bob).await.unwrap();
        let Changed::Done(erased) = left(truth, bob.id, true).await else { panic!("there he is") };
        assert_eq!(erased, gone);
        assert_eq!(truth.account(bob.id).await.unwrap(), None);
        assert_eq!(truth.link(hash, at(3)).await.unwrap(), None);
        let rules = manazir_auth::session::SessionRules::default();
        let refreshed =
            truth.refresh(&token, token.successor([3; 32]), &session.device, &rules, &on(9)).await;
        assert_eq!(refreshed.unwrap().presented, manazir_auth::session::Presented::Unknown);
        let last = truth.revocations(4).await.unwrap().entries;
        assert_eq!(last.last().map(|entry| entry.2), Some(Revocation::Account(bob.id, 2)));
        let log = truth.audit(None, 99).await.unwrap();
        let of_bob: Vec<_> = log.iter().filter(|known| known.entry.account == Some(bob.id)).collect();
        assert_eq!(of_bob.iter().map(|known| known.entry.kind).collect::<Vec<_>>(), [AuditKind::Erased]);
        let given = log.iter().find(|known| known.entry.on.by == by_bob.by).unwrap();
        assert_eq!((given.entry.kind, given.entry.on.address), (AuditKind::RoleGiven, None));
    }

    #[tokio::test]
    async fn an_account_leaves_with_all_that_is_its_on_sqlite() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("truth.db").display());
        accounts_leave(&Truth::open(&url).await.unwrap()).await;
    }

    #[tokio::test]
    async fn an_account_leaves_with_all_that_is_its_needs_postgres() {
        let server = Postgres::start();
        accounts_leave(&Truth::open(&server.url()).await.unwrap()).await;
    }
}
