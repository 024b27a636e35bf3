//! What is asked of pictures.

use manazir_avatar::{CANDIDATES_MAX, Form, Kind, SIZE_MAX, SIZE_MIN};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::Problem;

/// Characters of a seed, as accounts and teams have it.
const SEED_CHARACTERS_MAX: usize = 64;
/// Pixels a side unless the request says otherwise.
const SIZE: u32 = 128;
/// Pictures to choose from unless the request says otherwise.
const CANDIDATES: usize = 12;

/// A person.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfPerson {
    /// A person, by identifier.
    #[param(pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    pub(super) user: String,
}

/// A seed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfSeed {
    /// Any text of 1 to 64 characters.
    #[param(min_length = 1, max_length = 64)]
    pub(super) seed: String,
}

/// How a picture is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FormWord {
    /// Of any size.
    #[default]
    Svg,
    /// So many pixels a side.
    Png,
}

/// Of whom a picture is.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KindWord {
    /// A face.
    #[default]
    Person,
    /// An emblem.
    Team,
    /// A badge.
    Service,
}

/// How a picture is written.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PictureQuery {
    /// `svg` if it is not given.
    #[param(inline)]
    format: Option<FormWord>,
    /// Pixels a side of a PNG, 16 to 512; 128 if it is not given.
    #[param(minimum = 16, maximum = 512)]
    size: Option<u32>,
}

/// Of whom a picture is and how it is written.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedQuery {
    /// `person` if it is not given.
    #[param(inline)]
    kind: Option<KindWord>,
    /// `svg` if it is not given.
    #[param(inline)]
    format: Option<FormWord>,
    /// Pixels a side of a PNG, 16 to 512; 128 if it is not given.
    #[param(minimum = 16, maximum = 512)]
    size: Option<u32>,
}

/// Pictures to choose from.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct CandidatesQuery {
    /// Any text of 1 to 64 characters, such as a user name; another offers others.
    #[param(min_length = 1, max_length = 64)]
    seed: String,
    /// So many, 1 to 32; 12 if it is not given.
    #[param(minimum = 1, maximum = 32)]
    count: Option<usize>,
}

impl PictureQuery {
    pub(super) fn form(&self) -> Result<Form, Problem> {
        form(self.format, self.size)
    }
}

impl SeedQuery {
    pub(super) fn form(&self) -> Result<Form, Problem> {
        form(self.format, self.size)
    }

    pub(super) fn kind(&self) -> Kind {
        match self.kind.unwrap_or_default() {
            KindWord::Person => Kind::Person,
            KindWord::Team => Kind::Team,
            KindWord::Service => Kind::Service,
        }
    }
}

impl CandidatesQuery {
    /// From which seed, and how many.
    pub(super) fn wanted(&self) -> Result<(&str, usize), Problem> {
        let count = self.count.unwrap_or(CANDIDATES);
        if !(1..=CANDIDATES_MAX).contains(&count) {
            let detail = format!("count lies between 1 and {CANDIDATES_MAX}");
            return Err(Problem::invalid(detail, Vec::new()));
        }
        Ok((seed(&self.seed)?, count))
    }
}

/// A seed that is not too long: it takes time in its length.
pub(super) fn seed(text: &str) -> Result<&str, Problem> {
    if !(1..=SEED_CHARACTERS_MAX).contains(&text.chars().count()) {
        let detail = format!("the seed of a picture has 1 to {SEED_CHARACTERS_MAX} characters");
        return Err(Problem::invalid(detail, Vec::new()));
    }
    Ok(text)
}

fn form(format: Option<FormWord>, size: Option<u32>) -> Result<Form, Problem> {
    let size = size.unwrap_or(SIZE);
    if !(SIZE_MIN..=SIZE_MAX).contains(&size) {
        let detail = format!("size lies between {SIZE_MIN} and {SIZE_MAX} pixels a side");
        return Err(Problem::invalid(detail, Vec::new()));
    }
    Ok(match format.unwrap_or_default() {
        FormWord::Svg => Form::Svg,
        FormWord::Png => Form::Png(size),
    })
}
