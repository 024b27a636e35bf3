//! From where, on what and when a request comes.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use manazir_auth::audit::{Actor, Occasion};
use manazir_auth::session::Device;

use crate::{App, Problem};

/// From where, on what and when a request comes.
pub(crate) struct Visit {
    /// As the audit log keeps it; whoever has signed in is added by what they do.
    pub(crate) on: Occasion,
    /// As the list of sessions shows it.
    pub(crate) device: Device,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let address = app.account_settings.proxies.caller(&parts.extensions, &parts.headers);
        let name = parts.headers.get(header::USER_AGENT).and_then(|name| name.to_str().ok());
        let device = Device::new(name.unwrap_or_default(), address);
        Ok(Self { on: Occasion { by: Actor::Nobody, address, at: (app.now)() }, device })
    }
}
