//! Colors, in whole numbers only.

use std::fmt;

/// Red, green and blue, 0xrrggbb, in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Color(pub(crate) u32);

pub(crate) const WHITE: Color = Color(0xffffff);
/// Of what is drawn on skin: black but for a breath of warmth.
pub(crate) const INK: Color = Color(0x0b0606);

impl Color {
    /// Red, green, blue.
    pub(crate) fn channels(self) -> [u8; 3] {
        let [_, red, green, blue] = self.0.to_be_bytes();
        [red, green, blue]
    }

    /// So many hundredths of the way to another color.
    pub(crate) fn toward(self, other: Self, percent: u32) -> Self {
        let mut mixed = 0;
        for (from, to) in self.channels().into_iter().zip(other.channels()) {
            let channel = (u32::from(from) * (100 - percent) + u32::from(to) * percent + 50) / 100;
            mixed = (mixed << 8) | channel;
        }
        Self(mixed)
    }

    /// A shadow of it.
    pub(crate) fn darker(self, percent: u32) -> Self {
        self.toward(Self(0), percent)
    }

    /// How much light it gives, about: the weights of WCAG with a gamma of 2, so that whole numbers do.
    pub(crate) fn light(self) -> u32 {
        let weighted = self.channels().into_iter().zip([2_126, 7_152, 722]);
        weighted.map(|(channel, weight)| u32::from(channel).pow(2) * weight).sum()
    }

    /// True if one lies on the other without vanishing: 1.4 to 1, which is not yet what a sign needs.
    pub(crate) fn stands_out(self, other: Self) -> bool {
        // A twentieth of white, as in the definition of contrast.
        let flare = WHITE.light() / 20;
        let (one, other) = (self.light() + flare, other.light() + flare);
        u64::from(one.max(other)) * 10 >= u64::from(one.min(other)) * 14
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:06x}", self.0)
    }
}

/// How far two colors are apart (WCAG 2.2, "contrast ratio"): from 1 to 21.
#[cfg(test)]
pub(crate) fn contrast(one: Color, other: Color) -> f64 {
    let luminance = |color: Color| {
        let linear = color.channels().map(|channel| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    };
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}
