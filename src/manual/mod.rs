//! Executable lab manuals: Markdown that people read and labnet runs.

mod builtin;
mod carriers;
mod cast;
mod diff;
mod document;
mod execute;
mod fence;
mod front;
mod host;
mod judge;
mod parse;
mod pattern;
mod result;
mod run;
mod screen;
mod seat;
mod steps;
mod stop;
mod test;
mod text;
mod update;

pub use builtin::builtin;
pub use cast::{Behaviour, Cast};
pub use diff::{Difference, compare};
pub use document::{Attributes, Block, Key, Kind, Manual, Role, Section, Status, Step};
pub(crate) use execute::{Executed, execute};
pub(crate) use host::SINCE_VARIABLE;
pub(crate) use parse::LARGEST;
pub use parse::{load, parse};
pub use pattern::{Bindings, Line, Matched, Names, Part, Pattern};
pub use result::{BlockRun, Outcome, Results, Run, SectionRun, StepRun, results_schema};
pub(crate) use run::Options;
pub use test::{ManualFailure, manual};
pub use update::{stripped, updated};
