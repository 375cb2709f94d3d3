//! Arrangements of a connected graph in columns such that every edge joins equal or adjacent columns.

use super::place::Columns;

/// Above this many vertices only arrangements around the centre are tried.
const MANY: usize = 32;

/// Arrangements worth drawing, in a fixed order.
pub(super) fn candidates(neighbours: &[Vec<usize>]) -> Vec<Columns> {
    let mut candidates = Vec::new();
    for root in roots(neighbours) {
        let (levels, order) = levels(neighbours, root);
        for signed in [&two_sided(neighbours, root, &levels), &levels] {
            let lowest = signed.iter().min().copied().unwrap_or(0);
            let columns: Vec<usize> = signed.iter().map(|l| (l - lowest) as usize).collect();
            let count = columns.iter().max().map_or(1, |c| c + 1);
            for width in (1..=count).rev() {
                candidates.push(fold(&columns, &order, width));
            }
        }
        candidates.push(ladder(&levels, &order));
    }
    candidates.dedup();
    candidates
}

/// Vertices to start from: all of them, or the most connected one of a large graph.
fn roots(neighbours: &[Vec<usize>]) -> Vec<usize> {
    let all = 0..neighbours.len();
    if neighbours.len() <= MANY {
        return all.collect();
    }
    all.rev().max_by_key(|&v| neighbours[v].len()).into_iter().collect()
}

/// For each vertex its distance from the root, and the vertices by that distance.
fn levels(neighbours: &[Vec<usize>], root: usize) -> (Vec<i32>, Vec<usize>) {
    let mut levels = vec![-1; neighbours.len()];
    levels[root] = 0;
    let mut order = vec![root];
    let mut at = 0;
    while let Some(&vertex) = order.get(at) {
        at += 1;
        for &next in &neighbours[vertex] {
            if levels[next] < 0 {
                levels[next] = levels[vertex] + 1;
                order.push(next);
            }
        }
    }
    (levels, order)
}

/// Turns about half of what hangs on the root to negative levels: the first parts in file order.
fn two_sided(neighbours: &[Vec<usize>], root: usize, levels: &[i32]) -> Vec<i32> {
    let mut signed = levels.to_vec();
    let mut seen = vec![false; neighbours.len()];
    seen[root] = true;
    let mut parts = Vec::new();
    for first in 0..neighbours.len() {
        let mut part = Vec::new();
        let mut stack = vec![first];
        while let Some(vertex) = stack.pop() {
            if !std::mem::replace(&mut seen[vertex], true) {
                part.push(vertex);
                stack.extend(&neighbours[vertex]);
            }
        }
        parts.push(part);
    }
    parts.retain(|part| !part.is_empty());
    let mut turned = 0;
    for part in parts {
        if 2 * turned + part.len() < neighbours.len() {
            turned += part.len();
            for vertex in part {
                signed[vertex] = -levels[vertex];
            }
        }
    }
    signed
}

/// Lays columns out like lines of writing that turn at the margin: `width` columns there, as many back below, and so on.
fn fold(columns: &[usize], order: &[usize], width: usize) -> Columns {
    let folded = |column: usize| {
        let at = column % (2 * width);
        if at < width { at } else { 2 * width - 1 - at }
    };
    let mut arrangement = vec![Vec::new(); width];
    let mut order = order.to_vec();
    order.sort_by_key(|&v| columns[v] / width);
    for vertex in order {
        arrangement[folded(columns[vertex])].push(vertex);
    }
    arrangement
}

/// Two columns, each level's vertices dealt to them in turn: a ring becomes a loop.
fn ladder(levels: &[i32], order: &[usize]) -> Columns {
    let mut columns = vec![Vec::new(), Vec::new()];
    let mut last = (-1, 1);
    for &vertex in order {
        let side = if levels[vertex] == last.0 { 1 - last.1 } else { 0 };
        columns[side].push(vertex);
        last = (levels[vertex], side);
    }
    columns.retain(|column| !column.is_empty());
    columns
}
