//! What a picture is made of: forms on top of each other, on a ground of 256 by 256.

use crate::color::Color;

/// The side of the ground. Everything of meaning lies within the circle in it, for many pages show only that.
pub(crate) const SIDE: i32 = 256;

/// A step of a pen, in whole units; y grows downward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To here, without a line.
    M(i32, i32),
    /// A straight line to here.
    L(i32, i32),
    /// A curve with one control point.
    Q(i32, i32, i32, i32),
    /// A curve with two control points.
    C(i32, i32, i32, i32, i32, i32),
    /// Back to where it began.
    Z,
}

/// The outline of a form, whose steps are a table's or its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outline<Steps = &'static [Step]> {
    /// What a pen draws.
    Path(Steps),
    /// Center, half width, half height.
    Oval(i32, i32, i32, i32),
    /// Left, top, width, height.
    Box(i32, i32, i32, i32),
}

impl Outline {
    pub(crate) const fn path(steps: &'static [Step]) -> Self {
        Self::Path(steps)
    }

    pub(crate) const fn circle(x: i32, y: i32, radius: i32) -> Self {
        Self::Oval(x, y, radius, radius)
    }

    fn owned(self) -> Outline<Vec<Step>> {
        match self {
            Self::Path(steps) => Outline::Path(steps.to_vec()),
            Self::Oval(x, y, rx, ry) => Outline::Oval(x, y, rx, ry),
            Self::Box(x, y, width, height) => Outline::Box(x, y, width, height),
        }
    }
}

/// How a form is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// What is inside.
    Fill(Color),
    /// Its outline, with this width and round ends.
    Line(Color, i32),
    /// All but what is inside.
    Around(Color),
}

/// A form with its paint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) outline: Outline<Vec<Step>>,
    pub(crate) paint: Paint,
}

/// Shapes, the lowest first; the first covers all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) shapes: Vec<Shape>,
}

impl Picture {
    pub(crate) fn on(ground: Color) -> Self {
        let mut picture = Self { shapes: Vec::new() };
        picture.fill(ground, Outline::Box(0, 0, SIDE, SIDE));
        picture
    }

    pub(crate) fn fill(&mut self, color: Color, outline: Outline) {
        self.shapes.push(Shape { outline: outline.owned(), paint: Paint::Fill(color) });
    }

    /// Steps that are made while drawing.
    pub(crate) fn fill_path(&mut self, color: Color, steps: impl Into<Vec<Step>>) {
        self.shapes.push(Shape { outline: Outline::Path(steps.into()), paint: Paint::Fill(color) });
    }

    pub(crate) fn line(&mut self, color: Color, width: i32, outline: Outline) {
        self.shapes.push(Shape { outline: outline.owned(), paint: Paint::Line(color, width) });
    }

    /// Steps that are made while drawing.
    pub(crate) fn line_path(&mut self, color: Color, width: i32, steps: impl Into<Vec<Step>>) {
        self.shapes.push(Shape { outline: Outline::Path(steps.into()), paint: Paint::Line(color, width) });
    }

    pub(crate) fn around(&mut self, color: Color, outline: Outline) {
        self.shapes.push(Shape { outline: outline.owned(), paint: Paint::Around(color) });
    }

    /// The same paint for each.
    pub(crate) fn fill_all(&mut self, color: Color, outlines: &[Outline]) {
        outlines.iter().for_each(|outline| self.fill(color, *outline));
    }
}
