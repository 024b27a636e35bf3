//! `[accounts]`: who may come, where people find the service, and what is believed of proxies.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Error, Result, bail};
use manazir_auth::session::SessionRules;
use manazir_http::{ForwardedBy, Network, Proxies};
use serde::Deserialize;

use super::Oidc;

/// Accounts of people.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    /// `open` to whoever comes, or `invited` alone.
    pub registration: Registration,
    /// Where people find the service, as `https://manazir.example.org`: links begin with it, and access tokens name
    /// it. `http://` and the address that is listened on if it is not given.
    pub address: Option<String>,
    /// Proxies whose word counts for where a request comes from: addresses, or networks as `10.0.0.0/8`.
    pub proxies: Vec<String>,
    /// The header in which they say it: `x-forwarded-for` or `forwarded`.
    pub proxy_header: ProxyHeader,
    /// A file with the secret that seals signing keys, 64 hexadecimal digits; the same for all nodes that share a
    /// truth. `secret` in `data` if neither it nor `MANAZIR_SECRET` is given.
    pub secret_file: Option<PathBuf>,
    /// Days after which a session that is not used ends.
    pub idle_days: u32,
    /// Days after which every session ends.
    pub session_days: u32,
    /// How letters are sent; without it, links are handed over.
    pub mail: Option<Mail>,
    /// A provider at which people sign in, beside a password.
    pub oidc: Option<Oidc>,
    /// The secret itself, from the environment.
    #[serde(skip)]
    pub secret: Option<String>,
}

/// How letters are sent.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// `smtps://NAME:${PASSWORD}@HOST`, or `smtp://…:587?tls=required`.
    pub smtp: String,
    /// From whom, as `Manazir <manazir@example.org>`.
    pub from: String,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Whoever comes.
    Open,
    /// Whoever was invited.
    #[default]
    Invited,
}

/// Where proxies say for whom they ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeader {
    /// `X-Forwarded-For`
    #[default]
    XForwardedFor,
    /// `Forwarded`
    Forwarded,
}

impl Default for Accounts {
    fn default() -> Self {
        let days = |span: Duration| (span.as_secs() / 86_400) as u32;
        let sessions = SessionRules::default();
        Self {
            registration: Registration::default(),
            address: None,
            proxies: Vec::new(),
            proxy_header: ProxyHeader::default(),
            secret_file: None,
            idle_days: days(sessions.idle),
            session_days: days(sessions.absolute),
            mail: None,
            oidc: None,
            secret: None,
        }
    }
}

impl std::fmt::Debug for Accounts {
    /// Without the secret, and without the address of the mail server, which holds a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts")
            .field("registration", &self.registration)
            .field("address", &self.address)
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}

impl From<Registration> for manazir_http::Registration {
    fn from(registration: Registration) -> Self {
        match registration {
            Registration::Open => Self::Open,
            Registration::Invited => Self::Invited,
        }
    }
}

impl Accounts {
    /// How long sessions last.
    pub(crate) fn sessions(&self) -> SessionRules {
        let days = |days: u32| Duration::from_secs(86_400) * days;
        SessionRules {
            idle: days(self.idle_days),
            absolute: days(self.session_days),
            ..SessionRules::default()
        }
    }

    /// Whose word counts for where a request comes from.
    pub(crate) fn proxies(&self) -> Result<Proxies> {
        let networks = self.proxies.iter().map(|text| text.parse::<Network>().map_err(Error::msg)).collect();
        let header = match self.proxy_header {
            ProxyHeader::XForwardedFor => ForwardedBy::XForwardedFor,
            ProxyHeader::Forwarded => ForwardedBy::Forwarded,
        };
        let networks: Result<Vec<Network>> = networks;
        Ok(Proxies { networks: networks.context("`accounts.proxies`")?, header })
    }

    /// Refuses what cannot work.
    pub(in crate::config) fn check(&self) -> Result<()> {
        self.proxies()?;
        if let Some(address) = &self.address
            && !["https://", "http://"].iter().any(|scheme| address.starts_with(scheme))
        {
            bail!("`accounts.address` is `{address}`; it is written `https://manazir.example.org`");
        }
        if self.idle_days > self.session_days {
            bail!(
                "`accounts.idle_days` is {}, and every session ends after `accounts.session_days`, which is {}",
                self.idle_days,
                self.session_days
            );
        }
        if let Some(mail) = &self.mail {
            manazir_smtp::Smtp::check(&mail.smtp, &mail.from).context("`accounts.mail`")?;
        }
        if let Some(oidc) = &self.oidc {
            oidc.check(self.address.as_deref())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn refused(text: &str, expect: Expect) {
        let accounts: Accounts = toml::from_str(text).unwrap();
        expect.assert_eq(&format!("{:#}", accounts.check().unwrap_err()));
    }

    #[test]
    fn what_cannot_work_is_refused_with_what_to_type_and_without_passwords() {
        refused(
            "proxies = ['10.0.0.0/33']",
            expect![
                "`accounts.proxies`: `10.0.0.0/33` is no address and no network; write it like 10.0.0.0/8 or ::1"
            ],
        );
        refused(
            "address = 'manazir.example.org'",
            expect![
                "`accounts.address` is `manazir.example.org`; it is written `https://manazir.example.org`"
            ],
        );
        refused(
            "idle_days = 91",
            expect![
                "`accounts.idle_days` is 91, and every session ends after `accounts.session_days`, which is 90"
            ],
        );
        refused(
            "mail = { smtp = 'smtp://u:s3cret@h', from = 'm@example.org' }",
            expect![
                "`accounts.mail`: a password goes to a mail server over TLS alone: write smtps://…, or add ?tls=required"
            ],
        );
        let good = "registration = 'open'\nproxy_header = 'forwarded'\nproxies = ['::1', '10.0.0.0/8']\n";
        let good: Accounts = toml::from_str(good).unwrap();
        assert_eq!(good.proxies().unwrap().networks.len(), 2);
        assert!(good.check().is_ok() && good.registration == Registration::Open);
    }
}
