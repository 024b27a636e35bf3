//! Invitations: links that make accounts.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use manazir_auth::Email;
use manazir_auth::link::{INVITATION_LIFETIME, InvitationId};
use manazir_auth::mail::Letter;
use serde::Deserialize;
use utoipa::ToSchema;

use super::json::{RoleWord, ends, role};
use super::visit::Visit;
use super::{InvitationJson, LinkJson, entropy};
use crate::access::Caller;
use crate::extract::{self, Path};
use crate::{App, Problem};

/// Somebody who is invited.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewInvitation {
    /// What the account may do; `member` if nothing is said.
    #[schema(value_type = Option<RoleWord>)]
    role: Option<String>,
    /// The only address that the account may have; without one, whoever has the link chooses.
    email: Option<String>,
}

/// Invite somebody
///
/// The answer holds the link, to be handed over; with an address, and where this installation sends mail, a letter
/// goes too.
#[utoipa::path(post, path = "/api/v1/invitations", tag = "accounts", request_body = NewInvitation, responses(
    (status = 201, body = LinkJson),
    (status = 409, body = Problem, description = "A thousand invitations are open")))]
pub(crate) async fn invite(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Visit { on, .. }: Visit,
    extract::Json(new): extract::Json<NewInvitation>,
) -> Result<(StatusCode, Json<LinkJson>), Problem> {
    let role = role(new.role.as_deref().unwrap_or("member"))?;
    let email = new.email.as_deref().map(Email::parse).transpose().map_err(|fault| {
        Problem::invalid("the invitation cannot be made", vec![format!("email: {fault}")])
    })?;
    let link = app.accounts.invite(caller.authority(), role, email.clone(), entropy()?, &on).await?;
    let settings = &app.account_settings;
    let mailed = email.is_some_and(|to| settings.post.send(to, Letter::Invitation(link.clone())));
    let made = LinkJson {
        link: settings.page("invitation", &link),
        secret: link.reveal(),
        expires_at: ends(on.at, INVITATION_LIFETIME),
        mailed,
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Open invitations, those that end first in front
///
/// At most a thousand. Their secrets are not known any more.
#[utoipa::path(get, path = "/api/v1/invitations", tag = "accounts",
    responses((status = 200, body = Vec<InvitationJson>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<InvitationJson>>, Problem> {
    let open = app.accounts.invitations(caller.authority(), (app.now)()).await?;
    Ok(Json(open.into_iter().map(InvitationJson::from).collect()))
}

/// Withdraw an invitation
#[utoipa::path(delete, path = "/api/v1/invitations/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204)))]
pub(crate) async fn withdraw(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Visit { on, .. }: Visit,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let open = || Problem::not_found("there is no such invitation, or it was used");
    let id = InvitationId::parse(&id).ok_or_else(open)?;
    if app.accounts.withdraw_invitation(caller.authority(), id, &on).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(open())
    }
}
