//! Glasses, rings and other things.

use super::{Look, mirrored, pair};
use crate::color::{Color, INK, WHITE};
use crate::dice::Dice;
use crate::picture::Step::{C, L, M, Q, Z};
use crate::picture::{Outline, Picture};

const GOLD: Color = Color(0xf2c14e);
const FRAMES: [Color; 4] = [INK, Color(0x6b3a1f), Color(0x8e2436), Color(0x1f3f66)];

pub(super) fn draw(picture: &mut Picture, dice: &Dice, look: &Look) {
    let frame = *dice.pick("frame", &FRAMES);
    match dice.of("glasses").below(9) {
        0 | 1 => glasses(picture, frame, |x| Outline::circle(x, 124, 18)),
        2 => glasses(picture, frame, |x| Outline::Box(x - 18, 110, 36, 27)),
        3 => {
            for x in [106, mirrored(106)] {
                let steps = [M(x - 19, 112), L(x + 19, 112), C(x + 19, 142, x - 19, 142, x - 19, 112), Z];
                picture.fill_path(INK, steps);
                picture.line_path(WHITE.darker(35), 3, [M(x - 9, 117), L(x - 3, 124)]);
            }
            picture.line(INK, 5, Outline::path(&[M(74, 116), L(182, 116)]));
        }
        _ => {}
    }
    match dice.of("thing").below(12) {
        0 => pair(picture, GOLD, [72, 148, 5, 5]),
        1 => [72, mirrored(72)].into_iter().for_each(|x| picture.line(GOLD, 3, Outline::circle(x, 152, 8))),
        2 => {
            picture.line(WHITE, 18, Outline::path(&[M(66, 126), C(50, 6, 206, 6, 190, 126)]));
            picture.line(INK.toward(WHITE, 12), 10, Outline::path(&[M(66, 126), C(50, 6, 206, 6, 190, 126)]));
            pair(picture, WHITE, [66, 128, 18, 25]);
            pair(picture, look.accent, [66, 128, 14, 21]);
        }
        3 => {
            for (x, y) in [(172, 60), (188, 72), (181, 90), (163, 90), (156, 72)] {
                picture.fill(WHITE, Outline::circle(x, y, 12));
            }
            picture.fill(GOLD, Outline::circle(172, 77, 9));
        }
        4 => {
            picture.line(Color(0xf3dcb4), 11, Outline::path(&[M(146, 88), L(166, 80)]));
            picture.line(Color(0xd8b584), 3, Outline::path(&[M(153, 82), L(158, 87)]));
        }
        _ => {}
    }
}

fn glasses(picture: &mut Picture, frame: Color, rim: impl Fn(i32) -> Outline) {
    for x in [106, mirrored(106)] {
        picture.line(frame, 5, rim(x));
    }
    picture.line(frame, 5, Outline::path(&[M(124, 121), Q(128, 117, 132, 121)]));
    picture.line(frame, 5, Outline::path(&[M(88, 120), L(74, 116)]));
    picture.line(frame, 5, Outline::path(&[M(168, 120), L(182, 116)]));
}
