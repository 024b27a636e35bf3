//! A picture as SVG.

use std::fmt::{self, Write};

use crate::picture::{Outline, Paint, Picture, SIDE, Shape, Step};

/// The whole element.
pub(crate) fn written(picture: &Picture) -> String {
    let mut text = format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {SIDE} {SIDE}\">");
    for shape in &picture.shapes {
        // Writing to a string does not fail.
        let _ = write!(text, "{shape}");
    }
    text.push_str("</svg>");
    text
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outline = &self.outline;
        match self.paint {
            Paint::Fill(color) => write!(f, "<{outline} fill=\"{color}\"/>"),
            Paint::Line(color, width) => write!(
                f,
                "<{outline} fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\" stroke-linecap=\"round\" \
                 stroke-linejoin=\"round\"/>"
            ),
            Paint::Around(color) => {
                write!(f, "<path d=\"M0 0H{SIDE}V{SIDE}H0Z")?;
                outline.pen(f)?;
                write!(f, "\" fill-rule=\"evenodd\" fill=\"{color}\"/>")
            }
        }
    }
}

/// The name of its element and the attributes that give its form.
impl<Steps: AsRef<[Step]>> fmt::Display for Outline<Steps> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(_) => {
                f.write_str("path d=\"")?;
                self.pen(f)?;
                f.write_char('"')
            }
            Self::Oval(x, y, rx, ry) if rx == ry => write!(f, "circle cx=\"{x}\" cy=\"{y}\" r=\"{rx}\""),
            Self::Oval(x, y, rx, ry) => write!(f, "ellipse cx=\"{x}\" cy=\"{y}\" rx=\"{rx}\" ry=\"{ry}\""),
            Self::Box(x, y, width, height) => {
                write!(f, "rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"")
            }
        }
    }
}

impl<Steps: AsRef<[Step]>> Outline<Steps> {
    /// As the steps of a path.
    fn pen(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(steps) => steps.as_ref().iter().try_for_each(|step| write!(f, "{step}")),
            Self::Oval(x, y, rx, ry) => {
                let (left, across) = (x - rx, 2 * rx);
                write!(f, "M{left} {y}a{rx} {ry} 0 1 0 {across} 0a{rx} {ry} 0 1 0 -{across} 0Z")
            }
            Self::Box(x, y, width, height) => write!(f, "M{x} {y}h{width}v{height}h-{width}Z"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::M(x, y) => write!(f, "M{x} {y}"),
            Self::L(x, y) => write!(f, "L{x} {y}"),
            Self::Q(cx, cy, x, y) => write!(f, "Q{cx} {cy} {x} {y}"),
            Self::C(ax, ay, bx, by, x, y) => write!(f, "C{ax} {ay} {bx} {by} {x} {y}"),
            Self::Z => f.write_char('Z'),
        }
    }
}
