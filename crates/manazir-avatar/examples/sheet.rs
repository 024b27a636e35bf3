//! Many pictures side by side, to be looked at: `cargo run -p manazir-avatar --example sheet -- person 0 sheet.png`.

#![allow(clippy::unwrap_used, reason = "an example ends at the first surprise")]

use std::fmt::Write;

use manazir_avatar::{Avatar, Kind};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

const ACROSS: usize = 8;
const DOWN: usize = 6;
const SIZE: usize = 128;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, from, file] = arguments.as_slice() else {
        panic!("which kind, from which number on, and where to write");
    };
    let (kind, from): (Kind, usize) = (kind.parse().unwrap(), from.parse().unwrap());
    let (width, height) = (ACROSS * SIZE, DOWN * SIZE);
    let mut sheet =
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\">");
    for at in 0..ACROSS * DOWN {
        let (x, y) = (at % ACROSS * SIZE, at / ACROSS * SIZE);
        let one = Avatar::of(kind, &(from + at).to_string()).svg();
        let place = format!("<svg x=\"{x}\" y=\"{y}\" width=\"{SIZE}\" height=\"{SIZE}\" ");
        write!(sheet, "{}", one.replacen("<svg ", &place, 1)).unwrap();
    }
    sheet.push_str("</svg>");
    let tree = Tree::from_str(&sheet, &Options::default()).unwrap();
    let mut pixels = Pixmap::new(width as u32, height as u32).unwrap();
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    pixels.save_png(file).unwrap();
}
