//! What is behind a person.

use crate::color::Color;
use crate::dice::Dice;
use crate::picture::Step::{L, M, Z};
use crate::picture::{Outline, Picture, SIDE, Step};

/// White has a contrast of 3 to 1 at least on each.
pub(super) const GROUNDS: [Color; 14] = [
    Color(0x2f6db5),
    Color(0x2f7d54),
    Color(0x6a4fb3),
    Color(0xb0413e),
    Color(0xc05c1c),
    Color(0x128082),
    Color(0x8f4284),
    Color(0x4a6076),
    Color(0x9a721c),
    Color(0xbd3f6e),
    Color(0x4151a6),
    Color(0x5f822c),
    Color(0x7a5c4c),
    Color(0x2c8fb0),
];

/// Of the pattern on a ground.
pub(super) fn second(ground: Color) -> Color {
    ground.darker(14)
}

pub(super) fn draw(dice: &Dice) -> Picture {
    let ground = *dice.pick("ground", &GROUNDS);
    let second = second(ground);
    let mut picture = Picture::on(ground);
    match dice.of("pattern").below(7) {
        0 => picture.fill(second, Outline::circle(128, 128, 112)),
        1 => [118, 86].iter().for_each(|radius| picture.line(second, 14, Outline::circle(128, 118, *radius))),
        2 => (-6..10).for_each(|stripe| picture.fill_path(second, slant(stripe * 48))),
        3 => dots(&mut picture, second),
        4 => picture.fill(second, Outline::Box(0, 150, SIDE, SIDE - 150)),
        5 => rays(&mut picture, second),
        _ => {}
    }
    picture
}

/// A stripe from the lower left to the upper right.
fn slant(x: i32) -> [Step; 5] {
    [M(x, SIDE), L(x + 24, SIDE), L(x + 24 + SIDE, 0), L(x + SIDE, 0), Z]
}

fn dots(picture: &mut Picture, color: Color) {
    for row in 0..7 {
        for column in 0..7 {
            let x = 8 + column * 40 + row % 2 * 20;
            picture.fill(color, Outline::circle(x, 8 + row * 40, 8));
        }
    }
}

/// Twelve, from behind the head.
fn rays(picture: &mut Picture, color: Color) {
    const FAR: [(i32, i32); 13] = [
        (300, 0),
        (260, 150),
        (150, 260),
        (0, 300),
        (-150, 260),
        (-260, 150),
        (-300, 0),
        (-260, -150),
        (-150, -260),
        (0, -300),
        (150, -260),
        (260, -150),
        (300, 0),
    ];
    let mut steps = Vec::new();
    for ends in FAR.windows(2).step_by(2) {
        if let [(ax, ay), (bx, by)] = ends {
            steps.extend([M(128, 120), L(128 + ax, 120 + ay), L(128 + bx, 120 + by), Z]);
        }
    }
    picture.fill_path(color, steps);
}
