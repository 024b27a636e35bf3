//! Spectral residual.

use std::sync::{Arc, OnceLock};

use manazir_model::Sample;
use rustfft::{Fft, FftPlanner, num_complex::Complex};
use serde::{Deserialize, Serialize};

use super::{Learn, Reading, Setting, StreamDetector};
use crate::{ring::Ring, robust};

/// What can be set of [`Spectral`]; values outside a range are moved to its nearer end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Every so manieth sample is judged, 1..=64; 1. The others pass without a reading, which divides the cost.
    pub every_samples: usize,
    /// Samples whose saliency the last one is compared with, 4..=48; 21, as in the paper.
    pub compare_samples: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { every_samples: 1, compare_samples: 21 }
    }
}

/// Samples that are transformed; a power of two.
const WINDOW: usize = 64;
/// Of them, so many are drawn on beyond the last sample (κ of the paper), from so many gradients (m).
const DRAWN_ON: usize = 5;
const GRADIENTS: usize = 5;
const SEEN: usize = WINDOW - DRAWN_ON;

/// Saliency of the last sample: what is left of a window when the usual of its spectrum is taken out.
///
/// R(f) = log A(f) − mean of log A over three neighbours,   S = |F⁻¹ exp(R + i·phase)|,
/// score = max(0, (S(n) − S̄) / S̄),   S̄ the mean saliency of the samples before it
///
/// Source: Ren and others 2019, *Time-series anomaly detection service at Microsoft* (q = 3, m = κ = 5, z = 21
/// there, over windows of 1,440; 64 here, for the sake of memory). Five samples are drawn on along the last
/// gradients, since the transform takes the ends of its window for neighbours.
///
/// Two transforms of 64 a judged sample; 8 bytes a sample of the window and about 60. Score 3 was the alarm
/// threshold of the paper. For spikes and breaks on seasons of unknown shape. Not for slow shifts, which leave
/// the window unseen, and not for noise about a level, where [`super::level`] does the same for a fraction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Spectral {
    config: Config,
    ring: Ring,
    /// Samples until the next one that is judged.
    wait: u32,
}

/// The two transforms, planned once for all series.
struct Plan {
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
}

fn plan() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| {
        let mut planner = FftPlanner::new();
        Plan { forward: planner.plan_fft_forward(WINDOW), inverse: planner.plan_fft_inverse(WINDOW) }
    })
}

fn transform(fft: &dyn Fft<f64>, buffer: &mut [Complex<f64>; WINDOW]) {
    let mut scratch = [Complex::default(); WINDOW];
    match scratch.get_mut(..fft.get_inplace_scratch_len()) {
        Some(scratch) => fft.process_with_scratch(buffer, scratch),
        None => fft.process(buffer),
    }
}

impl Spectral {
    /// Starts in warm-up, which takes 59 samples.
    pub fn new(config: Config) -> Self {
        let config = Config {
            every_samples: config.every_samples.clamp(1, WINDOW),
            compare_samples: config.compare_samples.clamp(4, 48),
        };
        Self { config, ring: Ring::new(SEEN), wait: 0 }
    }

    /// The defaults; nothing of the setting matters here.
    pub fn from_setting(_setting: &Setting) -> Self {
        Self::new(Config::default())
    }

    /// The window, drawn on, about 0 and within ±1; `None` if it is constant.
    fn window(&self) -> Option<[Complex<f64>; WINDOW]> {
        let mut values = [0.0; WINDOW];
        for (place, value) in values.iter_mut().zip(self.ring.iter()) {
            *place = value;
        }
        let mean = values[..SEEN].iter().sum::<f64>() / SEEN as f64;
        let reach = values[..SEEN].iter().map(|value| (value - mean).abs()).fold(0.0, f64::max);
        // Below this only rounding moves.
        if reach <= 1e-12 * mean.abs() || reach < 1e-290 {
            return None;
        }
        for value in &mut values[..SEEN] {
            *value = (*value - mean) / reach;
        }
        let drawn_on = draw_on(&values[..SEEN - 1]);
        values[SEEN..].fill(drawn_on);
        Some(values.map(|value| Complex::new(value, 0.0)))
    }

    fn judge(&self) -> f64 {
        let Some(mut buffer) = self.window() else { return 0.0 };
        let plan = plan();
        transform(&*plan.forward, &mut buffer);
        flatten_spectrum(&mut buffer);
        transform(&*plan.inverse, &mut buffer);
        let saliency = |position: usize| buffer[position].re.abs();
        let last = SEEN - 1;
        let n = self.config.compare_samples;
        let usual = (last - n..last).map(saliency).sum::<f64>() / n as f64;
        if usual > 0.0 { (saliency(last) / usual - 1.0).clamp(0.0, robust::SCORE_MAX) } else { 0.0 }
    }
}

