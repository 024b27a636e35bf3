//! `manazir account`: accounts of people, on the truth itself.

use std::io::Write;
use std::path::Path;

use anyhow::{Result, anyhow};
use manazir_auth::audit::{Actor, Occasion};
use manazir_auth::keys::SigningKeyStore;
use manazir_auth::link::LinkSecret;
use manazir_auth::service::Authority;
use manazir_auth::{Account as Known, AccountId, AccountStore, Email};
use manazir_http::AccountJson;
use manazir_sql::Truth;
use serde::Serialize;
use uuid::Uuid;

use super::look::{now, when, with_truth};
use super::{Ending, write_json};
use crate::cli::Output;
use crate::cli::account::{Account, GiveRole, Invite, Listed, PageArgs, Reset};
use crate::report::name::printable;
use crate::report::terminal::{Style, table};
use crate::server_file;
use crate::service::accounts::{invite, without_keys};

/// Accounts that are read at a time.
const AT_A_TIME: usize = 1_000;

#[derive(Serialize)]
struct LinkJson {
    link: String,
    secret: String,
}

#[derive(Serialize)]
struct ListedJson {
    accounts: Vec<AccountJson>,
}

#[derive(Serialize)]
struct RemovedJson {
    removed: usize,
}

pub(super) fn run(args: &Account, output: Output, out: &mut dyn Write) -> Result<Ending> {
    match args {
        Account::Invite(args) => invited(args, output, out)?,
        Account::List(args) => list(args, output, out)?,
        Account::Role(args) => role(args, output, out)?,
        Account::Ban(who) => {
            let banned = with_truth(&who.data, async |truth| ban(&truth, &who.account, true).await)?;
            tell(banned, "is banned; its sessions have ended", output, out)?;
        }
        Account::Unban(who) => {
            let let_in = with_truth(&who.data, async |truth| ban(&truth, &who.account, false).await)?;
            tell(let_in, "may sign in again", output, out)?;
        }
        Account::Reset(args) => reset(args, output, out)?,
        Account::NewKeys(args) => {
            let removed = with_truth(&args.data, async |truth| remove_keys(&truth).await)?;
            if output.json {
                write_json(out, &RemovedJson { removed })?;
            } else {
                writeln!(out, "Signing keys that were removed: {removed}. The service makes a new one.")?;
            }
        }
    }
    Ok(Ending::Done)
}

fn on() -> Occasion {
    Occasion { by: Actor::System, address: None, at: now() }
}

fn invited(args: &Invite, output: Output, out: &mut dyn Write) -> Result<()> {
    let role = args.role.parse().map_err(|why: String| anyhow!(why))?;
    let email = args.email.as_deref().map(Email::parse).transpose()?;
    let link = with_truth(&args.data, async |truth| {
        invite(&*without_keys(&truth)?, role, email.clone(), now()).await
    })?;
    tell_link(&link, "invitation", (&args.page, &args.data.data), output, out)
}

fn reset(args: &Reset, output: Output, out: &mut dyn Write) -> Result<()> {
    let link = with_truth(&args.data, async |truth| {
        let account = find(&truth, &args.account).await?;
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy)?;
        let accounts = without_keys(&truth)?;
        Ok(accounts.hand_over_reset(Authority::Installation, account.id, entropy, &on()).await?)
    })?;
    tell_link(&link, "password-reset", (&args.page, &args.data.data), output, out)
}

fn tell_link(
    link: &LinkSecret,
    name: &str,
    (page, data): (&PageArgs, &Path),
    output: Output,
    out: &mut dyn Write,
) -> Result<()> {
    let runs = || server_file::written(data).unwrap_or_else(|_| "http://127.0.0.1:7171".to_owned());
    let link =
        LinkJson { link: link.page(&page.address.clone().unwrap_or_else(runs), name), secret: link.reveal() };
    if output.json {
        return write_json(out, &link);
    }
    writeln!(out, "{}", link.link)?;
    Ok(())
}

fn list(args: &Listed, output: Output, out: &mut dyn Write) -> Result<()> {
    let accounts = with_truth(&args.data, async |truth| {
        let mut all: Vec<Known> = Vec::new();
        while all.len() < args.limit {
            let wanted = AT_A_TIME.min(args.limit - all.len());
            let page = truth.accounts(all.last().map(|last| last.id), wanted).await?;
            let is_last = page.len() < wanted;
            all.extend(page);
            if is_last {
                break;
            }
        }
        Ok(all)
    })?;
    if output.json {
        let accounts = accounts.into_iter().map(AccountJson::from).collect();
        return write_json(out, &ListedJson { accounts });
    }
    if accounts.is_empty() {
        writeln!(
            out,
            "There is no account yet; `manazir account invite --role admin` makes a link for one."
        )?;
        return Ok(());
    }
    let row = |account: &Known| {
        vec![
            printable(account.username.as_str()),
            printable(account.email.address()),
            account.role.word().to_owned(),
            when(account.created_at),
            account.banned_at.map(when).unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = accounts.iter().map(row).collect();
    let headings = ["name", "address", "role", "made", "banned"];
    writeln!(out, "{}", table(&headings, &rows, Style::of_stdout()))?;
    Ok(())
}

fn role(args: &GiveRole, output: Output, out: &mut dyn Write) -> Result<()> {
    let role = args.role.parse().map_err(|why: String| anyhow!(why))?;
    let given = with_truth(&args.data, async |truth| {
        let account = find(&truth, &args.account).await?;
        Ok(without_keys(&truth)?.give_role(Authority::Installation, account.id, role, &on()).await?)
    })?;
    tell(given, &format!("is {role} now"), output, out)
}

async fn ban(truth: &Truth, text: &str, banned: bool) -> Result<Known> {
    let account = find(truth, text).await?;
    let accounts = without_keys(truth)?;
    Ok(accounts.set_banned(Authority::Installation, account.id, banned, &on()).await?)
}

fn tell(account: Known, what: &str, output: Output, out: &mut dyn Write) -> Result<()> {
    if output.json {
        return write_json(out, &AccountJson::from(account));
    }
    writeln!(out, "{} {what}.", printable(account.username.as_str()))?;
    Ok(())
}

async fn remove_keys(truth: &Truth) -> Result<usize> {
    let keys = truth.signing_keys().await?;
    let mut removed = 0;
    for key in keys {
        removed += usize::from(truth.remove_signing_key(&key.id).await?);
    }
    Ok(removed)
}

/// The account that an address, an identity or a user name stands for.
async fn find(truth: &Truth, text: &str) -> Result<Known> {
    let unknown = || anyhow!("there is no account `{text}`; `manazir account list` shows what there is");
    if let Ok(email) = Email::parse(text) {
        return Ok(truth.credentials(&email).await?.ok_or_else(unknown)?.account);
    }
    if let Ok(id) = Uuid::try_parse(text) {
        return Ok(truth.account(AccountId(id.into_bytes())).await?.ok_or_else(unknown)?.account);
    }
    let mut after = None;
    loop {
        let page = truth.accounts(after, AT_A_TIME).await?;
        after = Some(page.last().ok_or_else(unknown)?.id);
        if let Some(found) = page.into_iter().find(|account| account.username.as_str() == text) {
            return Ok(found);
        }
    }
}
