//! Eyes, brows, nose, mouth, beard.

use super::{Look, mirrored, pair};
use crate::color::{Color, INK, WHITE};
use crate::dice::Dice;
use crate::picture::Step::{C, L, M, Q, Z};
use crate::picture::{Outline, Picture, Step};

/// The height of the eyes, and how far from the left the left one is.
const EYE: (i32, i32) = (106, 124);

const IRISES: [Color; 5] =
    [Color(0x3b2216), Color(0x5d3a1c), Color(0x2c5f8f), Color(0x3c6b45), Color(0x565f66)];

pub(super) fn draw(picture: &mut Picture, dice: &Dice, look: &Look) {
    cheeks(picture, dice, look);
    let bearded = beard(picture, dice, look);
    eyes(picture, dice);
    brows(picture, dice, look);
    nose(picture, dice, look);
    mouth(picture, dice, bearded);
}

fn cheeks(picture: &mut Picture, dice: &Dice, look: &Look) {
    let warm = look.skin.toward(Color(0xd83a2e), 22);
    match dice.of("cheeks").below(6) {
        0 | 1 => pair(picture, warm, [92, 147, 11, 8]),
        2 => {
            for (x, y) in [(88, 142), (97, 146), (89, 151)] {
                pair(picture, look.skin.darker(28), [x, y, 2, 2]);
            }
        }
        _ => {}
    }
}

fn line(picture: &mut Picture, color: Color, width: i32, steps: &[Step]) {
    picture.line_path(color, width, steps);
}

fn eyes(picture: &mut Picture, dice: &Dice) {
    let (left, y) = EYE;
    let style = dice.of("eyes").below(8);
    let iris = *dice.pick("iris", &IRISES);
    for (side, x) in [left, mirrored(left)].into_iter().enumerate() {
        let outward = if side == 0 { -1 } else { 1 };
        match style {
            0 => picture.fill(INK, Outline::Oval(x, y, 6, 7)),
            1 => {
                picture.fill(WHITE, Outline::Oval(x, y, 12, 12));
                picture.fill(INK, Outline::Oval(x, y, 6, 6));
            }
            2 => {
                let almond = [M(x - 14, y), Q(x, y - 15, x + 14, y), Q(x, y + 13, x - 14, y), Z];
                picture.fill_path(WHITE, almond);
                picture.fill(iris, Outline::circle(x, y, 7));
                picture.fill(INK, Outline::circle(x, y, 3));
                line(picture, INK, 4, &[M(x - 14, y), Q(x, y - 15, x + 14, y)]);
            }
            3 => line(picture, INK, 5, &[M(x - 10, y + 3), Q(x, y - 11, x + 10, y + 3)]),
            4 => {
                picture.fill(INK, Outline::Oval(x, y, 8, 10));
                picture.fill(WHITE, Outline::circle(x + 3, y - 4, 3));
            }
            5 => {
                let half =
                    [M(x - 12, y - 3), L(x + 12, y - 3), C(x + 12, y + 12, x - 12, y + 12, x - 12, y - 3), Z];
                picture.fill_path(WHITE, half);
                picture.fill(INK, Outline::Oval(x, y + 1, 5, 6));
                line(picture, INK, 4, &[M(x - 13, y - 4), L(x + 13, y - 4)]);
            }
            6 if side == 1 => line(picture, INK, 5, &[M(x - 10, y + 2), Q(x, y - 8, x + 10, y + 2)]),
            6 => picture.fill(INK, Outline::Oval(x, y, 7, 8)),
            _ => {
                picture.fill(INK, Outline::Oval(x, y, 6, 8));
                line(picture, INK, 4, &[M(x, y - 7), Q(x + 8 * outward, y - 8, x + 12 * outward, y - 13)]);
            }
        }
    }
}

fn brows(picture: &mut Picture, dice: &Dice, look: &Look) {
    let style = dice.of("brows").below(5);
    let color = look.hair.toward(INK, 55);
    for (side, x) in [EYE.0, mirrored(EYE.0)].into_iter().enumerate() {
        let outward = if side == 0 { -1 } else { 1 };
        let (near, far) = (x - 12 * outward, x + 14 * outward);
        match style {
            0 => line(picture, color, 5, &[M(near, 103), Q(x, 97, far, 104)]),
            1 => line(picture, color, 7, &[M(near, 104), L(far, 101)]),
            2 => line(picture, color, 5, &[M(near, 99), Q(x, 97, far, 107)]),
            3 => line(picture, color, 4, &[M(near, 105), Q(x + 4 * outward, 95, far, 101)]),
            _ => line(picture, color, 8, &[M(near, 102), Q(x, 98, far, 103)]),
        }
    }
}

