//! Callers that wait for the verdict of what they sent.

use std::collections::HashMap;
use std::sync::Mutex;

use futures_channel::oneshot;
use manazir_model::EventVerdict;

/// What a caller is told.
#[derive(Clone, Debug, PartialEq)]
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

/// Callers by the position of their message. A caller that gave up costs nothing: its answer is dropped.
#[derive(Debug, Default)]
pub struct Waiting {
    callers: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
}

impl Waiting {
    /// Waits for the answer to the message at `position`. Register before the message can be judged, or look
    /// into the store afterwards: what was told to nobody is not told again.
    pub fn register(&self, position: u64) -> oneshot::Receiver<Answer> {
        let (tell, told) = oneshot::channel();
        self.lock().insert(position, tell);
        told
    }

    /// Forgets a caller that no longer waits.
    pub fn forget(&self, position: u64) {
        self.lock().remove(&position);
    }

    /// Tells whoever waits.
    pub fn tell(&self, answers: impl IntoIterator<Item = (u64, Answer)>) {
        let mut callers = self.lock();
        if callers.is_empty() {
            return;
        }
        for (position, answer) in answers {
            if let Some(caller) = callers.remove(&position) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_gets_its_own_answer_and_nobody_is_waited_for() {
        let waiting = Waiting::default();
        let mut first = waiting.register(1);
        let second = waiting.register(2);
        drop(second);
        let _third = waiting.register(3);
        let answers = [1, 2, 9].map(|position| (position, Answer::Dead(position.to_string())));
        waiting.tell(answers);
        assert_eq!(first.try_recv().unwrap(), Some(Answer::Dead("1".to_owned())));
        assert_eq!(waiting.len(), 1);
        waiting.forget(3);
        assert!(waiting.is_empty());
    }
}
