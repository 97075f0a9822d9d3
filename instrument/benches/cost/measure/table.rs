use std::fmt::Write as _;

/// Variants below each other; the first is what the others are compared with.
pub(crate) struct Table(String);

impl Table {
    /// What is measured, and how, is said above the figures.
    pub(crate) fn new(title: &str, how: &str) -> Self {
        let mut text = format!("\n{title}\n  {how}\n");
        let _ = writeln!(
            text,
            "  {:34} {:>10} {:>10} {:>10} {:>10} {:>8}",
            "", "min", "median", "max", "added", "ratio"
        );
        Self(text)
    }

    /// A group of variants, each with what was measured of it in each round.
    pub(crate) fn group<'a>(
        mut self,
        name: &str,
        variants: impl IntoIterator<Item = (&'a str, &'a Vec<f64>)>,
    ) -> Self {
        let _ = writeln!(self.0, "  {name}");
        let mut base = None;
        for (variant, values) in variants {
            let middle = median(values);
            let (min, max) = (quantile(values, 0.0), quantile(values, 1.0));
            let _ = write!(self.0, "    {variant:32} {min:10.3} {middle:10.3} {max:10.3}");
            if let Some(base) = base {
                // Round by round would be no better: one round's variants are a second apart.
                let _ = write!(self.0, " {:+10.3}", middle - base);
                if base > 0.0 {
                    let _ = write!(self.0, " {:>7.3}x", middle / base);
                }
            }
            base = base.or(Some(middle));
            self.0.push('\n');
        }
        self
    }

    pub(crate) fn print(self) {
        print!("{}", self.0);
    }
}

fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value that a share of the others does not pass; 0.0 is the least, 1.0 the largest.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}
