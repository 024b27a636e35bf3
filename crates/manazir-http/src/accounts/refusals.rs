//! What the domain refuses, as problems. Nothing of it tells more than the domain does.

use std::time::Duration;

use axum::http::StatusCode;
use manazir_auth::hashing::HashingRefused;
use manazir_auth::identity::ProviderError;
use manazir_auth::provider::ProviderRefused;
use manazir_auth::service::{DeedRefused, Faults, PasswordRefused, RegisterRefused, SignInRefused};

use super::json::no_account;
use crate::Problem;

/// Random bytes for what is to be made.
pub(crate) fn entropy<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Problem::internal(&error))?;
    Ok(bytes)
}

fn limited(wait: Duration) -> Problem {
    Problem::too_often("too-often", "too many tries from this address; wait as `Retry-After` says", wait)
}

fn link_refused() -> Problem {
    let detail = "the link was used, withdrawn, is too old, or is for another address: ask for a new one";
    Problem::new(StatusCode::FORBIDDEN, "link-refused", "The link is not good", detail)
}

fn no_key() -> Problem {
    Problem::away("starting", "The service is starting", "nobody can sign in yet; try again in a moment", 2)
}

/// A password that cannot be taken.
fn password_faults(faults: &[manazir_auth::PasswordFault]) -> Vec<String> {
    faults.iter().map(|fault| format!("password: {fault}")).collect()
}

fn all_faults(faults: &Faults) -> Vec<String> {
    let username = faults.username.as_ref().map(|fault| format!("username: {fault}"));
    let email = faults.email.as_ref().map(|fault| format!("email: {fault}"));
    username.into_iter().chain(email).chain(password_faults(&faults.password)).collect()
}

impl From<HashingRefused> for Problem {
    fn from(refused: HashingRefused) -> Self {
        match &refused {
            HashingRefused::Busy => {
                let detail = "too many passwords are being checked at the moment; try again";
                Self::too_often("busy", detail, Duration::ZERO)
            }
            HashingRefused::Failed(error) => Self::internal(error),
        }
    }
}

impl From<RegisterRefused> for Problem {
    fn from(refused: RegisterRefused) -> Self {
        match refused {
            RegisterRefused::Faults(faults) => {
                Self::invalid("the registration cannot be taken", all_faults(&faults))
            }
            RegisterRefused::Taken { username, email } => {
                let name =
                    username.then(|| "username: somebody has it, or one that looks like it".to_owned());
                let address = email.then(|| "email: an account with this address exists".to_owned());
                let detail = "choose another, or sign in if the account is yours";
                Self::new(StatusCode::CONFLICT, "taken", "The name or address is taken", detail)
                    .with_errors(name.into_iter().chain(address).collect())
            }
            RegisterRefused::Link => link_refused(),
            RegisterRefused::Limited(wait) => limited(wait),
            RegisterRefused::Hashing(refused) => refused.into(),
            RegisterRefused::Store(error) => error.into(),
        }
    }
}

impl From<SignInRefused> for Problem {
    fn from(refused: SignInRefused) -> Self {
        match refused {
            SignInRefused::Wrong => {
                let detail = "the e-mail address or the password is wrong";
                Self::new(StatusCode::UNAUTHORIZED, "wrong-credentials", "Who are you?", detail)
            }
            SignInRefused::Banned => {
                let detail = "the account is banned; an administrator can let it in again";
                Self::new(StatusCode::FORBIDDEN, "banned", "The account is banned", detail)
            }
            SignInRefused::Limited(wait) => limited(wait),
            SignInRefused::Hashing(refused) => refused.into(),
            SignInRefused::NoKey => no_key(),
            SignInRefused::Store(error) => error.into(),
        }
    }
}

impl From<manazir_auth::service::RefreshRefused> for Problem {
    fn from(refused: manazir_auth::service::RefreshRefused) -> Self {
        use manazir_auth::service::RefreshRefused;
        match refused {
            RefreshRefused::Over(_) | RefreshRefused::Reused(_) => {
                let detail = "the session is over: sign in again";
                Self::new(StatusCode::UNAUTHORIZED, "session-over", "Who are you?", detail)
            }
            RefreshRefused::TooFast(wait) => {
                let detail = "the session is refreshed too often; the refresh token stays good";
                Self::too_often("too-often", detail, wait)
            }
            RefreshRefused::NoKey => no_key(),
            RefreshRefused::Broken => Self::internal(&refused),
            RefreshRefused::Store(error) => error.into(),
        }
    }
}

impl From<PasswordRefused> for Problem {
    fn from(refused: PasswordRefused) -> Self {
        match refused {
            PasswordRefused::Faults(faults) => {
                Self::invalid("the password cannot be taken", password_faults(&faults))
            }
            PasswordRefused::Wrong => {
                let detail = "the present password is wrong, or was changed a moment ago";
                Self::new(StatusCode::FORBIDDEN, "wrong-password", "You may not do that", detail)
            }
            PasswordRefused::Link => link_refused(),
            PasswordRefused::Limited(wait) => limited(wait),
            PasswordRefused::Hashing(refused) => refused.into(),
            PasswordRefused::Store(error) => error.into(),
        }
    }
}

