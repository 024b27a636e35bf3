//! Hair, and what covers it.

use super::Look;
use crate::color::Color;
use crate::picture::Step::{C, L, M, Q, Z};
use crate::picture::{Outline, Picture, Step};

/// What is behind the head and what before it.
pub(super) struct Style {
    pub(super) behind: &'static [Outline],
    pub(super) before: &'static [Outline],
    /// Lines on it, in a darker shade.
    details: &'static [&'static [Step]],
    /// Of cloth, not of hair.
    is_cloth: bool,
}

impl Style {
    const fn hair(behind: &'static [Outline], before: &'static [Outline]) -> Self {
        Self { behind, before, details: &[], is_cloth: false }
    }

    const fn cloth(
        behind: &'static [Outline],
        before: &'static [Outline],
        details: &'static [&'static [Step]],
    ) -> Self {
        Self { behind, before, details, is_cloth: true }
    }

    pub(super) fn color(&self, look: &Look) -> Color {
        if self.is_cloth { look.accent } else { look.hair }
    }

    pub(super) fn draw_details(&self, picture: &mut Picture, color: Color) {
        for steps in self.details {
            picture.line(color.darker(22), 5, Outline::path(steps));
        }
    }
}

const CLOSE: Outline = Outline::path(&[
    M(73, 112),
    C(68, 68, 96, 50, 128, 50),
    C(160, 50, 188, 68, 183, 112),
    C(178, 94, 168, 82, 152, 78),
    Q(128, 74, 104, 78),
    C(88, 82, 78, 94, 73, 112),
    Z,
]);
const TIED: Outline = Outline::path(&[
    M(70, 116),
    C(62, 60, 98, 44, 128, 44),
    C(158, 44, 194, 60, 186, 116),
    C(178, 88, 154, 74, 128, 74),
    C(102, 74, 78, 88, 70, 116),
    Z,
]);
const FRINGE: Outline = Outline::path(&[
    M(68, 128),
    C(56, 58, 96, 38, 128, 38),
    C(160, 38, 200, 58, 188, 128),
    C(186, 112, 182, 102, 176, 94),
    Q(128, 104, 80, 94),
    C(74, 102, 70, 112, 68, 128),
    Z,
]);
const PARTED: Outline = Outline::path(&[
    M(68, 136),
    C(56, 58, 98, 38, 128, 38),
    C(158, 38, 200, 58, 188, 136),
    C(184, 104, 154, 92, 128, 64),
    C(102, 92, 72, 104, 68, 136),
    Z,
]);
const SWEPT: Outline = Outline::path(&[
    M(68, 130),
    C(56, 58, 96, 38, 130, 38),
    C(162, 38, 200, 60, 188, 128),
    C(184, 106, 174, 92, 160, 70),
    C(146, 92, 104, 104, 78, 100),
    C(72, 108, 70, 118, 68, 130),
    Z,
]);

