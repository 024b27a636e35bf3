//! The emblem of a team: a shield that is divided in two colors, with a charge on it.

mod charge;
mod shield;

use crate::color::{Color, WHITE};
use crate::dice::Dice;
use crate::picture::Step::{L, M, Q, Z};
use crate::picture::{Outline, Picture};

const GROUNDS: [Color; 8] = [
    Color(0xf5efe4),
    Color(0xe6f0f5),
    Color(0xf8e9ec),
    Color(0xe9f4e5),
    Color(0xefeaf7),
    Color(0xfdf3d8),
    Color(0xe4f3f0),
    Color(0xeeeef0),
];

const FIELDS: [Color; 12] = [
    Color(0x1f3a5f),
    Color(0x7a1f2b),
    Color(0x1e5b3a),
    Color(0x4a2a6a),
    Color(0x8f3d12),
    Color(0x0f5560),
    Color(0x333b46),
    Color(0x6b1f5c),
    Color(0x234e9c),
    Color(0x6b5210),
    Color(0x9c254f),
    Color(0x2b2b6e),
];

/// Of charges and of what divides a field.
const METALS: [Color; 4] = [WHITE, Color(0xfbd95c), Color(0xd9ecf5), Color(0xffddc2)];

pub(crate) fn draw(dice: &Dice) -> Picture {
    let ground = *dice.pick("ground", &GROUNDS);
    let field = *dice.pick("field", &FIELDS);
    let second = *dice.other("second", &FIELDS, &field);
    let metal = *dice.pick("metal", &METALS);
    let shield = *dice.pick("shield", &shield::SHIELDS);
    let mut picture = Picture::on(field);
    shield::divide(&mut picture, dice, second, metal);
    let charge = *dice.pick("charge", &charge::CHARGES);
    for (outline, width) in charge {
        // Where it crosses what divides the field, a rim of the field keeps it apart.
        picture.line(field, width.unwrap_or(0) + 14, *outline);
    }
    for (outline, width) in charge {
        match width {
            Some(width) => picture.line(metal, *width, *outline),
            None => picture.fill(metal, *outline),
        }
    }
    picture.around(ground, shield);
    if dice.chance("edge", 60) {
        picture.line(field.darker(30), 14, shield);
        picture.line(metal, 6, shield);
    } else {
        picture.line(field.darker(30), 9, shield);
    }
    ornament(&mut picture, dice, second);
    picture
}

/// Something at the foot of it, in a color that is seen on the ground.
fn ornament(picture: &mut Picture, dice: &Dice, color: Color) {
    match dice.of("ornament").below(6) {
        0 => {
            for x in [92, 128, 164] {
                picture.fill(color, Outline::circle(x, if x == 128 { 238 } else { 234 }, 8));
            }
        }
        1 => {
            let fold = color.darker(30);
            picture
                .fill(fold, Outline::path(&[M(44, 196), L(76, 204), L(76, 230), L(44, 224), L(54, 210), Z]));
            picture.fill(
                fold,
                Outline::path(&[M(212, 196), L(180, 204), L(180, 230), L(212, 224), L(202, 210), Z]),
            );
            let band = [M(62, 200), Q(128, 220, 194, 200), L(194, 226), Q(128, 246, 62, 226), Z];
            picture.line_path(WHITE, 5, band);
            picture.fill_path(color, band);
        }
        2 => {
            for (row, y) in [206, 186, 164, 142].into_iter().enumerate() {
                let x = 38 - 5 * row as i32 + if row == 0 { 8 } else { 0 };
                for (x, lean) in [(x, 9), (256 - x, -9)] {
                    let leaf = [
                        M(x - lean, y - 14),
                        Q(x + lean, y - 8, x + lean, y + 10),
                        Q(x - lean, y + 6, x - lean, y - 14),
                        Z,
                    ];
                    picture.fill_path(color, leaf);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::contrast;

    #[test]
    fn an_emblem_is_seen_on_each_ground_and_a_charge_on_each_field() {
        for field in FIELDS {
            for ground in GROUNDS {
                assert!(contrast(field, ground) >= 3.0, "{field} on {ground}");
            }
            for metal in METALS {
                assert!(contrast(field, metal) >= 3.0, "{metal} on {field}");
            }
        }
    }
}
