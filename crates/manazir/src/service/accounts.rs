//! Accounts of people while the service runs: where passwords are hashed, keys that follow each other, what was revoked
//! elsewhere, and letters.

mod elsewhere;
mod hashing;
mod keys;
mod secret;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use manazir_auth::access::AccessRules;
use manazir_auth::audit::{AUDIT_KEPT_PER_KIND, Actor, Occasion};
use manazir_auth::hashing::InPlace;
use manazir_auth::keys::{KeyRing, KeyRules};
use manazir_auth::limit::SignInRates;
use manazir_auth::link::LinkSecret;
use manazir_auth::revocation::FOLLOWED_EVERY;
use manazir_auth::service::{AccountRules, Authority};
use manazir_auth::session::SessionRules;
use manazir_auth::{AccountStore, Accounts, Hasher, HashingCost, HashingGate, Role as AccountRole};
use manazir_http::{AccountSettings, Post};
use manazir_model::Timestamp;
use manazir_smtp::Smtp;
use manazir_sql::Truth;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Settings;
use hashing::Threads;
use keys::Keys;

/// Who signs access tokens, if the configuration names no address: all nodes must be called the same.
const ISSUER: &str = "manazir";
/// What access tokens are good for.
const AUDIENCE: &str = "manazir";
/// Between two looks at the keys; a new one is known for ten times as long before it signs.
const KEYS_EVERY: Duration = Duration::from_secs(60);
/// Between two rounds in which what is over is forgotten.
const PURGED_EVERY: Duration = Duration::from_secs(300);

/// Accounts, and the tasks that they need for as long as the service runs.
pub(super) struct SigningIn {
    pub(super) accounts: Arc<Accounts>,
    pub(super) settings: Arc<AccountSettings>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl SigningIn {
    /// Opens the secret and the keys, makes them if there are none, and reads what was revoked. `address` is where
    /// people find the service if the configuration does not say it.
    pub(super) async fn start(
        settings: &Settings,
        truth: &Truth,
        address: &str,
        now: fn() -> Timestamp,
    ) -> Result<Self> {
        let config = &settings.accounts;
        let issuer = config.address.as_deref().unwrap_or(ISSUER);
        let secret = secret::of(config, &settings.data)?;
        let elsewhere = elsewhere::of(config, &secret)?;
        let keys = Keys { store: truth.clone(), secret, now };
        let ring = keys.first().await?;
        let gate = Arc::new(Threads::start(HashingCost::OWASP)?);
        let accounts = Arc::new(accounts(truth, gate, config.sessions(), issuer, ring));
        accounts.follow(now).await?;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = vec![
            tokio::spawn(followed(Arc::clone(&accounts), now, stopped.clone())),
            tokio::spawn(keys.kept(Arc::clone(&accounts), stopped.clone())),
            tokio::spawn(purged(truth.clone(), now, stopped.clone())),
        ];
        let address = config.address.clone().unwrap_or_else(|| address.to_owned());
        let mut post = Post::default();
        if let Some(mail) = &config.mail {
            let smtp = Smtp::new(&mail.smtp, &mail.from, &address).context("`accounts.mail`")?;
            let (sends, delivery) = Post::new(Arc::new(smtp));
            post = sends;
            let accounts = Arc::clone(&accounts);
            tasks.push(tokio::spawn(async move {
                delivery.run(accounts, is_over(stopped)).await;
            }));
        }
        let (registration, proxies) = (config.registration.into(), config.proxies()?);
        let settings = Arc::new(AccountSettings { registration, address, proxies, post, elsewhere });
        Ok(Self { accounts, settings, stop, tasks })
    }

    /// A link that makes an administrator's account, if there is no account at all and nobody was invited.
    pub(super) async fn first_invitation(
        &self,
        truth: &Truth,
        now: fn() -> Timestamp,
    ) -> Result<Option<String>> {
        let invited = async || Ok::<_, anyhow::Error>(!truth.invitations(now()).await?.is_empty());
        if !truth.accounts(None, 1).await?.is_empty() || invited().await? {
            return Ok(None);
        }
        let link = invite(&self.accounts, AccountRole::Admin, None, now()).await?;
        Ok(Some(self.settings.page("invitation", &link)))
    }

    /// Ends the tasks, after the letters that were left have gone.
    pub(super) async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            // None of them does anything that could fail.
            let _ = task.await;
        }
    }
}

/// Invites on the authority of whoever runs the installation.
pub(crate) async fn invite(
    accounts: &Accounts,
    role: AccountRole,
    email: Option<manazir_auth::Email>,
    at: Timestamp,
) -> Result<LinkSecret> {
    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy)?;
    let on = Occasion { by: Actor::System, address: None, at };
    Ok(accounts.invite(Authority::Installation, role, email, entropy, &on).await?)
}

/// Accounts of a process in which nobody signs in: no token is good there, and what is done to accounts is done.
pub(crate) fn without_keys(truth: &Truth) -> Result<Arc<Accounts>> {
    let gate = InPlace::new(Hasher::new(HashingCost::OWASP)?, 1);
    let ring = KeyRing::open(Vec::new(), &secret::made()?.0, KeyRules::default());
    Ok(Arc::new(accounts(truth, Arc::new(gate), SessionRules::default(), "", ring)))
}

fn accounts(
    truth: &Truth,
    gate: Arc<dyn HashingGate>,
    sessions: SessionRules,
    issuer: &str,
    ring: KeyRing,
) -> Accounts {
    let access = AccessRules { issuer: issuer.to_owned(), audience: AUDIENCE.to_owned() };
    let rules = AccountRules { access, sessions, rates: SignInRates::default() };
    Accounts::new(Arc::new(truth.clone()), gate, rules, ring)
}

async fn is_over(mut stopped: watch::Receiver<bool>) {
    // Whoever could say so is gone: it is over as well.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// True at the end of a pause, false if it is over.
async fn after(pause: Duration, stopped: &watch::Receiver<bool>) -> bool {
    tokio::time::timeout(pause, is_over(stopped.clone())).await.is_err()
}

/// Follows what other processes revoke.
async fn followed(accounts: Arc<Accounts>, now: fn() -> Timestamp, stopped: watch::Receiver<bool>) {
    let mut is_well = true;
    while after(FOLLOWED_EVERY, &stopped).await {
        let followed = accounts.follow(now).await;
        // Said once, not twice a second.
        if let (true, Err(error)) = (is_well, &followed) {
            tracing::warn!(?error, "what was revoked elsewhere cannot be read; it is tried again");
        }
        is_well = followed.is_ok();
    }
}

/// Forgets what is over.
async fn purged(truth: Truth, now: fn() -> Timestamp, stopped: watch::Receiver<bool>) {
    while after(PURGED_EVERY, &stopped).await {
        if let Err(error) = truth.purge(now(), AUDIT_KEPT_PER_KIND).await {
            tracing::warn!(
                ?error,
                "sessions and links that are over could not be forgotten; it is tried again"
            );
        }
    }
}
