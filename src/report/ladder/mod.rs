//! Ladders: time goes down, each host has a column, each frame is an arrow.

mod events;
mod svg;
mod text;

pub use svg::ladder_svg;
pub use text::ladder_text;
