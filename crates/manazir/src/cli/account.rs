//! Arguments of `manazir account`.

use clap::{Args, Subcommand};

use super::look::DataArgs;

/// Accounts of people.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Make a link with which somebody makes an account
    Invite(Invite),
    /// Show all accounts
    List(Listed),
    /// Give an account another role
    Role(GiveRole),
    /// Ban an account: all its sessions end within a second, and nobody signs in to it
    Ban(Who),
    /// Let a banned account in again
    Unban(Who),
    /// Make a link with which somebody sets a new password
    Reset(Reset),
    /// Remove all keys that sign access tokens, as when one was stolen or the secret is lost
    NewKeys(NewKeys),
}

/// Arguments of `account invite`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir account invite
  manazir account invite --role admin
  manazir account invite --email ada@example.org --address https://manazir.example.org

The link is good once, for seven days; hand it over. Roles: viewer looks on, member says what anomalies were,
admin runs the place. It works while the service runs, and when it does not, once it has been started.")]
pub struct Invite {
    /// What the account may do: viewer, member or admin
    #[arg(long, value_name = "ROLE", default_value = "member")]
    pub role: String,
    /// The only address that the account may have
    #[arg(long, value_name = "EMAIL")]
    pub email: Option<String>,
    /// Where the link leads.
    #[command(flatten)]
    pub page: PageArgs,
    /// Where the truth is.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Where people find the service.
#[derive(Debug, Args)]
pub struct PageArgs {
    /// Where people find the service, as `accounts.address` of its configuration [default: where it runs]
    #[arg(long, value_name = "URL", env = "MANAZIR_ADDRESS")]
    pub address: Option<String>,
}

/// Arguments of `account list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir account list
  manazir account list --json | jq -r '.accounts[] | select(.role == \"admin\") | .email'")]
pub struct Listed {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub limit: usize,
    /// Where the truth is.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Arguments of `account role`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  manazir account role ada@example.org admin

The last administrator stays one. Whoever is signed in has the new role within a second.")]
pub struct GiveRole {
    /// An e-mail address, a user name or an identity
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// viewer, member or admin
    #[arg(value_name = "ROLE")]
    pub role: String,
    /// Where the truth is.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Arguments of `account ban` and `account unban`.
#[derive(Debug, Args)]
pub struct Who {
    /// An e-mail address, a user name or an identity
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// Where the truth is.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Arguments of `account reset`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  manazir account reset ada@example.org

The link is good once, for an hour, and makes a former one useless. Using it ends all sessions of the account.")]
pub struct Reset {
    /// An e-mail address, a user name or an identity
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// Where the link leads.
    #[command(flatten)]
    pub page: PageArgs,
    /// Where the truth is.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Arguments of `account new-keys`.
#[derive(Debug, Args)]
#[command(after_help = "\
Access tokens that were signed with them are refused by each node within a minute; browsers refresh and stay signed
in. Nodes that run make a new key by themselves, and so does the next start.")]
pub struct NewKeys {
    /// Where the truth is.
    #[command(flatten)]
    pub data: DataArgs,
}