pub(super) const STYLES: [Style; 22] = [
    Style::hair(&[], &[]),
    Style::hair(&[], &[CLOSE]),
    // To the side.
    Style::hair(
        &[],
        &[Outline::path(&[
            M(70, 118),
            C(60, 60, 92, 38, 130, 38),
            C(170, 36, 198, 64, 186, 118),
            C(184, 102, 178, 94, 168, 86),
            C(140, 92, 114, 86, 100, 74),
            C(94, 88, 76, 96, 70, 118),
            Z,
        ])],
    ),
    // Up.
    Style::hair(
        &[],
        &[Outline::path(&[
            M(71, 114),
            C(66, 86, 74, 70, 82, 62),
            C(78, 36, 118, 22, 152, 28),
            C(186, 32, 196, 66, 185, 114),
            C(182, 98, 178, 90, 170, 82),
            C(148, 88, 110, 86, 90, 80),
            C(80, 88, 74, 98, 71, 114),
            Z,
        ])],
    ),
    Style::hair(&[], &[FRINGE]),
    // A cloud.
    Style::hair(&[Outline::Oval(128, 98, 80, 74)], &[TIED]),
    // Curls.
    Style::hair(
        &[],
        &[
            CLOSE,
            Outline::circle(78, 92, 17),
            Outline::circle(88, 68, 20),
            Outline::circle(112, 52, 22),
            Outline::circle(142, 50, 22),
            Outline::circle(168, 66, 20),
            Outline::circle(178, 92, 17),
            Outline::circle(128, 66, 20),
        ],
    ),
    // To the chin.
    Style::hair(&[CHIN], &[FRINGE]),
    Style::hair(&[CHIN], &[SWEPT]),
    // Over the shoulders.
    Style::hair(&[LONG], &[PARTED]),
    Style::hair(&[LONG], &[FRINGE]),
    Style::hair(&[WAVES], &[SWEPT]),
    Style::hair(&[WAVES], &[PARTED]),
    // A bun, a tail, two tails.
    Style::hair(&[Outline::Oval(128, 36, 28, 25)], &[TIED]),
    Style::hair(
        &[Outline::path(&[M(160, 54), C(220, 48, 240, 112, 212, 186), C(206, 160, 200, 128, 176, 108), Z])],
        &[TIED],
    ),
    Style::hair(&[Outline::Oval(52, 150, 20, 46), Outline::Oval(204, 150, 20, 46)], &[PARTED]),
    // Two buns.
    Style::hair(&[Outline::circle(76, 54, 25), Outline::circle(180, 54, 25)], &[TIED]),
    // A crest.
    Style::hair(
        &[],
        &[Outline::path(&[
            M(106, 86),
            C(100, 50, 108, 22, 128, 14),
            C(148, 22, 156, 50, 150, 86),
            Q(128, 76, 106, 86),
            Z,
        ])],
    ),
    // Short at the sides.
    Style::hair(
        &[],
        &[Outline::path(&[
            M(75, 92),
            C(66, 40, 130, 22, 174, 40),
            C(198, 52, 194, 88, 183, 108),
            C(181, 92, 172, 78, 156, 74),
            C(128, 80, 98, 78, 75, 92),
            Z,
        ])],
    ),
    // A scarf around the head, with a hole for the face.
    Style::cloth(
        &[],
        &[Outline::path(&[
            M(128, 30),
            C(72, 30, 52, 76, 56, 126),
            C(56, 172, 64, 200, 88, 216),
            Q(128, 236, 168, 216),
            C(192, 200, 200, 172, 200, 126),
            C(204, 76, 184, 30, 128, 30),
            Z,
            M(128, 66),
            C(164, 66, 174, 96, 172, 126),
            C(170, 160, 152, 184, 128, 184),
            C(104, 184, 86, 160, 84, 126),
            C(82, 96, 92, 66, 128, 66),
            Z,
        ])],
        &[&[M(74, 176), Q(110, 214, 172, 194)], &[M(92, 206), Q(128, 222, 160, 206)]],
    ),
    // A turban.
    Style::cloth(
        &[],
        &[Outline::path(&[
            M(64, 100),
            C(48, 40, 92, 20, 128, 20),
            C(164, 20, 208, 40, 192, 100),
            C(172, 78, 148, 72, 128, 80),
            C(108, 72, 84, 78, 64, 100),
            Z,
        ])],
        &[
            &[M(68, 80), Q(112, 62, 150, 24)],
            &[M(188, 80), Q(160, 66, 128, 78)],
            &[M(66, 58), Q(100, 48, 116, 22)],
        ],
    ),
    // A cap of wool.
    Style::cloth(
        &[],
        &[
            Outline::circle(128, 26, 14),
            Outline::path(&[
                M(68, 98),
                C(58, 46, 96, 28, 128, 28),
                C(160, 28, 198, 46, 188, 98),
                Q(128, 84, 68, 98),
                Z,
            ]),
        ],
        &[
            &[M(70, 82), Q(128, 66, 186, 82)],
            &[M(100, 74), L(102, 88)],
            &[M(128, 72), L(128, 86)],
            &[M(156, 74), L(154, 88)],
        ],
    ),
];

const CHIN: Outline = Outline::path(&[
    M(64, 110),
    C(56, 50, 98, 38, 128, 38),
    C(158, 38, 200, 50, 192, 110),
    L(198, 172),
    C(180, 188, 160, 184, 148, 176),
    L(108, 176),
    C(96, 184, 76, 188, 58, 172),
    Z,
]);
const LONG: Outline = Outline::path(&[
    M(62, 110),
    C(54, 50, 98, 38, 128, 38),
    C(158, 38, 202, 50, 194, 110),
    L(202, 226),
    L(54, 226),
    Z,
]);
const WAVES: Outline = Outline::path(&[
    M(62, 110),
    C(54, 50, 98, 36, 128, 36),
    C(158, 36, 202, 50, 194, 110),
    C(220, 130, 196, 150, 210, 172),
    C(222, 196, 204, 214, 186, 216),
    L(70, 216),
    C(52, 214, 34, 196, 46, 172),
    C(60, 150, 36, 130, 62, 110),
    Z,
]);
