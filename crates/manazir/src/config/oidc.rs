//! `[accounts.oidc]`: an identity provider at which people sign in.

use anyhow::{Result, bail};
use serde::Deserialize;

use super::accounts::Registration;

/// A provider at which people sign in by OpenID Connect, beside a password.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// The address of the provider, as it writes it: `https://login.example.org`.
    pub issuer: String,
    /// By which the provider knows this service.
    pub client_id: String,
    /// What only the two know, as `${OIDC_SECRET}`; left away for a client that the provider calls public.
    pub client_secret: Option<String>,
    /// What people call the provider; the host of `issuer` if it is not given.
    pub name: Option<String>,
    /// What the provider is asked to tell.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// Whether the provider makes accounts of people who were not invited: `open` or `invited`.
    #[serde(default)]
    pub registration: Registration,
    /// If there are any, `open` is open to verified addresses at these domains alone.
    #[serde(default)]
    pub domains: Vec<String>,
    /// True if whoever has a verified address at the provider is the owner of the account with that address.
    #[serde(default)]
    pub link_by_email: bool,
}

fn scopes() -> Vec<String> {
    ["openid", "email", "profile"].map(str::to_owned).into()
}

impl std::fmt::Debug for Oidc {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Oidc {
    /// What people call the provider.
    #[cfg(feature = "oidc")]
    pub(crate) fn name(&self) -> &str {
        let host = || {
            let rest = self.issuer.split_once("://").map_or(&*self.issuer, |(_, rest)| rest);
            rest.split('/').next().unwrap_or_default()
        };
        self.name.as_deref().unwrap_or_else(host)
    }

    /// Refuses what cannot work, with what to type. `address` is where people find the service.
    pub(super) fn check(&self, address: Option<&str>) -> Result<()> {
        if self.client_secret.as_deref() == Some("") {
            bail!("`accounts.oidc.client_secret` is empty: for a public client it is left away");
        }
        if !self.domains.is_empty() && self.registration != Registration::Open {
            bail!(
                "`accounts.oidc.domains` says who of those that nobody invited may come: they do with \
                 `registration = \"open\"`"
            );
        }
        if let Some(wrong) = self.domains.iter().find(|domain| domain.is_empty() || domain.contains('@')) {
            bail!("`accounts.oidc.domains`: `{wrong}` is no domain; it is written `example.org`");
        }
        let Some(address) = address else {
            bail!(
                "`accounts.oidc` needs to know where the provider sends people back: give `address = \
                 \"https://manazir.example.org\"` in `[accounts]`, and tell the provider that address with {} behind it",
                manazir_http::CALLBACK
            )
        };
        self.usable(address)
    }

    #[cfg(feature = "oidc")]
    fn usable(&self, address: &str) -> Result<()> {
        use anyhow::Context;

        self.settings(address).check().context("`accounts.oidc`")
    }

    #[cfg(not(feature = "oidc"))]
    fn usable(&self, _: &str) -> Result<()> {
        bail!(
            "this program was built without OpenID Connect: build it with `--features oidc`, or leave `[accounts.oidc]` \
             away"
        )
    }

    /// What this service is at the provider.
    #[cfg(feature = "oidc")]
    pub(crate) fn settings(&self, address: &str) -> manazir_oidc::Settings {
        manazir_oidc::Settings {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            scopes: self.scopes.clone(),
            callback: format!("{}{}", address.trim_end_matches('/'), manazir_http::CALLBACK),
            patience: manazir_oidc::PATIENCE,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::config::Accounts;

    const GOOD: &str = "issuer = 'https://login.example.org/realms/a'\nclient_id = 'manazir'\n";

    fn checked(rest: &str, address: &str) -> Result<Oidc> {
        let accounts: Accounts = toml::from_str(&format!("{address}[oidc]\n{GOOD}{rest}"))?;
        accounts.check()?;
        Ok(accounts.oidc.unwrap())
    }

    #[track_caller]
    fn refused(rest: &str, address: &str, expect: Expect) {
        expect.assert_eq(&format!("{:#}", checked(rest, address).unwrap_err()));
    }

    #[test]
    fn what_cannot_work_is_refused_with_what_to_type() {
        let address = "address = 'https://m.example'\n";
        refused(
            "",
            "",
            expect![[
                r#"`accounts.oidc` needs to know where the provider sends people back: give `address = "https://manazir.example.org"` in `[accounts]`, and tell the provider that address with /api/v1/sign-in/oidc/callback behind it"#
            ]],
        );
        refused(
            "client_secret = ''",
            address,
            expect!["`accounts.oidc.client_secret` is empty: for a public client it is left away"],
        );
        refused(
            "domains = ['example.org']",
            address,
            expect![[
                r#"`accounts.oidc.domains` says who of those that nobody invited may come: they do with `registration = "open"`"#
            ]],
        );
        refused(
            "registration = 'open'\ndomains = ['a@example.org']",
            address,
            expect!["`accounts.oidc.domains`: `a@example.org` is no domain; it is written `example.org`"],
        );
    }

    #[cfg(not(feature = "oidc"))]
    #[test]
    fn without_the_feature_the_section_is_refused() {
        let refused = checked("", "address = 'https://m.example'\n").unwrap_err();
        assert!(refused.to_string().contains("--features oidc"), "{refused}");
    }

    #[cfg(feature = "oidc")]
    #[test]
    fn an_issuer_that_is_no_address_is_refused_and_secrets_are_not_shown() {
        let accounts =
            "address = 'https://m.example/'\n[oidc]\nissuer = 'http://login.example'\nclient_id = 'a'";
        let accounts: Accounts = toml::from_str(accounts).unwrap();
        expect!["`accounts.oidc`: `http://login.example` is no address of an identity provider: it is written https://login.example.org, as the provider writes it; http:// is for one on this machine"].assert_eq(&format!("{:#}", accounts.check().unwrap_err()));
        let oidc = checked("client_secret = 's3cret'", "address = 'https://m.example/'\n").unwrap();
        assert_eq!((oidc.name(), oidc.scopes.len()), ("login.example.org", 3));
        assert_eq!(
            oidc.settings("https://m.example/").callback,
            "https://m.example/api/v1/sign-in/oidc/callback"
        );
        assert!(!format!("{oidc:?}").contains("s3cret"));
    }
}
