//! The copy goes on: it is loaded, and follows the log.
//!
//! Whoever goes on reads where the copy is, then what comes next from the truth, and takes it over together with the new
//! place if the copy is still where it was. So one who is interrupted, or was slower than another, changes nothing.

use manazir_people::{Change, ConnectionLog, Error, Numbered};

use super::net::Net;
use super::place::{self, PLACE, Phase, Place};
use super::read::loading;
use super::{BoltConnections, error, take};
use crate::link::query;
use crate::writing::writing;

/// Changes that are taken over in one transaction. A snapshot, too, comes in parts of so many.
const CHANGES: usize = 2_000;

/// What is done to move on.
enum Work {
    /// Nothing but that.
    Move,
    /// Something is taken away, and the copy moves once nothing is left.
    Empty,
    /// This is made to hold.
    Take { net: Net, is_load: bool },
}

impl<T: ConnectionLog> BoltConnections<T> {
    /// Loads what holds if that was never done, or was not done to the end; goes on to the end of the log, and loads anew
    /// if the log no longer reaches so far back. The number of the last change that the copy holds then.
    pub async fn catch_up(&self) -> Result<u64, Error> {
        let _one = self.following.lock().await;
        while self.step().await? {}
        Ok(self.place().await?.seq)
    }

    /// Follows until the copy holds this change. A load is left to who catches up: it takes longer than anyone waits.
    pub(super) async fn reach(&self, seq: u64) -> Result<(), Error> {
        let _one = self.following.lock().await;
        loop {
            let place = self.place().await?;
            if place.phase != Phase::Following {
                return Err(loading());
            }
            if place.seq >= seq {
                return Ok(());
            }
            if !self.step().await? {
                let why = format!("it ends before change {seq}");
                return Err(Error::Damaged { what: "the change log".to_owned(), why });
            }
        }
    }

    async fn place(&self) -> Result<Place, Error> {
        let places: Vec<place::Row> = self.link.read(query(PLACE)).await.map_err(error)?;
        Ok(places.into_iter().next().map(Place::from).unwrap_or_default())
    }

    /// Goes on by one transaction; false if nothing comes next.
    async fn step(&self) -> Result<bool, Error> {
        let seen = self.place().await?;
        let Some((next, work)) = self.next(seen).await? else {
            return Ok(false);
        };
        let work = &work;
        let done: Result<(), _> = writing!(self.link, transaction => {
            if place::lock(transaction).await? != seen {
                return Ok(());
            }
            match work {
                Work::Move => {}
                Work::Empty if take::empty(transaction).await? > 0 => return Ok(()),
                Work::Empty => {}
                Work::Take { net, is_load } => take::take(transaction, net, *is_load).await?,
            }
            place::move_to(transaction, next).await
        });
        done.map_err(error)?;
        Ok(true)
    }

    /// What comes next, and where the copy is then.
    async fn next(&self, seen: Place) -> Result<Option<(Place, Work)>, Error> {
        match seen.phase {
            Phase::New => Ok(Some((seen.anew(), Work::Move))),
            Phase::Emptying => {
                let seq = self.truth.last_change().await?;
                Ok(Some((Place { phase: Phase::Loading, seq, ..seen }, Work::Empty)))
            }
            Phase::Loading => {
                let part = self.truth.snapshot_after(seen.after, CHANGES).await?;
                let Some(last) = part.last() else {
                    return Ok(Some((Place { phase: Phase::Following, after: None, ..seen }, Work::Move)));
                };
                let net = Net::of(&part)?;
                Ok(Some((Place { after: Some(*last), ..seen }, Work::Take { net, is_load: true })))
            }
            Phase::Following => match self.truth.changes_after(seen.seq, CHANGES).await {
                Ok(changes) => followed(seen, &changes),
                Err(Error::Forgotten(_)) => Ok(Some((seen.anew(), Work::Move))),
                Err(error) => Err(error),
            },
        }
    }
}

/// Changes of the log come next. A gap is refused.
fn followed(seen: Place, changes: &[Numbered]) -> Result<Option<(Place, Work)>, Error> {
    let Some(last) = changes.last() else {
        return Ok(None);
    };
    if let Some((change, expected)) =
        changes.iter().zip(seen.seq + 1..).find(|(change, expected)| change.seq != *expected)
    {
        let why = format!("change {} comes after change {}", change.seq, expected - 1);
        return Err(Error::Damaged { what: "the change log".to_owned(), why });
    }
    let all = changes.iter().map(|numbered: &Numbered| -> &Change { &numbered.change });
    let net = Net::of(all)?;
    Ok(Some((Place { seq: last.seq, ..seen }, Work::Take { net, is_load: false })))
}
