use super::target::Target;

/// Says which target is next, so that each has its share and what is sent is spread evenly over time, what goes to
/// targets with equal shares apart from each other.
///
/// Each target has a stride, the inverse of its weight; the one that is due first is next. They begin at different
/// fractions of their stride: else all rare ones would come at once.
#[derive(Debug)]
pub(super) struct Mix(Vec<Turn>);

#[derive(Debug)]
struct Turn {
    target: usize,
    stride: f64,
    due: f64,
}

impl Mix {
    /// Of the targets that have a share.
    pub(super) fn of(targets: &[Target]) -> Self {
        let shares = || targets.iter().enumerate().filter(|(_, target)| target.weight > 0);
        let count = shares().count() as f64;
        let turns = shares().zip(0u32..).map(|((target, about), i)| {
            let stride = f64::from(about.weight).recip();
            Turn { target, stride, due: stride * (f64::from(i) + 0.5) / count }
        });
        Self(turns.collect())
    }

    /// The index of the next target; none when none has a share.
    pub(super) fn next(&mut self) -> Option<usize> {
        let next = self.0.iter_mut().min_by(|a, b| a.due.total_cmp(&b.due))?;
        next.due += next.stride;
        Some(next.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(count: usize, weights: &[u32]) -> Vec<usize> {
        let target = |weight: &u32| format!("{weight}*ws://localhost/").parse().unwrap();
        let mut mix = Mix::of(&weights.iter().map(target).collect::<Vec<Target>>());
        (0..count).map_while(|_| mix.next()).collect()
    }

    #[test]
    fn each_target_has_its_share() {
        let order = first(1000, &[7, 0, 2, 1]);
        let shares = [0, 1, 2, 3].map(|target| order.iter().filter(|&&next| next == target).count());
        assert_eq!(shares, [700, 0, 200, 100]);
    }

    #[test]
    fn rare_targets_are_spread() {
        let order = first(300, &[98, 1, 1]);
        let rare: Vec<_> =
            order.iter().enumerate().filter(|(_, target)| **target > 0).map(|(at, _)| at).collect();
        assert_eq!(rare.len(), 6);
        assert!(rare.windows(2).all(|pair| pair[1] - pair[0] > 20), "{rare:?}");
    }

    #[test]
    fn nothing_is_next_where_nothing_is_sent() {
        assert!(first(1, &[0, 0]).is_empty());
    }
}
