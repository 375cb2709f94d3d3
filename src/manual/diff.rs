//! Expected lines beside what came instead.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Bindings, Line, Names, Pattern};

/// Beyond so many comparisons, nothing is aligned.
const EFFORT: usize = 1 << 20;

/// A line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "is", content = "line", rename_all = "kebab-case")]
pub enum Difference {
    /// Came as expected; the expected line, as written.
    Same(String),
    /// Came where `...` stands.
    Skipped(String),
    /// Was expected and did not come; as written.
    Missing(String),
    /// Came and was not expected.
    Unexpected(String),
}

/// Lines up what was expected with what came; as much as can be is the same.
pub fn compare(
    pattern: &Pattern,
    output: &str,
    names: &Names,
    bound: &Bindings,
) -> Vec<Difference> {
    let came: Vec<&str> = output.trim_end().split('\n').map(str::trim_end).collect();
    let came = if output.trim_end().is_empty() { &[] } else { came.as_slice() };
    let wanted = &pattern.lines;
    let same = table(wanted, came, names, bound);
    let (mut out, mut i, mut j) = (Vec::new(), 0, 0);
    // Whether the last expected line was `...`.
    let mut open = false;
    while i < wanted.len() || j < came.len() {
        let is_any = wanted.get(i).is_some_and(|line| *line == Line::Any);
        let equal = |i: usize, j: usize| {
            i < wanted.len()
                && j < came.len()
                && same.is_same(i, j, &wanted[i], came[j], names, bound)
        };
        if is_any {
            out.push(Difference::Same("...".to_owned()));
            (i, open) = (i + 1, true);
        } else if equal(i, j) && same.best(i, j) == same.best(i + 1, j + 1) + 1 {
            out.push(Difference::Same(wanted[i].text().to_owned()));
            (i, j, open) = (i + 1, j + 1, false);
        } else if j < came.len()
            && (i == wanted.len() || same.best(i, j + 1) >= same.best(i + 1, j))
        {
            let line = came[j].to_owned();
            out.push(if open { Difference::Skipped(line) } else { Difference::Unexpected(line) });
            j += 1;
        } else {
            out.push(Difference::Missing(wanted[i].text().to_owned()));
            i += 1;
        }
    }
    out
}

/// How many lines can be the same from each pair of places on.
struct Table {
    width: usize,
    /// Empty if it would be too large.
    cells: Vec<u32>,
}

fn table(wanted: &[Line], came: &[&str], names: &Names, bound: &Bindings) -> Table {
    let width = came.len() + 1;
    let size = (wanted.len() + 1) * width;
    if size > EFFORT {
        return Table { width, cells: Vec::new() };
    }
    let mut table = Table { width, cells: vec![0; size] };
    for i in (0..wanted.len()).rev() {
        for j in (0..came.len()).rev() {
            let down = table.best(i + 1, j).max(table.best(i, j + 1));
            let equal = wanted[i] != Line::Any && wanted[i].matches(came[j], names, bound);
            table.cells[i * width + j] =
                if equal { down.max(table.best(i + 1, j + 1) + 1) } else { down };
        }
    }
    table
}

impl Table {
    fn best(&self, i: usize, j: usize) -> u32 {
        self.cells.get(i * self.width + j).copied().unwrap_or_default()
    }

    fn is_same(
        &self,
        _: usize,
        _: usize,
        wanted: &Line,
        came: &str,
        names: &Names,
        bound: &Bindings,
    ) -> bool {
        !self.cells.is_empty() && wanted.matches(came, names, bound)
    }
}
