//! Letters: left here by requests, sent after their answers.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use manazir_auth::audit::Occasion;
use manazir_auth::mail::{Letter, Mailer};
use manazir_auth::{Accounts, Email};
use tokio::sync::mpsc;

use super::entropy;

/// So many letters wait at most: of a flood of requests for links, who comes later asks again.
const WAITING_MAX: usize = 1_000;

/// So long a service that stops waits for its last letters: a mail server that hangs must not keep it.
const LAST_MAX: Duration = Duration::from_secs(10);

/// What is left to be sent.
#[derive(Debug)]
enum Left {
    /// A letter.
    Letter(Email, Letter),
    /// Whether there is such an account is looked up after the answer, so that its time tells nothing.
    Forgotten(Email, Occasion),
}

/// Where requests leave letters; clones share it. The default sends none.
#[derive(Clone, Debug, Default)]
pub struct Post {
    waiting: Option<mpsc::Sender<Left>>,
}

/// The other end: sends what was left.
pub struct Delivery {
    waiting: mpsc::Receiver<Left>,
    mailer: Arc<dyn Mailer>,
}

impl Post {
    /// A post and the task that empties it, see [`Delivery::run`].
    pub fn new(mailer: Arc<dyn Mailer>) -> (Self, Delivery) {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        (Self { waiting: Some(sender) }, Delivery { waiting, mailer })
    }

    /// True if letters go out of here.
    pub fn sends(&self) -> bool {
        self.waiting.is_some()
    }

    /// Leaves a letter; false if none goes out.
    pub(super) fn send(&self, to: Email, letter: Letter) -> bool {
        self.leave(Left::Letter(to, letter))
    }

    /// Leaves the wish of somebody who has forgotten the password.
    pub(super) fn forgotten(&self, email: Email, on: Occasion) {
        self.leave(Left::Forgotten(email, on));
    }

    fn leave(&self, left: Left) -> bool {
        let Some(waiting) = &self.waiting else { return false };
        let taken = waiting.try_send(left).is_ok();
        if !taken {
            metrics::counter!("manazir_letters_lost_total").increment(1);
            tracing::warn!("a letter was not sent: {WAITING_MAX} wait already, or the service is stopping");
        }
        taken
    }
}

impl Delivery {
    /// Sends one letter after the other until `stop`, and then what was left before, as far as ten seconds go.
    pub async fn run(mut self, accounts: Arc<Accounts>, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            let left = tokio::select! {
                left = self.waiting.recv() => left,
                () = &mut stop => break,
            };
            let Some(left) = left else { return };
            self.deliver(&accounts, left).await;
        }
        self.waiting.close();
        let rest = async {
            while let Some(left) = self.waiting.recv().await {
                self.deliver(&accounts, left).await;
            }
        };
        if tokio::time::timeout(LAST_MAX, rest).await.is_err() {
            tracing::warn!("the service stopped before all letters had gone");
        }
    }

    async fn deliver(&self, accounts: &Accounts, left: Left) {
        let (to, letter) = match left {
            Left::Letter(to, letter) => (to, letter),
            Left::Forgotten(email, on) => match reset(accounts, &email, &on).await {
                Some(found) => found,
                None => return,
            },
        };
        if let Err(error) = self.mailer.send(&to, &letter).await {
            metrics::counter!("manazir_letters_lost_total").increment(1);
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "a letter was not sent; links can be handed over meanwhile");
        }
    }
}

/// The letter for who has forgotten the password, if there is such an account.
async fn reset(accounts: &Accounts, email: &Email, on: &Occasion) -> Option<(Email, Letter)> {
    let asked = accounts.ask_reset(email, entropy().ok()?, on).await;
    let found = asked.inspect_err(|error| {
        let error: &dyn std::error::Error = error;
        tracing::error!(error, "a link for a new password could not be made");
    });
    found.ok().flatten().map(|(to, link)| (to, Letter::Reset(link)))
}