impl From<ProviderRefused> for Problem {
    fn from(refused: ProviderRefused) -> Self {
        let no = |name: &str, detail: String| {
            Self::new(StatusCode::FORBIDDEN, name, "The sign-in is refused", detail)
        };
        match refused {
            ProviderRefused::Over => {
                let detail = "this sign-in was not begun in this browser, was begun more than ten minutes ago, or has \
                    ended already: begin again";
                no("sign-in-over", detail.to_owned())
            }
            ProviderRefused::Denied(word) if matches!(&*word, "temporarily_unavailable" | "server_error") => {
                away_elsewhere()
            }
            ProviderRefused::Denied(word) => no(
                "sign-in-denied",
                format!("the identity provider says `{word}`: begin again, and let it say who you are"),
            ),
            ProviderRefused::Provider(error) => error.into(),
            ProviderRefused::Closed => {
                let detail = "no account here is linked to this identity, and accounts are made by invitation: open \
                    the invitation's page and go on from there, or sign in with your password and link it";
                no("registration-closed", detail.to_owned())
            }
            ProviderRefused::Domain => {
                let detail = "no account here is linked to this identity, and it has no verified address at a domain \
                    that is let in: ask an administrator for an invitation";
                no("domain-refused", detail.to_owned())
            }
            ProviderRefused::NoEmail => {
                let detail = "the identity provider tells no e-mail address, which an account needs";
                no("no-address", detail.to_owned())
            }
            ProviderRefused::Known => {
                let detail = "an account with this e-mail address exists: sign in to it as you did so far, and link \
                    this identity there";
                Self::conflict("link-first", "An account with this address exists", detail)
            }
            ProviderRefused::Link => link_refused(),
            ProviderRefused::Names => {
                let detail =
                    "no user name like yours is free: make an account with a password and link this identity";
                Self::conflict("taken", "The name or address is taken", detail)
            }
            ProviderRefused::Banned => SignInRefused::Banned.into(),
            ProviderRefused::Changed => {
                no("account-changed", "the account was changed meanwhile: begin again".to_owned())
            }
            ProviderRefused::Taken => {
                let detail = "this identity is linked to another account: unlink it there first";
                Self::conflict("identity-taken", "The identity is linked to another account", detail)
            }
            ProviderRefused::Crowd => {
                let detail = "the account has as many identities as one may have: unlink another one first";
                Self::conflict("too-many-identities", "Too many identities are linked", detail)
            }
            ProviderRefused::SignedOut => Self::signed_out(),
            ProviderRefused::Limited(wait) => limited(wait),
            ProviderRefused::NoKey => no_key(),
            ProviderRefused::Store(error) => error.into(),
        }
    }
}

fn away_elsewhere() -> Problem {
    let detail = "the identity provider does not answer: try again in a moment, or sign in with a password";
    Problem::away("provider-away", "The identity provider is away", detail, 5)
}

impl From<ProviderError> for Problem {
    fn from(error: ProviderError) -> Self {
        let told: &dyn std::error::Error = &error;
        match &error {
            ProviderError::Away(_) => {
                tracing::warn!(error = told, "the identity provider does not answer");
                away_elsewhere()
            }
            ProviderError::Code(_) => {
                tracing::warn!(error = told, "the identity provider does not take a code");
                let detail = "the identity provider does not take the code, which is good once: begin again";
                Self::new(StatusCode::FORBIDDEN, "code-refused", "The sign-in is refused", detail)
            }
            ProviderError::Client(_) | ProviderError::Token(_) => {
                tracing::error!(error = told, "the identity provider cannot be used");
                // What is wrong is for whoever runs the place.
                let detail = "the identity provider answers what cannot be used or believed; the log says more. \
                    Sign in with a password meanwhile";
                Self::new(StatusCode::BAD_GATEWAY, "provider-refused", "The provider cannot be used", detail)
            }
        }
    }
}

impl From<DeedRefused> for Problem {
    fn from(refused: DeedRefused) -> Self {
        match refused {
            DeedRefused::Forbidden => Self::forbidden("it takes another role"),
            DeedRefused::Unknown => no_account(),
            DeedRefused::LastAdmin => {
                let detail =
                    "nobody who may run the place would be left: make somebody else an administrator first";
                Self::new(
                    StatusCode::CONFLICT,
                    "last-administrator",
                    "The last administrator stays one",
                    detail,
                )
            }
            DeedRefused::Crowd => {
                let detail = "too many invitations are open: withdraw some, or wait until they end";
                Self::new(
                    StatusCode::CONFLICT,
                    "too-many-invitations",
                    "Too many invitations are open",
                    detail,
                )
            }
            DeedRefused::Limited(wait) => limited(wait),
            DeedRefused::Store(error) => error.into(),
        }
    }
}
