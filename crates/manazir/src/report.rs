//! What people read: sentences, charts, tables; on a terminal and as an HTML file.

pub mod axis;
pub mod because;
pub mod columns;
pub mod html;
pub mod name;
pub mod number;
pub mod sentence;
pub mod terminal;
pub mod when;
