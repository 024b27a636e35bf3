//! What lies on a shield.

use crate::picture::Outline;
use crate::picture::Step::{C, L, M, Q, Z};

/// Forms that are filled, or lines of this width.
type Charge = &'static [(Outline, Option<i32>)];

pub(super) const CHARGES: [Charge; 20] = [
    // A star.
    &[(
        Outline::path(&[
            M(128, 72),
            L(142, 108),
            L(181, 111),
            L(151, 136),
            L(161, 174),
            L(128, 153),
            L(95, 174),
            L(105, 136),
            L(75, 111),
            L(114, 108),
            Z,
        ]),
        None,
    )],
    // Lightning.
    &[(
        Outline::path(&[M(142, 66), L(88, 136), L(122, 136), L(112, 188), L(168, 114), L(134, 114), Z]),
        None,
    )],
    // Mountains.
    &[
        (Outline::path(&[M(66, 168), L(112, 90), L(134, 128), L(148, 108), L(190, 168), Z]), None),
        (Outline::circle(164, 86, 12), None),
    ],
    // A rocket.
    &[
        (
            Outline::path(&[
                M(128, 62),
                C(156, 84, 158, 124, 150, 156),
                L(106, 156),
                C(98, 124, 100, 84, 128, 62),
                Z,
            ]),
            None,
        ),
        (Outline::path(&[M(100, 128), L(80, 160), L(102, 156), Z]), None),
        (Outline::path(&[M(156, 128), L(176, 160), L(154, 156), Z]), None),
        (Outline::path(&[M(128, 164), L(128, 186)]), Some(14)),
    ],
    // An anchor.
    &[
        (Outline::circle(128, 80, 12), Some(9)),
        (Outline::path(&[M(128, 94), L(128, 178)]), Some(12)),
        (Outline::path(&[M(102, 110), L(154, 110)]), Some(11)),
        (Outline::path(&[M(80, 140), C(84, 186, 172, 186, 176, 140)]), Some(12)),
    ],
    // A fir.
    &[
        (Outline::path(&[M(128, 62), L(160, 108), L(96, 108), Z]), None),
        (Outline::path(&[M(128, 88), L(172, 148), L(84, 148), Z]), None),
        (Outline::path(&[M(128, 146), L(128, 180)]), Some(16)),
    ],
    // A wheel with teeth.
    &[
        (Outline::circle(128, 126, 32), Some(18)),
        (Outline::path(&[M(128, 74), L(128, 84)]), Some(18)),
        (Outline::path(&[M(128, 168), L(128, 178)]), Some(18)),
        (Outline::path(&[M(76, 126), L(86, 126)]), Some(18)),
        (Outline::path(&[M(170, 126), L(180, 126)]), Some(18)),
        (Outline::path(&[M(91, 89), L(98, 96)]), Some(18)),
        (Outline::path(&[M(165, 89), L(158, 96)]), Some(18)),
        (Outline::path(&[M(91, 163), L(98, 156)]), Some(18)),
        (Outline::path(&[M(165, 163), L(158, 156)]), Some(18)),
    ],
    // A flame.
    &[(
        Outline::path(&[
            M(132, 60),
            C(140, 96, 176, 104, 172, 144),
            C(168, 176, 142, 186, 128, 186),
            C(108, 186, 84, 174, 84, 142),
            C(84, 122, 96, 112, 102, 98),
            C(108, 112, 112, 116, 118, 116),
            C(126, 100, 124, 80, 132, 60),
            Z,
        ]),
        None,
    )],
    // A crown.
    &[
        (
            Outline::path(&[
                M(76, 150),
                L(70, 92),
                L(102, 120),
                L(128, 78),
                L(154, 120),
                L(186, 92),
                L(180, 150),
                Z,
            ]),
            None,
        ),
        (Outline::path(&[M(82, 170), L(174, 170)]), Some(12)),
    ],
    // A key.
    &[
        (Outline::circle(128, 90, 20), Some(13)),
        (Outline::path(&[M(128, 112), L(128, 184)]), Some(13)),
        (Outline::path(&[M(130, 180), L(152, 180)]), Some(12)),
        (Outline::path(&[M(130, 156), L(146, 156)]), Some(12)),
    ],
    // A drop.
    &[(
        Outline::path(&[
            M(128, 64),
            C(150, 100, 170, 120, 170, 144),
            C(170, 200, 86, 200, 86, 144),
            C(86, 120, 106, 100, 128, 64),
            Z,
        ]),
        None,
    )],
    // A leaf.
    &[
        (Outline::path(&[M(178, 76), C(104, 70, 70, 112, 96, 160), C(146, 176, 184, 144, 178, 76), Z]), None),
        (Outline::path(&[M(100, 156), L(78, 182)]), Some(11)),
    ],
    // A moon with a star.
    &[
        (
            Outline::path(&[
                M(136, 68),
                C(70, 74, 66, 172, 140, 182),
                C(160, 184, 176, 174, 182, 160),
                C(116, 172, 98, 100, 136, 68),
                Z,
            ]),
            None,
        ),
        (
            Outline::path(&[
                M(162, 92),
                L(168, 106),
                L(183, 107),
                L(171, 117),
                L(175, 132),
                L(162, 124),
                L(149, 132),
                L(153, 117),
                L(141, 107),
                L(156, 106),
                Z,
            ]),
            None,
        ),
    ],
    // A sun.
    &[
        (Outline::circle(128, 126, 28), None),
        (Outline::path(&[M(128, 72), L(128, 82)]), Some(12)),
        (Outline::path(&[M(128, 170), L(128, 180)]), Some(12)),
        (Outline::path(&[M(74, 126), L(84, 126)]), Some(12)),
        (Outline::path(&[M(172, 126), L(182, 126)]), Some(12)),
        (Outline::path(&[M(90, 88), L(97, 95)]), Some(12)),
        (Outline::path(&[M(166, 88), L(159, 95)]), Some(12)),
        (Outline::path(&[M(90, 164), L(97, 157)]), Some(12)),
        (Outline::path(&[M(166, 164), L(159, 157)]), Some(12)),
    ],
    // A heart.
    &[(Outline::path(&[M(128, 182), C(40, 124, 84, 54, 128, 98), C(172, 54, 216, 124, 128, 182), Z]), None)],
    // A book.
    &[
        (Outline::path(&[M(124, 96), Q(98, 78, 66, 88), L(66, 162), Q(98, 152, 124, 170), Z]), None),
        (Outline::path(&[M(132, 96), Q(158, 78, 190, 88), L(190, 162), Q(158, 152, 132, 170), Z]), None),
    ],
    // A fish.
    &[
        (Outline::path(&[M(66, 126), Q(110, 72, 158, 126), Q(110, 180, 66, 126), Z]), None),
        (Outline::path(&[M(150, 126), L(192, 92), L(184, 126), L(192, 160), Z]), None),
    ],
    // A bird.
    &[(
        Outline::path(&[
            M(62, 104),
            C(92, 84, 118, 96, 128, 122),
            C(138, 96, 164, 84, 194, 104),
            C(166, 108, 150, 128, 128, 160),
            C(106, 128, 90, 108, 62, 104),
            Z,
        ]),
        None,
    )],
    // An arrow upward.
    &[(
        Outline::path(&[
            M(128, 66),
            L(178, 122),
            L(148, 122),
            L(148, 182),
            L(108, 182),
            L(108, 122),
            L(78, 122),
            Z,
        ]),
        None,
    )],
    // A paw.
    &[
        (
            Outline::path(&[
                M(128, 124),
                C(156, 124, 172, 176, 148, 180),
                Q(128, 174, 108, 180),
                C(84, 176, 100, 124, 128, 124),
                Z,
            ]),
            None,
        ),
        (Outline::Oval(84, 122, 13, 17), None),
        (Outline::Oval(112, 92, 13, 19), None),
        (Outline::Oval(144, 92, 13, 19), None),
        (Outline::Oval(172, 122, 13, 17), None),
    ],
];
