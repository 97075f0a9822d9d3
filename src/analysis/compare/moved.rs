//! Spawn locations are lines, and lines move.

use super::sample::Sample;
use super::{Kind, Subject};
use std::collections::{BTreeMap, BTreeSet};

/// Line and column of a spawn, and its whole name.
type Spot = (u32, u32, String);

/// BASE with the spawn locations named as in NEW. Where as many of a file have left as have come, they are taken for the same, in the
/// order of their lines.
pub(super) fn follow(base: &[Sample], new: &[Sample]) -> Vec<Sample> {
    let (before, after) = (spots(base), spots(new));
    let mut names = BTreeMap::new();
    for (file, before) in &before {
        let Some(after) = after.get(file) else { continue };
        let (left, came) = (before.difference(after), after.difference(before));
        if left.clone().count() == came.clone().count() {
            names.extend(left.map(|(.., name)| name).zip(came.map(|(.., name)| name)));
        }
    }
    base.iter().map(|sample| renamed(sample, &names)).collect()
}

/// By file.
fn spots(side: &[Sample]) -> BTreeMap<String, BTreeSet<Spot>> {
    let mut spots = BTreeMap::<_, BTreeSet<_>>::new();
    for sample in side {
        let of_distributions = sample.distributions.keys().filter(|subject| subject.kind == Kind::Spawn);
        for name in of_distributions.map(|subject| &subject.name).chain(sample.sites.keys()) {
            if let [column, line, file] = name.rsplitn(3, ':').collect::<Vec<_>>()[..]
                && let (Ok(line), Ok(column)) = (line.parse(), column.parse())
            {
                spots.entry(file.to_owned()).or_default().insert((line, column, name.clone()));
            }
        }
    }
    spots
}

fn renamed(sample: &Sample, names: &BTreeMap<&String, &String>) -> Sample {
    let mut sample = sample.clone();
    let now = |name: String| names.get(&name).map_or_else(|| name.clone(), |&now| now.clone());
    let distributions = std::mem::take(&mut sample.distributions).into_iter();
    sample.distributions = distributions
        .map(|(subject, histogram)| match subject.kind {
            Kind::Spawn => (Subject { kind: Kind::Spawn, name: now(subject.name) }, histogram),
            _ => (subject, histogram),
        })
        .collect();
    sample.sites =
        std::mem::take(&mut sample.sites).into_iter().map(|(name, site)| (now(name), site)).collect();
    sample
}
