//! Thresholds as people write them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stallscope::analysis::Threshold;
use stallscope::analysis::thresholds::Labels;

fuzz_target!(|text: &str| match text.parse::<Threshold>() {
    Ok(threshold) => {
        let again: Threshold = threshold.to_string().parse().expect("what is shown is read");
        assert_eq!(again, threshold);
        let (metric, stat, limit) = (threshold.metric().name(), threshold.stat(), threshold.limit());
        let unit = if stat.to_string() == "count" { "" } else { "ns" };
        let apart = format!("{metric}.{stat}{} < {}{unit}", threshold.labels(), limit.number());
        let apart: Threshold = apart.parse().expect("what is shown apart is read");
        assert_eq!((apart.labels(), apart.limit()), (threshold.labels(), limit));
        if let Some(overriding) = threshold.overriding(Labels::of_route(text)) {
            let read: Threshold = overriding.to_string().parse().expect("an override is read");
            assert!(read.is_about_the_same_as(&overriding));
        }
    }
    Err(error) => {
        assert!(error.column() <= text.chars().count() + 1);
        assert!(text.get(error.range()).is_some(), "{error:?}");
        assert!(error.to_string().lines().count() >= 3);
    }
});
