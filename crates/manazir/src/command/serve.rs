//! `manazir serve` and `manazir token`.

use std::io::{IsTerminal, Write};

use anyhow::{Context, Result};
use manazir_sql::Truth;
use serde::Serialize;

use super::look::with_truth;
use super::{Ending, write_json};
use crate::cli::{Output, Serve, Token};
use crate::config::Settings;
use crate::service::{self, Started};

#[derive(Serialize)]
struct StartedJson {
    listening: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invitation: Option<String>,
}

pub(super) fn run(args: &Serve, output: Output, out: &mut dyn Write) -> Result<Ending> {
    log_to_standard_error("info");
    let started = |started: &Started| {
        let url = format!("http://{}", started.address);
        let token = started.secret.as_ref().map(|secret| secret.reveal().to_owned());
        if output.json {
            write_json(out, &StartedJson { listening: url, token, invitation: started.invitation.clone() })?;
        } else {
            writeln!(out, "Manazir listens on {url}; its API is described at {url}/docs")?;
            if let Some(token) = token {
                let another = "manazir token new --scope admin";
                writeln!(
                    out,
                    "\nThe administrator's token, told this once (another: `{another}`):\n\n  {token}\n"
                )?;
                writeln!(out, "Try it:\n\n{}", example(&url, &token))?;
            }
            if let Some(invitation) = &started.invitation {
                let another = "manazir account invite --role admin";
                writeln!(
                    out,
                    "\nMake the first account, an administrator's, within seven days (another link: `{another}`):\n\n  \
                     {invitation}\n\nwhich is, without a page:\n\n{}\n",
                    first_account(&url, invitation)
                )?;
            }
        }
        out.flush().context("write to standard output")
    };
    let settings = Settings::new(args)?;
    runtime()?.block_on(service::run(&settings, started))?;
    Ok(Ending::Done)
}

/// How a program uses an invitation, whose secret stands behind the `#` of its link.
fn first_account(url: &str, invitation: &str) -> String {
    let secret = invitation.rsplit('#').next().unwrap_or(invitation);
    format!(
        "  curl -X POST {url}/api/v1/accounts -H 'Content-Type: application/json' -d '{{\"username\": \"ada\", \
         \"email\": \"ada@example.com\", \"password\": \"CHOOSE ONE\", \"invitation\": \"{secret}\"}}'"
    )
}

fn example(url: &str, token: &str) -> String {
    format!(
        "  curl -X POST {url}/ingest -H 'Authorization: Bearer {token}' -d '{{\"RequestID\": \"r1\", \"EventID\": \"e1\", \
         \"RoleID\": \"role12\", \"EventType\": \"type1\", \"EventTimestamp\": \"2023-06-23T16:23:18Z\", \
         \"AffectedAssets\": [\"asset1\", \"asset2\"]}}'"
    )
}

#[derive(Serialize)]
struct TokenJson<'a> {
    token: &'a str,
}

pub(super) fn token(args: &Token, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let Token::New(new) = args;
    let scopes = service::scopes(&new.scope)?;
    let make = async |truth: Truth| service::new_token(&truth, &new.name, &scopes).await;
    let secret = with_truth(&new.data, make)?;
    if output.json {
        write_json(out, &TokenJson { token: secret.reveal() })?;
    } else {
        writeln!(out, "{}", secret.reveal())?;
    }
    Ok(Ending::Done)
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")
}

/// Levels by `RUST_LOG`, `level` if it is not set; the store's own messages only if something is wrong, and of the
/// connections to a broker what we say ourselves, for their library calls an orderly end an error.
pub(super) fn log_to_standard_error(level: &str) {
    let levels = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        tracing_subscriber::EnvFilter::new(format!(
            "{level},fjall=warn,lsm_tree=warn,object_store=warn,lapin=off"
        ))
    });
    // A second call finds the first one's subscriber, which is as good.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(levels)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
}
