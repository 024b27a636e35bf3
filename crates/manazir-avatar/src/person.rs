//! The face of a person, in layers: ground, hair behind, body, head, features, hair before, what they wear.

mod body;
mod features;
mod ground;
mod hair;
mod worn;

use crate::color::{Color, WHITE};
use crate::dice::Dice;
use crate::picture::{Outline, Picture};

/// From light to dark. The darkest still gives [`INK`](crate::color::INK) a contrast of 3 to 1.
const SKINS: [Color; 8] = [
    Color(0xf9dcc8),
    Color(0xf1c9a8),
    Color(0xe4b38c),
    Color(0xd39b70),
    Color(0xbd8155),
    Color(0xa56b43),
    Color(0x935b38),
    Color(0x875432),
];

const HAIR: [Color; 12] = [
    Color(0x17110f),
    Color(0x2f1e17),
    Color(0x5a3825),
    Color(0x8a552e),
    Color(0xb24f28),
    Color(0xd69c3c),
    Color(0xf0daa2),
    Color(0x94959b),
    Color(0xeaeaec),
    Color(0x2f7f96),
    Color(0x7d429a),
    Color(0xd45a86),
];

const CLOTHES: [Color; 12] = [
    Color(0xf1eee9),
    Color(0x232f3e),
    Color(0xdf5539),
    Color(0xf0a82a),
    Color(0x2c3a66),
    Color(0x5fa5b8),
    Color(0x5a8f5c),
    Color(0xa3557c),
    Color(0xd5bfa0),
    Color(0x544680),
    Color(0x8f2d3b),
    Color(0x9fc46e),
];

/// What the layers share.
struct Look {
    skin: Color,
    hair: Color,
    cloth: Color,
    /// Of a second thing that is worn.
    accent: Color,
}

pub(crate) fn draw(dice: &Dice) -> Picture {
    let skin = *dice.pick("skin", &SKINS);
    let look = Look {
        skin,
        hair: visible(dice, "hair color", &HAIR, skin),
        cloth: visible(dice, "cloth color", &CLOTHES, skin),
        accent: visible(dice, "accent color", &CLOTHES, skin),
    };
    let mut picture = ground::draw(dice);
    let head = *dice.pick("head", &body::HEADS);
    let style = dice.pick("hair style", &hair::STYLES);
    let color = style.color(&look);

    // A rim of white sets the figure off from the ground, whatever the colors of both.
    let silhouette = style.behind.iter().chain(body::SILHOUETTE).chain([&head]).chain(style.before);
    silhouette.for_each(|outline| picture.line(WHITE, RIM, *outline));

    picture.fill_all(color.darker(18), style.behind);
    body::draw(&mut picture, dice, &look, head);
    features::draw(&mut picture, dice, &look);
    picture.fill_all(color, style.before);
    style.draw_details(&mut picture, color);
    worn::draw(&mut picture, dice, &look);
    picture
}

/// Twice the width of the rim, half of which the figure covers.
const RIM: i32 = 14;

/// One of a table that does not vanish on `under`.
fn visible(dice: &Dice, name: &str, table: &[Color], under: Color) -> Color {
    let seen: Vec<Color> = table.iter().copied().filter(|color| color.stands_out(under)).collect();
    *dice.pick(name, &seen)
}

/// The same on the other side of the face.
fn mirrored(x: i32) -> i32 {
    crate::picture::SIDE - x
}

/// On both sides of the face.
fn pair(picture: &mut Picture, color: Color, at: [i32; 4]) {
    let [x, y, rx, ry] = at;
    for x in [x, mirrored(x)] {
        picture.fill(color, Outline::Oval(x, y, rx, ry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::{INK, contrast};

    #[test]
    fn what_is_drawn_on_skin_is_seen() {
        for skin in SKINS {
            assert!(contrast(skin, INK) >= 3.0, "{skin}: {}", contrast(skin, INK));
            for table in [&HAIR[..], &CLOTHES] {
                assert!(table.iter().filter(|color| color.stands_out(skin)).count() >= 6, "{skin}");
            }
        }
    }

    #[test]
    fn the_rim_of_a_figure_is_seen_on_each_ground() {
        for ground in ground::GROUNDS {
            for ground in [ground, ground::second(ground)] {
                assert!(contrast(ground, WHITE) >= 3.0, "{ground}: {}", contrast(ground, WHITE));
            }
        }
    }
}
