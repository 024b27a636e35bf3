//! Letters in memory: the twin of a server for mail.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::Email;
use crate::mail::{Letter, MailError, Mailer};

/// Keeps what is sent; see [`Mailer`].
#[derive(Debug, Default)]
pub struct Letters {
    sent: Mutex<Vec<(Email, Letter)>>,
}

impl Letters {
    /// What was sent so far, in its order.
    pub fn sent(&self) -> Vec<(Email, Letter)> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Mailer for Letters {
    async fn send(&self, to: &Email, letter: &Letter) -> Result<(), MailError> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push((to.clone(), letter.clone()));
        Ok(())
    }
}
