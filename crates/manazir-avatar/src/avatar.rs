//! Whose picture, in which form.

use std::str::FromStr;

use crate::dice::Dice;
use crate::picture::Picture;
use crate::{person, png, service, svg, team};

/// The version of the drawings, a part of each [`etag`](Avatar::etag). Whoever changes what any seed looks like raises
/// it: what caches hold of the old one is then asked for anew.
pub const DRAWING: u32 = 1;

/// Smallest PNG, in pixels a side.
pub const SIZE_MIN: u32 = 16;

/// Largest PNG, in pixels a side.
pub const SIZE_MAX: u32 = 512;

/// Of whom a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A face.
    Person,
    /// An emblem.
    Team,
    /// A badge with six sides.
    Service,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Person, Self::Team, Self::Service];

    /// Its name, as in a path.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Team => "team",
            Self::Service => "service",
        }
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or(Error::UnknownKind)
    }
}

/// How a picture is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Of any size.
    Svg,
    /// So many pixels a side.
    Png(u32),
}

/// Why there is no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The name of a kind is none.
    #[error("the kind of a picture is person, team or service")]
    UnknownKind,
    /// The side of a PNG is out of bounds.
    #[error("a side of {0} pixels is not within 16 and 512")]
    Size(u32),
}

/// A picture that is ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Avatar {
    kind: Kind,
    seed: u64,
    picture: Picture,
}

impl Avatar {
    /// The picture of whoever has this seed. Takes time in the length of the seed: who lets strangers choose it bounds it.
    pub fn of(kind: Kind, seed: &str) -> Self {
        let hash = manazir_model::hash::mixed(manazir_model::hash::fnv1a(seed.bytes()));
        let dice = Dice::new(hash, kind.name());
        let picture = match kind {
            Kind::Person => person::draw(&dice),
            Kind::Team => team::draw(&dice),
            Kind::Service => service::draw(&dice),
        };
        Self { kind, seed: hash, picture }
    }

    /// As SVG 1.1: one element without scripts, styles, identifiers or texts, which may stand in a page as it is.
    pub fn svg(&self) -> String {
        svg::written(&self.picture)
    }

    /// As PNG of this many pixels a side, from [`SIZE_MIN`] to [`SIZE_MAX`]; three bytes a pixel, nothing transparent.
    pub fn png(&self, size: u32) -> Result<Vec<u8>, Error> {
        let refused = Error::Size(size);
        if !(SIZE_MIN..=SIZE_MAX).contains(&size) {
            return Err(refused);
        }
        png::written(&self.picture, size).ok_or(refused)
    }

    /// A strong entity tag of RFC 9110, 8.8.3, quotes included: equal only where the bytes are. It is known without
    /// drawing or compressing anything again.
    pub fn etag(&self, form: Form) -> String {
        let (kind, seed) = (self.kind.name(), self.seed);
        match form {
            Form::Svg => format!("\"{DRAWING}-{kind}-{seed:016x}-svg\""),
            Form::Png(size) => format!("\"{DRAWING}-{kind}-{seed:016x}-{size}\""),
        }
    }
}