fn nose(picture: &mut Picture, dice: &Dice, look: &Look) {
    let shade = look.skin.darker(24);
    match dice.of("nose").below(5) {
        0 => line(picture, shade, 5, &[M(120, 146), Q(128, 152, 136, 146)]),
        1 => line(picture, shade, 5, &[M(130, 126), Q(122, 146, 128, 148), L(134, 147)]),
        2 => picture.fill(shade, Outline::Oval(128, 144, 10, 7)),
        3 => picture.fill(shade, Outline::path(&[M(128, 130), L(138, 149), Q(128, 153, 118, 149), Z])),
        _ => pair(picture, shade, [123, 146, 3, 3]),
    }
}

/// True if there is one around the mouth.
fn beard(picture: &mut Picture, dice: &Dice, look: &Look) -> bool {
    let color = look.hair;
    match dice.of("beard").below(12) {
        0 => picture.fill(
            color,
            Outline::path(&[
                M(74, 122),
                C(72, 176, 100, 204, 128, 204),
                C(156, 204, 184, 176, 182, 122),
                C(176, 146, 160, 150, 148, 148),
                Q(128, 142, 108, 148),
                C(96, 150, 80, 146, 74, 122),
                Z,
            ]),
        ),
        1 => picture.fill(
            color,
            Outline::path(&[
                M(104, 152),
                Q(128, 146, 152, 152),
                C(158, 176, 150, 200, 128, 200),
                C(106, 200, 98, 176, 104, 152),
                Z,
            ]),
        ),
        2 => {
            let half = [M(128, 150), C(116, 146, 104, 152, 98, 160), C(108, 162, 120, 160, 128, 156)];
            let other = [C(136, 160, 148, 162, 158, 160), C(152, 152, 140, 146, 128, 150), Z];
            picture.fill_path(color, [&half[..], &other].concat());
            return false;
        }
        _ => return false,
    }
    true
}

fn mouth(picture: &mut Picture, dice: &Dice, bearded: bool) {
    const TONGUE: Color = Color(0xd95d5d);
    const OPEN: &[Step] = &[M(106, 160), Q(128, 166, 150, 160), C(148, 184, 108, 184, 106, 160), Z];
    // On hair no line is seen.
    let style = if bearded { 7 } else { dice.of("mouth").below(8) };
    match style {
        0 => line(picture, INK, 5, &[M(108, 164), Q(128, 180, 148, 164)]),
        1 => {
            picture.fill(INK, Outline::path(OPEN));
            picture.fill(
                WHITE,
                Outline::path(&[M(109, 161), Q(128, 167, 147, 161), L(145, 168), Q(128, 172, 111, 168), Z]),
            );
        }
        2 => picture.fill(INK, Outline::Oval(128, 168, 8, 9)),
        3 => line(picture, INK, 5, &[M(112, 168), L(144, 168)]),
        4 => line(picture, INK, 5, &[M(110, 169), Q(134, 173, 147, 161)]),
        5 => {
            picture.fill(INK, Outline::path(OPEN));
            picture.fill(TONGUE, Outline::Oval(128, 175, 10, 4));
        }
        6 => {
            let (upper, lower) = (Color(0x8e2c36), Color(0xa83a42));
            picture
                .fill(upper, Outline::path(&[M(108, 167), Q(120, 156, 128, 162), Q(136, 156, 148, 167), Z]));
            picture.fill(lower, Outline::path(&[M(108, 167), L(148, 167), Q(128, 184, 108, 167), Z]));
        }
        _ => {
            picture.fill(
                INK,
                Outline::path(&[M(108, 162), L(148, 162), Q(148, 180, 128, 180), Q(108, 180, 108, 162), Z]),
            );
            picture.fill(
                WHITE,
                Outline::path(&[M(111, 164), L(145, 164), Q(144, 174, 128, 174), Q(112, 174, 111, 164), Z]),
            );
        }
    }
}
