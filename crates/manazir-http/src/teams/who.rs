//! On whose authority teams and services are changed, and who is named by identifier.

use manazir_people::UserId;
use manazir_people::teams::Caller as Asking;

use crate::access::Caller;
use crate::{App, Problem};

/// Who asks, as the rules know them.
pub(super) async fn asking(app: &App, caller: &Caller) -> Result<Asking, Problem> {
    if caller.acts_for_all {
        return Ok(Asking::Administrator);
    }
    Ok(Asking::Person(app.people.anyone(caller, "me").await?.id))
}

/// Whoever is named.
pub(super) async fn numbers(app: &App, caller: &Caller, named: &[String]) -> Result<Vec<UserId>, Problem> {
    let mut numbers = Vec::with_capacity(named.len());
    for one in named {
        numbers.push(app.people.anyone(caller, one).await?.id);
    }
    Ok(numbers)
}

/// Whoever has signed in, as those who own what they make and name nobody else; nobody, if a program asks.
pub(super) async fn itself(app: &App, caller: &Caller) -> Result<Option<UserId>, Problem> {
    match caller.person {
        Some(_) => Ok(Some(app.people.anyone(caller, "me").await?.id)),
        None => Ok(None),
    }
}
