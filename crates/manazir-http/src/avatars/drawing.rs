//! Drawing, within bounds, and answering with what was drawn.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use manazir_auth::limit::{Buckets, Place, Rate};
use manazir_avatar::{Avatar, Form, Kind};
use manazir_model::Timestamp;
use tokio::sync::Semaphore;

use crate::{Problem, etag};

/// What an SVG may do where it is opened by itself: nothing but be seen.
const POLICY: &str = "default-src 'none'";

/// How much one may ask for.
#[derive(Clone, Copy, Debug)]
pub struct AvatarLimits {
    /// How often whoever comes from one place may ask for pictures, whichever they are.
    pub place: Rate,
    /// So many places are known by how often they asked.
    pub places_max: usize,
    /// Pictures that are drawn at the same time, each on a thread of its own.
    pub drawn_max: usize,
    /// Pictures that wait for that; more are refused for a second.
    pub waiting_max: usize,
}

impl Default for AvatarLimits {
    /// Ten pages of a hundred people at once, and a page each second.
    fn default() -> Self {
        Self {
            place: Rate { burst: 1_000, every: Duration::from_millis(10) },
            places_max: 65_536,
            drawn_max: 2,
            waiting_max: 1_024,
        }
    }
}

/// Draws pictures; clones share the bounds.
#[derive(Clone, Debug)]
pub struct Avatars {
    places: Arc<Mutex<Buckets<Place>>>,
    drawing: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Avatars {
    /// Within these bounds.
    pub fn new(limits: &AvatarLimits) -> Self {
        Self {
            places: Arc::new(Mutex::new(Buckets::new(limits.place, limits.places_max))),
            drawing: Arc::new(Semaphore::new(limits.drawn_max.max(1))),
            waiting: Arc::new(Semaphore::new(limits.waiting_max.max(1))),
        }
    }

    /// Lets whoever comes from there ask once, or says how long to wait. On a connection without an address, as a
    /// socket of this machine, nobody is held back.
    pub(super) fn hold(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), Problem> {
        let Some(address) = address else { return Ok(()) };
        // Buckets are whole after every statement: a panic elsewhere cannot have broken them.
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.take(&Place::of(address), now).map_err(|wait| {
            let detail = "pictures were asked for too often: wait as long as `Retry-After` says";
            Problem::too_often("too-often", detail, wait)
        })
    }

    /// The picture, or 304 to who has it.
    pub(super) async fn answer(&self, asked: &HeaderMap, picture: &Picture<'_>) -> Result<Response, Problem> {
        let avatar = Avatar::of(picture.kind, picture.seed);
        let tag = avatar.etag(picture.form);
        let mut response = if etag::known(asked, &tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            match picture.form {
                Form::Svg => Bytes::from(avatar.svg()),
                Form::Png(size) => {
                    let drawn = self.apart(move || avatar.png(size)).await?;
                    Bytes::from(drawn.map_err(|error| Problem::internal(&error))?)
                }
            }
            .into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media(picture.form)));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(picture.keep.word()));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::ETAG, HeaderValue::from_str(&tag).map_err(|error| Problem::internal(&error))?);
        Ok(response)
    }

    /// Does what takes long on a thread where it keeps nobody waiting, a few at a time.
    pub(super) async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(_waits) = self.waiting.try_acquire() else {
            let detail = "more pictures wait to be drawn than may: ask again after `Retry-After`";
            return Err(Problem::away("drawing", "Too many pictures at the moment", detail, 1));
        };
        let permit = Arc::clone(&self.drawing).acquire_owned().await;
        let permit = permit.map_err(|error| Problem::internal(&error))?;
        let drawn = tokio::task::spawn_blocking(move || {
            // It goes with the work, not with whoever waits for it: they may have hung up, and the thread still works.
            let _permit = permit;
            work()
        });
        drawn.await.map_err(|error| Problem::internal(&error))
    }
}

impl Default for Avatars {
    fn default() -> Self {
        Self::new(&AvatarLimits::default())
    }
}

/// What is asked for.
pub(super) struct Picture<'a> {
    pub(super) kind: Kind,
    pub(super) seed: &'a str,
    pub(super) form: Form,
    pub(super) keep: Keep,
}

/// How long a picture may be kept by who got it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keep {
    /// For good: a seed is one picture.
    Ever,
    /// Somebody may choose another.
    Hour,
}

impl Keep {
    fn word(self) -> &'static str {
        match self {
            Self::Ever => "public, max-age=31536000, immutable",
            Self::Hour => "public, max-age=3600, must-revalidate",
        }
    }
}

fn media(form: Form) -> &'static str {
    match form {
        Form::Svg => "image/svg+xml",
        Form::Png(_) => "image/png",
    }
}
