//! Head, ears, neck and shoulders, with what covers them.

use super::{Look, mirrored, pair};
use crate::color::WHITE;
use crate::dice::Dice;
use crate::picture::Step::{C, L, M, Q, Z};
use crate::picture::{Outline, Picture};

/// All as wide and high that the same hair fits.
pub(super) const HEADS: [Outline; 4] = [
    Outline::Oval(128, 122, 53, 63),
    Outline::path(&[
        M(128, 60),
        C(168, 60, 184, 88, 184, 122),
        C(184, 160, 158, 182, 128, 182),
        C(98, 182, 72, 160, 72, 122),
        C(72, 88, 88, 60, 128, 60),
        Z,
    ]),
    Outline::path(&[
        M(128, 60),
        C(166, 60, 180, 84, 180, 112),
        C(180, 152, 176, 168, 152, 180),
        Q(128, 190, 104, 180),
        C(80, 168, 76, 152, 76, 112),
        C(76, 84, 90, 60, 128, 60),
        Z,
    ]),
    Outline::path(&[
        M(128, 60),
        C(168, 60, 183, 86, 181, 118),
        C(179, 152, 150, 188, 128, 188),
        C(106, 188, 77, 152, 75, 118),
        C(73, 86, 88, 60, 128, 60),
        Z,
    ]),
];

const NECK: Outline = Outline::path(&[M(106, 160), L(150, 160), L(152, 214), L(104, 214), Z]);
const SHOULDERS: Outline = Outline::path(&[
    M(30, 264),
    C(32, 222, 62, 206, 104, 200),
    Q(128, 214, 152, 200),
    C(194, 206, 224, 222, 226, 264),
    Z,
]);

const EAR: [i32; 4] = [73, 128, 11, 15];

/// What is the same in everyone.
pub(super) const SILHOUETTE: &[Outline] = &[
    NECK,
    SHOULDERS,
    Outline::Oval(EAR[0], EAR[1], EAR[2], EAR[3]),
    Outline::Oval(mirrored_ear(), EAR[1], EAR[2], EAR[3]),
];

const fn mirrored_ear() -> i32 {
    crate::picture::SIDE - EAR[0]
}

pub(super) fn draw(picture: &mut Picture, dice: &Dice, look: &Look, head: Outline) {
    picture.fill(look.skin.darker(16), NECK);
    picture.fill(look.cloth, SHOULDERS);
    cut(picture, dice, look);
    pair(picture, look.skin.darker(6), EAR);
    pair(picture, look.skin.darker(18), [EAR[0] + 2, EAR[1] + 1, 5, 8]);
    picture.fill(look.skin, head);
}

/// How the cloth is cut.
fn cut(picture: &mut Picture, dice: &Dice, look: &Look) {
    let shade = look.cloth.darker(20);
    match dice.of("cut").below(7) {
        0 => picture.line(shade, 8, Outline::path(&[M(103, 203), Q(128, 222, 153, 203)])),
        1 => {
            picture.fill(
                look.skin.darker(16),
                Outline::path(&[M(104, 199), Q(128, 214, 152, 199), L(128, 240), Z]),
            );
            picture.line(shade, 6, Outline::path(&[M(102, 202), L(128, 240), L(154, 202)]));
        }
        2 => {
            for x in [100, mirrored(100)] {
                let inward = if x < 128 { 1 } else { -1 };
                let steps =
                    [M(x, 196), L(x + 28 * inward, 220), L(x + 8 * inward, 240), L(x - 12 * inward, 206), Z];
                picture.fill_path(WHITE.darker(4), steps);
            }
            picture.line(shade, 4, Outline::path(&[M(128, 222), L(128, 260)]));
        }
        3 => {
            picture.line(shade, 14, Outline::path(&[M(90, 206), C(96, 236, 160, 236, 166, 206)]));
            for x in [114, mirrored(114)] {
                picture.line_path(WHITE, 4, [M(x, 228), L(x, 246)]);
            }
        }
        4 => {
            for y in [224, 244] {
                let steps = [M(36, y + 12), Q(128, y - 8, 220, y + 12)];
                picture.line_path(look.accent, 9, steps);
            }
        }
        5 => {
            picture.line(look.accent, 22, Outline::path(&[M(98, 204), Q(128, 224, 158, 204)]));
            picture.line(look.accent, 20, Outline::path(&[M(152, 214), L(160, 254)]));
            picture.line(look.accent.darker(20), 4, Outline::path(&[M(140, 222), Q(152, 224, 168, 212)]));
        }
        _ => {
            for x in [88, mirrored(88)] {
                picture.line_path(look.accent, 16, [M(x, 208), L(x, 260)]);
            }
            picture.fill(look.accent, Outline::Box(80, 236, 96, 24));
        }
    }
}
