//! Pictures of people, teams and services, made of layers from a seed.
//!
//! The same kind and seed give the same bytes always and on all machines: a seed is hashed by a hash that is written
//! down here (BB-W37: the original asks a generator that all threads share), coordinates are whole numbers, and no
//! processor's own arithmetic takes part. Nothing is read, nothing is kept, no text is drawn: there is no font.
//!
//! ```
//! use manazir_avatar::{Avatar, Form, Kind};
//!
//! let ada = Avatar::of(Kind::Person, "ada");
//! assert!(ada.svg().starts_with("<svg "));
//! assert!(ada.png(128)?.starts_with(b"\x89PNG"));
//! assert_eq!(ada.etag(Form::Svg), Avatar::of(Kind::Person, "ada").etag(Form::Svg));
//! # Ok::<(), manazir_avatar::Error>(())
//! ```

mod avatar;
mod candidates;
mod color;
mod dice;
mod person;
mod picture;
mod png;
mod service;
mod svg;
mod team;

pub use avatar::{Avatar, DRAWING, Error, Form, Kind, SIZE_MAX, SIZE_MIN};
pub use candidates::{CANDIDATES_MAX, candidates};
