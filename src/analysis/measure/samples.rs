use super::super::thresholds::Stat;

/// Whether so many values make a statistic: of fewer, a percentile would be the longest or the shortest of them.
pub(super) fn enough(stat: Stat, samples: u64) -> Result<(), String> {
    let needed = needed(stat);
    if samples >= needed {
        return Ok(());
    }
    Err(format!("{stat} needs {needed} samples, and {samples} were taken; run it for longer, or limit max"))
}

/// How many values a statistic needs, so that at least one of them lies beyond it.
pub(super) fn needed(stat: Stat) -> u64 {
    match stat {
        Stat::Quantile(thousandths) => {
            let beyond = thousandths.min(Stat::ALL.saturating_sub(thousandths));
            if beyond == 0 { 1 } else { u64::from(Stat::ALL.div_ceil(beyond)) }
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarer_what_is_asked_for_the_more_it_takes() {
        for (thousandths, samples) in [
            (50_000, 2),
            (75_000, 4),
            (95_000, 20),
            (99_000, 100),
            (99_900, 1000),
            (1_000, 100),
            (100_000, 1),
        ] {
            assert_eq!(needed(Stat::Quantile(thousandths)), samples, "{thousandths}");
        }
        assert_eq!([Stat::Max, Stat::Count, Stat::Total, Stat::Mean].map(needed), [1; 4]);
        let error = enough(Stat::Quantile(99_900), 20).unwrap_err();
        assert!(error.starts_with("p99.9 needs 1000 samples, and 20 were taken"), "{error}");
    }
}
