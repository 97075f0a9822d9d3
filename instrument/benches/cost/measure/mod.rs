//! Clocks, rounds, and tables: what every benchmark of this workspace measures with.

pub(crate) mod child;
pub(crate) mod process;
pub(crate) mod steps;
mod table;

pub(crate) use table::{Table, quantile};

/// Measures variants in turns, in another order each round: what the machine does meanwhile, it does to all. For each
/// variant, what was measured of it in each round.
pub(crate) fn interleaved(
    rounds: usize,
    variants: usize,
    mut measure: impl FnMut(usize) -> f64,
) -> Vec<Vec<f64>> {
    let mut measured = vec![Vec::new(); variants];
    for round in 0..rounds {
        for turn in 0..variants {
            let variant = (turn + round) % variants;
            measured[variant].push(measure(variant));
        }
    }
    measured
}
