//! Transactions that begin anew after they lost against another one.

/// Times that a transaction is begun.
pub(crate) const TRIES_MAX: usize = 10;

/// Does some work in a transaction over a link, as often as it takes.
///
/// A macro, for what a closure of the transaction awaits cannot be said to be `Send`.
macro_rules! writing {
    ($link:expr, $transaction:ident => $work:expr) => {
        match $link.prepare().await {
            Err(away) => Err(away),
            Ok(()) => {
                $link
                    .within(async {
                        let mut tries = 1;
                        loop {
                            let mut begun = $link.begin().await?;
                            let $transaction = &mut begun;
                            let done: $crate::link::Said<_> = async { $work }.await;
                            match $crate::link::end(begun, done).await {
                                Err(said)
                                    if $crate::failure::lost(&said) && tries < $crate::writing::TRIES_MAX =>
                                {
                                    tries += 1;
                                }
                                done => break done,
                            }
                        }
                    })
                    .await
            }
        }
    };
}

pub(crate) use writing;