/// The value that the next samples are given: x(n − m + 1) + m · the mean gradient to x(n).
///
/// Here n is the sample before the one that is judged, as in the code that Microsoft published with the paper;
/// with the judged sample itself a spike would be drawn on at twice its height and stand in its own shadow.
fn draw_on(values: &[f64]) -> f64 {
    let newest = values.len() - 1;
    let gradients = (1..=GRADIENTS).map(|back| (values[newest] - values[newest - back]) / back as f64);
    values[newest + 1 - GRADIENTS] + gradients.sum::<f64>()
}

/// Divides each coefficient by the geometric mean of its amplitude and those of its neighbours: the same as
/// exp(log A − mean log A) with the phase kept, by a cube root in place of logarithms.
fn flatten_spectrum(spectrum: &mut [Complex<f64>; WINDOW]) {
    const HALF: usize = WINDOW / 2;
    // The spectrum of real samples is its own mirror image: half of it is enough.
    let mut amplitudes = [0.0; HALF + 2];
    for (amplitude, coefficient) in amplitudes.iter_mut().zip(spectrum.iter()) {
        // Samples lie within ±1: what is smaller than this is rounding.
        *amplitude = coefficient.norm_sqr().sqrt().max(1e-9);
    }
    for at in 0..=HALF {
        let below = amplitudes[at.abs_diff(1)];
        let above = if at == HALF { amplitudes[HALF - 1] } else { amplitudes[at + 1] };
        let usual = (below * amplitudes[at] * above).cbrt();
        spectrum[at] /= usual;
        if at > 0 && at < HALF {
            spectrum[WINDOW - at] /= usual;
        }
    }
}

impl StreamDetector for Spectral {
    fn update(&mut self, sample: Sample, _learn: Learn) -> Option<Reading> {
        let number = robust::usable(sample.value);
        // A slot without a number repeats the last one.
        if let Some(value) = number.or_else(|| self.ring.back(0)) {
            self.ring.push(value);
        }
        if self.wait > 0 {
            self.wait -= 1;
        }
        if number.is_none() || !self.ring.is_full() || self.wait > 0 {
            return None;
        }
        self.wait = self.config.every_samples as u32;
        Some(Reading::plain(self.judge()))
    }

    fn state_bytes(&self) -> usize {
        size_of::<Self>() + self.ring.heap_bytes()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use manazir_model::Timestamp;

    use super::*;
    use crate::{Random, stream::check::check_detector};

    #[test]
    fn has_the_properties_of_a_detector() {
        check_detector(|| Spectral::from_setting(&Setting::default()));
        check_detector(|| Spectral::new(Config { every_samples: 5, compare_samples: 0 }));
    }

    /// A wave with noise and something strange from sample 600 on; mean score before, highest score of the
    /// three samples from there, number of readings.
    #[track_caller]
    fn check(every_samples: usize, strange: impl Fn(usize) -> f64, expect: Expect) {
        let mut random = Random::new(10);
        let mut spectral = Spectral::new(Config { every_samples, ..Config::default() });
        let readings: Vec<Option<Reading>> = (0..700)
            .map(|at| {
                let wave = 10.0 * (std::f64::consts::TAU * at as f64 / 24.0).sin();
                let value = 100.0 + wave + 0.5 * random.normal() + strange(at);
                spectral.update(Sample { at: Timestamp::default(), value }, Learn::Fully)
            })
            .collect();
        let scores = |part: &[Option<Reading>]| -> Vec<f64> {
            part.iter().flatten().map(|reading| reading.score).collect()
        };
        let before = scores(&readings[..600]);
        let after = scores(&readings[600..603]).into_iter().fold(0.0, f64::max);
        expect.assert_eq(&format!(
            "{:.1} before, {after:.1} then, {} readings",
            before.iter().sum::<f64>() / before.len() as f64,
            readings.iter().flatten().count()
        ));
    }

    #[test]
    fn a_spike_stands_out_of_a_wave() {
        check(1, |_| 0.0, expect!["0.4 before, 1.5 then, 642 readings"]);
        check(1, |at| if at == 600 { 8.0 } else { 0.0 }, expect!["0.4 before, 7.3 then, 642 readings"]);
        check(1, |at| if at == 600 { -8.0 } else { 0.0 }, expect!["0.4 before, 8.4 then, 642 readings"]);
        check(4, |_| 0.0, expect!["0.4 before, 1.5 then, 161 readings"]);
    }

    /// The cube root is a shorter way to write what the paper says.
    #[test]
    fn the_flattened_spectrum_is_that_of_the_paper() {
        let mut random = Random::new(1);
        let mut buffer = [(); WINDOW].map(|()| Complex::new(random.normal(), 0.0));
        transform(&*plan().forward, &mut buffer);
        let log: Vec<f64> = buffer.iter().map(|coefficient| coefficient.norm().ln()).collect();
        let expected: Vec<Complex<f64>> = (0..WINDOW)
            .map(|at| {
                let near = log[(at + WINDOW - 1) % WINDOW] + log[at] + log[(at + 1) % WINDOW];
                Complex::from_polar((log[at] - near / 3.0).exp(), buffer[at].arg())
            })
            .collect();
        flatten_spectrum(&mut buffer);
        let worst = buffer.iter().zip(&expected).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max);
        assert!(worst < 1e-10, "{worst}");
    }
}
