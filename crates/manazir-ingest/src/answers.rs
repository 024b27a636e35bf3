//! Callers that wait for the verdict of what they sent.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_channel::oneshot;
use manazir_model::EventVerdict;
use serde::{Deserialize, Serialize};

use crate::{Error, ReplyTo};

/// What a caller is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// Judged now.
    New(EventVerdict),
    /// Judged before: the stored verdict.
    Known(EventVerdict),
    /// It could not be judged, and why.
    Dead(String),
}

impl Answer {
    /// The answer to the same event sent once more.
    pub(crate) fn again(self) -> Self {
        match self {
            Self::New(verdict) => Self::Known(verdict),
            other => other,
        }
    }
}

/// Carries answers from a worker to the processes whose callers wait.
#[async_trait]
pub trait Answers: Send + Sync {
    /// Tells whoever still waits. An answer that cannot be carried is no loss: the verdict is stored, and its
    /// link gives it.
    async fn tell(&self, answers: Vec<(ReplyTo, Answer)>) -> Result<(), Error>;
}

/// The callers of this process.
#[derive(Debug)]
pub struct Waiting {
    inbox: String,
    next: AtomicU64,
    callers: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
}

impl Waiting {
    /// Nobody waits yet. `inbox` names this process, and no other before or after it.
    pub fn new(inbox: impl Into<String>) -> Self {
        Self { inbox: inbox.into(), next: AtomicU64::new(1), callers: Mutex::default() }
    }

    /// The name of this process, as messages carry it.
    pub fn inbox(&self) -> &str {
        &self.inbox
    }

    /// A caller who waits for one answer. To be registered before the message is published, and to be named
    /// in it.
    pub fn register(self: &Arc<Self>) -> Caller {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        self.lock().insert(number, tell);
        Caller { number, told, waiting: Arc::clone(self) }
    }

    /// Tells the callers of this process; answers to others are dropped.
    pub fn tell_own(&self, answers: impl IntoIterator<Item = (ReplyTo, Answer)>) {
        let mut callers = self.lock();
        for (to, answer) in answers {
            let caller = (to.inbox == self.inbox).then(|| callers.remove(&to.number)).flatten();
            if let Some(caller) = caller {
                // The caller may have gone away: nobody is left to be told.
                let _ = caller.send(answer);
            }
        }
    }

    /// Callers that wait now.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// True if nobody waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Answer>>> {
        // A map of callers is whole after every statement: a panic elsewhere cannot have broken it.
        self.callers.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl Answers for Waiting {
    async fn tell(&self, answers: Vec<(ReplyTo, Answer)>) -> Result<(), Error> {
        self.tell_own(answers);
        Ok(())
    }
}

/// One who waits. Dropped, it is forgotten.
#[derive(Debug)]
pub struct Caller {
    number: u64,
    told: oneshot::Receiver<Answer>,
    waiting: Arc<Waiting>,
}

impl Caller {
    /// What its message has to carry.
    pub fn reply_to(&self) -> ReplyTo {
        ReplyTo { inbox: self.waiting.inbox.clone(), number: self.number }
    }

    /// Waits. `None` if nobody can answer any more.
    pub async fn answer(&mut self) -> Option<Answer> {
        (&mut self.told).await.ok()
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.waiting.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_gets_its_own_answer_and_nobody_is_waited_for() {
        let waiting = Arc::new(Waiting::new("here"));
        let mut first = waiting.register();
        let gone = waiting.register();
        let other = waiting.register();
        let to_gone = gone.reply_to();
        drop(gone);
        let dead = |text: &str| Answer::Dead(text.to_owned());
        let elsewhere = ReplyTo { inbox: "elsewhere".to_owned(), ..other.reply_to() };
        waiting.tell_own([(first.reply_to(), dead("1")), (to_gone, dead("2")), (elsewhere, dead("3"))]);
        assert_eq!(futures_executor::block_on(first.answer()), Some(dead("1")));
        assert_eq!(waiting.len(), 1, "the third waits on");
        drop(other);
        assert!(waiting.is_empty());
    }
}
