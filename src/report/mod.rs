//! Drawings and lists for people.
//!
//! A topology is drawn in two steps: a [`Graph`] of a plan, and its [`Drawing`], which has a place for everything. Each
//! output format is one function over one of the two: [`mermaid`] and [`dot`] leave the layout to others, [`text`] and
//! [`svg`] show ours. Frames between hosts are drawn by [`ladder_text`] and [`ladder_svg`].

mod bend;
mod channel;
mod columns;
mod doctor;
mod dot;
mod drawing;
mod graph;
mod junit;
mod ladder;
mod mermaid;
mod page;
mod place;
mod search;
mod svg;
mod text;
mod zones;

pub(crate) use doctor::doctor;
pub use dot::dot;
pub use drawing::{Drawing, Label, LabelKind, Point, Rect, Shape};
pub use graph::{Graph, Kind};
pub use junit::junit;
pub use ladder::{ladder_svg, ladder_text};
pub use mermaid::mermaid;
pub(crate) use page::{Chapter, Recorded, page};
pub use svg::svg;
pub use text::text;
