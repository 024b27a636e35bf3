//! Shields, and how their fields are divided.

use crate::color::Color;
use crate::dice::Dice;
use crate::picture::Step::{C, L, M, Q, Z};
use crate::picture::{Outline, Picture, Step};

pub(super) const SHIELDS: [Outline; 8] = [
    Outline::path(&[
        M(50, 42),
        L(206, 42),
        L(206, 122),
        C(206, 176, 168, 208, 128, 228),
        C(88, 208, 50, 176, 50, 122),
        Z,
    ]),
    Outline::path(&[
        M(128, 28),
        C(150, 44, 180, 48, 206, 40),
        C(212, 120, 208, 192, 128, 230),
        C(48, 192, 44, 120, 50, 40),
        C(76, 48, 106, 44, 128, 28),
        Z,
    ]),
    Outline::circle(128, 128, 94),
    Outline::path(&[
        M(50, 40),
        L(206, 40),
        L(206, 142),
        C(206, 196, 172, 224, 128, 224),
        C(84, 224, 50, 196, 50, 142),
        Z,
    ]),
    // A banner with two tails.
    Outline::path(&[M(54, 34), L(202, 34), L(202, 226), L(128, 192), L(54, 226), Z]),
    // A lozenge.
    Outline::path(&[M(128, 18), L(232, 128), L(128, 238), L(24, 128), Z]),
    Outline::Oval(128, 128, 82, 104),
    // Eight sides.
    Outline::path(&[
        M(90, 36),
        L(166, 36),
        L(220, 90),
        L(220, 166),
        L(166, 220),
        L(90, 220),
        L(36, 166),
        L(36, 90),
        Z,
    ]),
];

/// The part of a field that has the second color, and what parts the two.
struct Division {
    parts: &'static [&'static [Step]],
    lines: &'static [&'static [Step]],
}

const DIVISIONS: [Division; 12] = [
    Division { parts: &[], lines: &[] },
    Division {
        parts: &[&[M(128, 0), L(256, 0), L(256, 256), L(128, 256), Z]],
        lines: &[&[M(128, 0), L(128, 256)]],
    },
    Division {
        parts: &[&[M(0, 128), L(256, 128), L(256, 256), L(0, 256), Z]],
        lines: &[&[M(0, 128), L(256, 128)]],
    },
    Division { parts: &[&[M(0, 0), L(256, 256), L(0, 256), Z]], lines: &[&[M(0, 0), L(256, 256)]] },
    Division { parts: &[&[M(256, 0), L(256, 256), L(0, 256), Z]], lines: &[&[M(256, 0), L(0, 256)]] },
    Division {
        parts: &[
            &[M(0, 0), L(128, 0), L(128, 128), L(0, 128), Z],
            &[M(128, 128), L(256, 128), L(256, 256), L(128, 256), Z],
        ],
        lines: &[&[M(128, 0), L(128, 256)], &[M(0, 128), L(256, 128)]],
    },
    // A chevron.
    Division {
        parts: &[&[M(0, 250), L(128, 122), L(256, 250), L(256, 190), L(128, 62), L(0, 190), Z]],
        lines: &[&[M(0, 250), L(128, 122), L(256, 250)], &[M(0, 190), L(128, 62), L(256, 190)]],
    },
    // Three pales.
    Division {
        parts: &[&[M(94, 0), L(162, 0), L(162, 256), L(94, 256), Z]],
        lines: &[&[M(94, 0), L(94, 256)], &[M(162, 0), L(162, 256)]],
    },
    // A chief.
    Division { parts: &[&[M(0, 0), L(256, 0), L(256, 78), L(0, 78), Z]], lines: &[&[M(0, 78), L(256, 78)]] },
    // Four rays.
    Division {
        parts: &[
            &[M(128, 128), L(64, -40), L(192, -40), Z],
            &[M(128, 128), L(64, 296), L(192, 296), Z],
            &[M(128, 128), L(-40, 64), L(-40, 192), Z],
            &[M(128, 128), L(296, 64), L(296, 192), Z],
        ],
        lines: &[],
    },
    // A sea.
    Division {
        parts: &[&[
            M(0, 176),
            Q(32, 156, 64, 176),
            Q(96, 196, 128, 176),
            Q(160, 156, 192, 176),
            Q(224, 196, 256, 176),
            L(256, 256),
            L(0, 256),
            Z,
        ]],
        lines: &[&[
            M(0, 176),
            Q(32, 156, 64, 176),
            Q(96, 196, 128, 176),
            Q(160, 156, 192, 176),
            Q(224, 196, 256, 176),
        ]],
    },
    // A bend.
    Division {
        parts: &[&[M(0, 40), L(0, -40), L(40, -40), L(256, 176), L(256, 256), L(216, 256), Z]],
        lines: &[&[M(0, 40), L(216, 256)], &[M(40, 0), L(256, 216)]],
    },
];

pub(super) fn divide(picture: &mut Picture, dice: &Dice, second: Color, metal: Color) {
    let division = dice.pick("division", &DIVISIONS);
    division.parts.iter().for_each(|steps| picture.fill(second, Outline::path(steps)));
    if dice.chance("lines", 55) {
        division.lines.iter().for_each(|steps| picture.line(metal, 6, Outline::path(steps)));
    }
}
