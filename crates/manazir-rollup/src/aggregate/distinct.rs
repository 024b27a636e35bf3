//! How many different things there were, in bounded memory.

use manazir_model::hash::{fnv1a, mixed};
use serde::{Deserialize, Serialize};

/// So many are counted exactly.
const FEW: usize = 64;

/// Registers of the estimate beyond: a standard error of 1.04 / √256 = 6.5 %.
const REGISTERS: usize = 256;

/// A count of different hashes: exact up to 64, beyond that HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007)
/// with linear counting at its lower end. At most 0.5 KiB. It depends on which hashes came, not on their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Distinct {
    /// Ascending.
    Few(Vec<u64>),
    /// The longest run of zeros that each register has seen, plus one.
    Many(Box<[u8]>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Distinct {
    /// The hash by which a text is counted: part of what is stored, hence the same for ever.
    pub fn hash(text: &str) -> u64 {
        mixed(fnv1a(text.bytes()))
    }

    /// Takes a hash in, whose bits must all be as good as random; the same again changes nothing.
    pub fn add(&mut self, hash: u64) {
        match self {
            Self::Few(few) => {
                let Err(place) = few.binary_search(&hash) else { return };
                few.insert(place, hash);
                if few.len() > FEW {
                    let mut registers = vec![0; REGISTERS].into_boxed_slice();
                    few.iter().for_each(|&hash| register(&mut registers, hash));
                    *self = Self::Many(registers);
                }
            }
            Self::Many(registers) => register(registers, hash),
        }
    }

    /// Takes in all that another has seen.
    pub fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::Few(few)) => few.iter().for_each(|&hash| self.add(hash)),
            (Self::Few(few), Self::Many(registers)) => {
                let mut registers = registers.clone();
                few.iter().for_each(|&hash| register(&mut registers, hash));
                *self = Self::Many(registers);
            }
            (Self::Many(registers), Self::Many(others)) => {
                registers.iter_mut().zip(others).for_each(|(own, &other)| *own = (*own).max(other));
            }
        }
    }

    /// How many there were.
    pub fn count(&self) -> f64 {
        match self {
            Self::Few(few) => few.len() as f64,
            Self::Many(registers) => estimate(registers),
        }
    }
}

fn register(registers: &mut [u8], hash: u64) {
    // A restored sketch may be of any length.
    let Some(register) = registers.get_mut((hash % REGISTERS as u64) as usize) else { return };
    let rank = (hash / REGISTERS as u64).trailing_zeros().min(56) as u8 + 1;
    *register = (*register).max(rank);
}

fn estimate(registers: &[u8]) -> f64 {
    let count = registers.len() as f64;
    let empty = registers.iter().filter(|&&rank| rank == 0).count();
    let alpha = 0.7213 / (1.0 + 1.079 / count);
    let sum: f64 = registers.iter().map(|&rank| 0.5f64.powi(rank.into())).sum();
    let raw = alpha * count * count / sum;
    let small = empty > 0 && raw <= 2.5 * count;
    (if small { count * (count / empty as f64).ln() } else { raw }).round()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_exact_and_many_are_near() {
        for (distinct, error_max) in [(0, 0.0), (1, 0.0), (64, 0.0), (100, 0.2), (1_000, 0.2), (50_000, 0.2)]
        {
            let mut sketch = Distinct::default();
            for _ in 0..2 {
                (0..distinct).for_each(|index| sketch.add(Distinct::hash(&format!("iam:Action{index}"))));
            }
            let error = (sketch.count() - f64::from(distinct)).abs() / f64::from(distinct.max(1));
            assert!(error <= error_max, "{distinct}: {}", sketch.count());
        }
    }
}
