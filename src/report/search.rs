//! The search for the arrangement in columns that makes the best drawing.

use super::{
    columns,
    drawing::WIDTH,
    graph::{Graph, Kind},
    place::{self, Columns, Placement},
};

/// How many arrangements are improved, and with how many trials each.
const IMPROVED: usize = 4;
const TRIALS: usize = 400;
/// Larger graphs are not improved by trials.
const MANY: usize = 32;

/// What a drawing costs: columns beyond the limit first, then size, crossings, length of the wires and nodes before
/// those that the file names first.
fn cost(graph: &Graph, placement: &Placement) -> (i32, i64) {
    let length: i32 = placement
        .wires
        .iter()
        .flat_map(|points| points.windows(2))
        .map(|piece| (piece[1].x - piece[0].x).abs() + 2 * (piece[1].y - piece[0].y).abs())
        .sum();
    let nodes = graph.vertices.iter().zip(&placement.boxes);
    let places: Vec<(i32, i32)> =
        nodes.filter(|(v, _)| v.kind == Kind::Node).map(|(_, b)| (b.x, b.y)).collect();
    let first = places.first().map_or(0, |(x, y)| x + y);
    let rest = |at: usize| &places[at + 1..];
    let late = places.iter().enumerate();
    let late = late.map(|(at, place)| rest(at).iter().filter(|later| *later < place).count());
    let late: usize = late.sum();
    let bends: usize = placement.wires.iter().map(|points| points.len().saturating_sub(2)).sum();
    let size = i64::from(placement.width + 10 * placement.height);
    (
        (placement.width - WIDTH).max(0),
        10 * size
            + 90 * placement.crossings as i64
            + 20 * bends as i64
            + i64::from(length)
            + late as i64
            + 4 * i64::from(first),
    )
}

/// The cheapest placement of a connected graph that the search finds.
pub(super) fn best(graph: &Graph) -> Placement {
    let neighbours = graph.neighbours();
    let mut tried: Vec<_> = columns::candidates(&neighbours)
        .into_iter()
        .map(|columns| {
            let placement = place::place(graph, &columns);
            (cost(graph, &placement), columns, placement)
        })
        .collect();
    tried.sort_by_key(|(cost, ..)| *cost);
    tried.truncate(IMPROVED);
    if graph.vertices.len() <= MANY {
        for (cost, columns, placement) in &mut tried {
            improve(graph, &neighbours, cost, columns, placement);
        }
    }
    let best = tried.into_iter().min_by_key(|(cost, ..)| *cost);
    let columns = best.map(|(_, columns, _)| columns).unwrap_or_default();
    let placements = mirrored(columns).map(|columns| place::place(graph, &columns));
    let [first, others @ ..] = placements;
    others.into_iter().fold(first, |best, other| {
        if cost(graph, &other) < cost(graph, &best) { other } else { best }
    })
}

/// An arrangement, and it seen from behind, from below and from both.
fn mirrored(columns: Columns) -> [Columns; 4] {
    let mut flipped = columns.clone();
    flipped.iter_mut().for_each(|column| column.reverse());
    let behind = |columns: &Columns| columns.iter().rev().cloned().collect();
    [behind(&columns), behind(&flipped), columns, flipped]
}

/// Moves one vertex at a time to another place as long as that makes the drawing cheaper.
fn improve(
    graph: &Graph,
    neighbours: &[Vec<usize>],
    best: &mut (i32, i64),
    columns: &mut Columns,
    placement: &mut Placement,
) {
    let mut trials = TRIALS;
    let mut better = true;
    while std::mem::take(&mut better) {
        for vertex in 0..graph.vertices.len() {
            for other in moves(neighbours, columns, vertex) {
                if trials == 0 {
                    return;
                }
                trials -= 1;
                let trial = place::place(graph, &other);
                let price = cost(graph, &trial);
                if price < *best {
                    (*best, *columns, *placement) = (price, other, trial);
                    better = true;
                    break;
                }
            }
        }
    }
}

/// All arrangements that differ in one vertex's place and keep edges between equal or adjacent columns.
fn moves(neighbours: &[Vec<usize>], columns: &Columns, vertex: usize) -> Vec<Columns> {
    let home = |v: usize| columns.iter().position(|column| column.contains(&v)).unwrap_or(0);
    let peers: Vec<usize> =
        neighbours[vertex].iter().filter(|v| **v != vertex).map(|v| home(*v)).collect();
    let mut without = columns.clone();
    without.iter_mut().for_each(|column| column.retain(|v| *v != vertex));
    let mut moves = Vec::new();
    for column in 0..columns.len() {
        if peers.iter().any(|peer| peer.abs_diff(column) > 1) {
            continue;
        }
        for at in 0..=without[column].len() {
            let mut moved = without.clone();
            moved[column].insert(at, vertex);
            if moved != *columns {
                moved.retain(|column| !column.is_empty());
                moves.push(moved);
            }
        }
    }
    moves
}
