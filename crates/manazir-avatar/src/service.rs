//! The badge of a service: a hexagon of triangles that repeat around its center.

use std::collections::{BTreeMap, BTreeSet};

use crate::color::Color;
use crate::dice::Dice;
use crate::picture::Picture;
use crate::picture::Step::{self, L, M, Z};

const GROUNDS: [Color; 8] = [
    Color(0x111a24),
    Color(0x14213d),
    Color(0x1d1a33),
    Color(0x0b2b30),
    Color(0x2b192c),
    Color(0x182a1c),
    Color(0x2b1f14),
    Color(0x23272e),
];

const BRIGHT: [Color; 12] = [
    Color(0x4cc9f0),
    Color(0xf9c74f),
    Color(0x8fc96d),
    Color(0xff6b6b),
    Color(0xf8961e),
    Color(0x43e0b8),
    Color(0xc77dff),
    Color(0xff7ab6),
    Color(0xb5e848),
    Color(0x6ea8fe),
    Color(0xffa673),
    Color(0xe9ecef),
];

/// Triangles along a side.
const SIDE_TRIANGLES: i32 = 3;
/// Of a triangle: its side, and its height, about √3/2 of it.
const EDGE: i32 = 34;
const HEIGHT: i32 = 29;
/// From the center to a corner of the line around.
const RIM: i32 = 118;

/// A place among the corners of triangles, in steps down and steps to the lower right.
type Corner = (i32, i32);

/// Its triangles repeat so: what one is turned and mirrored into.
#[derive(Clone, Copy)]
enum Symmetry {
    /// By sixths.
    Sixth,
    /// By thirds.
    Third,
    /// By thirds, and left as right.
    ThirdMirrored,
    /// By sixths, and left as right.
    SixthMirrored,
    /// By halves, and left as right.
    HalfMirrored,
}

const SYMMETRIES: [Symmetry; 7] = [
    Symmetry::Sixth,
    Symmetry::Third,
    Symmetry::Third,
    Symmetry::ThirdMirrored,
    Symmetry::ThirdMirrored,
    Symmetry::SixthMirrored,
    Symmetry::HalfMirrored,
];

impl Symmetry {
    /// Sixths of a turn after which it looks the same, and whether it is the same in a mirror.
    fn turns(self) -> (usize, bool) {
        match self {
            Self::Sixth => (1, false),
            Self::Third => (2, false),
            Self::ThirdMirrored => (2, true),
            Self::SixthMirrored => (1, true),
            Self::HalfMirrored => (3, true),
        }
    }

    /// The least of all places that one stands for.
    fn least(self, place: Corner) -> Corner {
        let (step, mirrored) = self.turns();
        let mirror = |(down, aside): Corner| (down + aside, -aside);
        let starts = if mirrored { vec![place, mirror(place)] } else { vec![place] };
        let all =
            starts.into_iter().flat_map(|start| (0..6).step_by(step).map(move |turn| turned(start, turn)));
        all.min().unwrap_or(place)
    }
}

fn turned(place: Corner, sixths: usize) -> Corner {
    (0..sixths).fold(place, |(down, aside), _| (-aside, down + aside))
}

pub(crate) fn draw(dice: &Dice) -> Picture {
    let ground = *dice.pick("ground", &GROUNDS);
    let main = *dice.pick("main", &BRIGHT);
    let accent = *dice.other("accent", &BRIGHT, &main);
    let mut picture = Picture::on(ground);
    picture.fill_path(ground.toward(main, 16), hexagon(RIM));
    let [of_main, of_accent] = colored(dice);
    picture.fill_path(main, of_main);
    picture.fill_path(accent, of_accent);
    picture.line_path(main, 9, hexagon(RIM));
    picture
}

/// The triangles of the main color and those of the second. Those of a color are one path, so that no seams show.
fn colored(dice: &Dice) -> [Vec<Step>; 2] {
    let symmetry = *dice.pick("symmetry", &SYMMETRIES);
    let mut orbits: BTreeMap<Corner, Vec<[Corner; 3]>> = BTreeMap::new();
    for triangle in triangles() {
        // The sum of its corners says where it is.
        let sum = triangle.iter().fold((0, 0), |sum, corner| (sum.0 + corner.0, sum.1 + corner.1));
        orbits.entry(symmetry.least(sum)).or_default().push(triangle);
    }
    let mut orbits: Vec<Vec<[Corner; 3]>> = orbits.into_values().collect();
    let mut random = dice.of("triangles");
    let mut take = |count: usize| -> Vec<Step> {
        let mut steps = Vec::new();
        for _ in 0..count {
            let chosen = orbits.swap_remove(random.below(orbits.len()));
            chosen.iter().for_each(|triangle| steps.extend(traced(triangle)));
        }
        steps
    };
    let count = symmetry_orbits(symmetry);
    [take((count * 45).div_ceil(100)), take((count * 22).div_ceil(100))]
}

/// How many triangles are free to differ.
fn symmetry_orbits(symmetry: Symmetry) -> usize {
    let sums = triangles().into_iter().map(|[a, b, c]| (a.0 + b.0 + c.0, a.1 + b.1 + c.1));
    sums.map(|sum| symmetry.least(sum)).collect::<BTreeSet<_>>().len()
}

/// All within the hexagon.
fn triangles() -> Vec<[Corner; 3]> {
    let within =
        |(down, aside): &Corner| down.abs().max(aside.abs()).max((down + aside).abs()) <= SIDE_TRIANGLES;
    let mut all = Vec::new();
    for down in -SIDE_TRIANGLES..SIDE_TRIANGLES {
        for aside in -SIDE_TRIANGLES..SIDE_TRIANGLES {
            let (left, right) = ((down + 1, aside), (down, aside + 1));
            all.push([(down, aside), left, right]);
            all.push([left, (down + 1, aside + 1), right]);
        }
    }
    all.retain(|triangle| triangle.iter().all(within));
    all
}

fn traced(triangle: &[Corner; 3]) -> [Step; 4] {
    let at = |(down, aside): Corner| (128 + HEIGHT * aside, 128 + EDGE * down + EDGE / 2 * aside);
    let [(ax, ay), (bx, by), (cx, cy)] = triangle.map(at);
    [M(ax, ay), L(bx, by), L(cx, cy), Z]
}

/// With a corner at the top.
fn hexagon(radius: i32) -> [Step; 7] {
    // 13/15 is √3/2 to a thousandth.
    let (half, across) = (radius / 2, radius * 13 / 15);
    let (left, right) = (128 - across, 128 + across);
    [
        M(128, 128 - radius),
        L(right, 128 - half),
        L(right, 128 + half),
        L(128, 128 + radius),
        L(left, 128 + half),
        L(left, 128 - half),
        Z,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::contrast;

    #[test]
    fn a_badge_is_seen_on_each_ground() {
        for ground in GROUNDS {
            for color in BRIGHT {
                assert!(contrast(color, ground) >= 3.0, "{color} on {ground}");
                let empty = ground.toward(color, 16);
                assert!(contrast(color, empty) >= 3.0, "{color} on {empty}");
                for accent in BRIGHT {
                    assert!(contrast(accent, empty) >= 3.0, "{accent} on {empty}");
                }
            }
        }
    }

    #[test]
    fn symmetries_take_every_triangle_to_one_of_the_hexagon() {
        assert_eq!(triangles().len(), 54);
        let free = SYMMETRIES.map(symmetry_orbits);
        assert_eq!(free, [9, 18, 18, 9, 9, 6, 15]);
    }
}
