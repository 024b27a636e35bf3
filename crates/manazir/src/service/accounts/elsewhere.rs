//! The identity provider that the configuration names. Nothing is asked of it here: the service starts without it.

use std::sync::Arc;

use anyhow::Result;
use manazir_auth::keys::ServerSecret;
use manazir_auth::provider::Elsewhere;

use crate::config::Accounts;

/// A provider at which people sign in, if there is one.
#[cfg(feature = "oidc")]
pub(super) fn of(config: &Accounts, secret: &ServerSecret) -> Result<Option<Arc<Elsewhere>>> {
    use anyhow::Context;
    use manazir_auth::provider::ProviderRules;

    use crate::config::Registration;

    let (Some(oidc), Some(address)) = (&config.oidc, &config.address) else { return Ok(None) };
    let provider = manazir_oidc::Oidc::new(oidc.settings(address)).context("`accounts.oidc`")?;
    let rules = ProviderRules {
        open: oidc.registration == Registration::Open,
        domains: oidc.domains.clone(),
        link_by_email: oidc.link_by_email,
    };
    Ok(Some(Arc::new(Elsewhere::new(Arc::new(provider), oidc.name(), rules, secret))))
}

/// None: a configuration that names one was refused.
#[cfg(not(feature = "oidc"))]
pub(super) fn of(_: &Accounts, _: &ServerSecret) -> Result<Option<Arc<Elsewhere>>> {
    Ok(None)
}
