//! Who did it: of all the names in a record the one that stays the same from day to day.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::text::{Text, or_empty};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct UserIdentity<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    arn: Option<Text<'a>>,
    #[serde(borrow)]
    principal_id: Option<Text<'a>>,
    #[serde(borrow)]
    access_key_id: Option<Text<'a>>,
    #[serde(borrow)]
    invoked_by: Option<Text<'a>>,
    #[serde(borrow)]
    session_context: Option<SessionContext<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SessionContext<'a> {
    #[serde(borrow)]
    session_issuer: Option<Issuer<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Issuer<'a> {
    #[serde(borrow)]
    arn: Option<Text<'a>>,
}

/// The identity that counts.
#[derive(Debug, PartialEq)]
pub(super) struct Who<'a> {
    /// Role, user, service or key.
    pub(super) actor: Cow<'a, str>,
    /// Name of the role's session, or the user's key.
    pub(super) session: Cow<'a, str>,
    /// `human`, `role` or `service`.
    pub(super) peers: &'static str,
}

impl<'a> UserIdentity<'a> {
    /// A role is the same whoever takes it, so its session is told apart from it; a user is the same with
    /// every key. A service of AWS has no other name than its own; a caller from another account often only
    /// a principal.
    pub(super) fn who(self) -> Who<'a> {
        let kind = or_empty(self.kind);
        let arn = or_empty(self.arn);
        let key = or_empty(self.access_key_id);
        let issuer =
            self.session_context.and_then(|context| context.session_issuer).and_then(|from| from.arn);
        if arn.is_empty() {
            let names = [or_empty(self.invoked_by), or_empty(self.principal_id), key];
            let actor = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
            return Who { actor, session: Cow::default(), peers: peers(&kind, "") };
        }
        if kind != "AssumedRole" && kind != "FederatedUser" {
            let peers = peers(&kind, &arn);
            return Who { actor: arn, session: key, peers };
        }
        let (role, session) = split_last(arn);
        let actor = issuer.map_or(role, |issuer| issuer.0);
        let peers = peers(&kind, &actor);
        Who { actor, session, peers }
    }
}

fn peers(kind: &str, arn: &str) -> &'static str {
    // Roles that the single sign-on of AWS makes are taken by people; service-linked ones by services.
    let name = arn.rsplit('/').next().unwrap_or(arn);
    match kind {
        "IAMUser" | "Root" | "SAMLUser" | "WebIdentityUser" | "IdentityCenterUser" | "Directory" => "human",
        "AssumedRole" | "FederatedUser" | "Role" if name.starts_with("AWSReservedSSO_") => "human",
        "AssumedRole" | "FederatedUser" | "Role" if !name.starts_with("AWSServiceRoleFor") => "role",
        _ => "service",
    }
}

/// What is before the last slash, and what is after it.
fn split_last(arn: Cow<'_, str>) -> (Cow<'_, str>, Cow<'_, str>) {
    match arn {
        Cow::Borrowed(arn) => {
            let (role, session) = arn.rsplit_once('/').unwrap_or((arn, ""));
            (Cow::Borrowed(role), Cow::Borrowed(session))
        }
        Cow::Owned(arn) => {
            let (role, session) = arn.rsplit_once('/').unwrap_or((&arn, ""));
            (Cow::Owned(role.to_owned()), Cow::Owned(session.to_owned()))
        }
    }
}
