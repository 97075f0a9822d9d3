use super::target::Target;

/// Says which target is next, so that each has its share and its requests are spread evenly over time, those of
/// targets with equal shares apart from each other.
///
/// Each target has a stride, the inverse of its weight; the one that is due first is next. They begin at different
/// fractions of their stride: else all rare ones would come at once.
#[derive(Debug)]
pub(super) struct Mix {
    strides: Vec<f64>,
    due: Vec<f64>,
}

impl Mix {
    /// Of at least one target.
    pub(super) fn of(targets: &[Target]) -> Self {
        let strides: Vec<_> = targets.iter().map(|target| f64::from(target.weight).recip()).collect();
        let count = targets.len() as f64;
        let due = strides.iter().enumerate().map(|(i, stride)| stride * (i as f64 + 0.5) / count).collect();
        Self { strides, due }
    }

    /// The index of the next target.
    pub(super) fn next(&mut self) -> usize {
        let (next, _) = self
            .due
            .iter()
            .enumerate()
            .min_by(|a, b| a.1.total_cmp(b.1))
            .expect("there is at least one target");
        self.due[next] += self.strides[next];
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(count: usize, weights: &[u32]) -> Vec<usize> {
        let target = |weight: &u32| format!("{weight}*http://localhost/").parse().unwrap();
        let mut mix = Mix::of(&weights.iter().map(target).collect::<Vec<Target>>());
        (0..count).map(|_| mix.next()).collect()
    }

    #[test]
    fn each_target_has_its_share() {
        let order = first(1000, &[7, 2, 1]);
        let shares = [0, 1, 2].map(|target| order.iter().filter(|&&next| next == target).count());
        assert_eq!(shares, [700, 200, 100]);
    }

    #[test]
    fn rare_targets_are_spread() {
        let order = first(300, &[98, 1, 1]);
        let rare: Vec<_> =
            order.iter().enumerate().filter(|(_, target)| **target > 0).map(|(at, _)| at).collect();
        assert_eq!(rare.len(), 6);
        assert!(rare.windows(2).all(|pair| pair[1] - pair[0] > 20), "{rare:?}");
    }
}
