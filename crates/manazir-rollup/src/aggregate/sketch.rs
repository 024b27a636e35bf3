//! Quantiles of whole numbers, in bounded memory.

use manazir_model::hash::fnv1a;
use serde::{Deserialize, Serialize};
use sketches_ddsketch::DDSketch;

/// How far a quantile may be from the number that stands there, as a share of it: the default of the sketch.
#[cfg(test)]
pub(super) const ERROR_MAX: f64 = 0.01;

/// Bytes of the checksum.
const CHECK_BYTES: usize = 4;

/// Numbers by their size, in steps of 2 %: a quantile is within 1 % of the number that stands at its place, as long as
/// amounts are at most [`AMOUNT_MAX`](crate::AMOUNT_MAX) (DDSketch; Masson, Rim and Lee 2019). Merging loses nothing, in
/// whatever order.
///
/// It takes 1 KiB, and at most 16 KiB for each sign; stored, two bytes for each step that has numbers, and some 50 more.
/// What is stored is the format that Datadog's sketches share, behind a checksum, for its reader believes what it reads.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(into = "Vec<u8>", try_from = "Vec<u8>")]
pub struct Sketch(Box<DDSketch>);

impl Sketch {
    /// Takes a number in.
    pub fn add(&mut self, amount: i64) {
        self.0.add(amount as f64);
    }

    /// Takes in all that another has seen.
    pub fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0).expect("all sketches are as exact as the default");
    }

    /// The number below which this share of all lies, `share` in [0, 1]; `None` before the first, or of another share.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        self.0.quantile(share).ok().flatten()
    }
}

impl PartialEq for Sketch {
    /// What they hold; how it lies in memory depends on the order in which it came.
    fn eq(&self, other: &Self) -> bool {
        self.0.to_java_bytes() == other.0.to_java_bytes()
    }
}

impl std::fmt::Debug for Sketch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sketch").field("count", &self.0.count()).finish_non_exhaustive()
    }
}

impl From<Sketch> for Vec<u8> {
    fn from(sketch: Sketch) -> Self {
        let bytes = sketch.0.to_java_bytes();
        [&check(&bytes)[..], &bytes].concat()
    }
}

impl TryFrom<Vec<u8>> for Sketch {
    type Error = &'static str;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Self::Error> {
        let Some((written, bytes)) = bytes.split_first_chunk() else { return Err("a sketch is cut off") };
        if *written != check(bytes) {
            return Err("a sketch does not have its checksum");
        }
        let sketch = DDSketch::from_java_bytes(bytes).map_err(|_| "a sketch cannot be read")?;
        // Another exactness: nothing could be merged with it.
        DDSketch::default().merge(&sketch).map_err(|_| "a sketch is as exact as no other")?;
        Ok(Self(Box::new(sketch)))
    }
}

fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = fnv1a(bytes.iter().copied());
    ((hash ^ (hash >> 32)) as u32).to_le_bytes()
}
