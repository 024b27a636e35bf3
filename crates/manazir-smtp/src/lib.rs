//! Letters about accounts over SMTP: the adapter of [`Mailer`].
//!
//! Connections are pooled and encrypted by rustls; the certificates that the machine trusts count.

mod words;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use manazir_auth::Email;
use manazir_auth::mail::{Letter, MailError, Mailer};

/// So long a server may take for a step.
const STEP_MAX: Duration = Duration::from_secs(20);

/// Why no letters can be sent as the configuration says.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The address of the server. It holds a password: it is not repeated.
    #[error(
        "no address of a mail server: it is smtps://NAME:PASSWORD@HOST, smtp://NAME:PASSWORD@HOST:587?tls=required, \
         or smtp://HOST:25 for one on this machine that asks for nothing"
    )]
    Server,
    /// A password would go over the network for everybody to read.
    #[error("a password goes to a mail server over TLS alone: write smtps://…, or add ?tls=required")]
    Open,
    /// From whom the letters are.
    #[error("`{0}` is no sender: it is written `Manazir <manazir@example.org>`")]
    Sender(String),
}

/// Sends letters by a mail server.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    address: String,
}

impl fmt::Debug for Smtp {
    /// Without the address of the server, which holds a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Smtp {
    /// Says what would be wrong with an address of a server or a sender, before anything runs.
    pub fn check(server: &str, from: &str) -> Result<(), Unusable> {
        read(server, from).map(drop)
    }

    /// One at `server`, whose letters are `from` somebody and lead to pages of `address`. Nothing is sent yet. To be
    /// called within a runtime, on which the pool of connections is kept.
    pub fn new(server: &str, from: &str, address: &str) -> Result<Self, Unusable> {
        let (builder, from) = read(server, from)?;
        let transport = builder.timeout(Some(STEP_MAX)).build();
        Ok(Self { transport, from, address: address.to_owned() })
    }

    fn message(&self, to: &Email, letter: &Letter) -> Result<Message, MailError> {
        let failed = |error| MailError(Box::new(error));
        let to = to.address().parse().map_err(|error| MailError(Box::new(error)))?;
        let (subject, text) = words::of(letter, &self.address);
        let builder = Message::builder().from(self.from.clone()).to(Mailbox::new(None, to));
        builder.subject(subject).header(ContentType::TEXT_PLAIN).body(text).map_err(failed)
    }
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, to: &Email, letter: &Letter) -> Result<(), MailError> {
        let message = self.message(to, letter)?;
        let sent = self.transport.send(message).await;
        sent.map(drop).map_err(|error| MailError(Box::new(error)))
    }
}

fn read(server: &str, from: &str) -> Result<(AsyncSmtpTransportBuilder, Mailbox), Unusable> {
    let with_password = server.contains('@');
    let encrypted = server.starts_with("smtps://") || server.contains("tls=required");
    if with_password && !encrypted {
        return Err(Unusable::Open);
    }
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(server).map_err(|_| Unusable::Server)?;
    let from = from.parse().map_err(|_| Unusable::Sender(from.to_owned()))?;
    Ok((builder, from))
}
