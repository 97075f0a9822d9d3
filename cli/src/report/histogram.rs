//! Percentile distributions in the text that HdrHistogram's own tools write, plot and read (`.hgrm`), in milliseconds.

use crate::failure::clean;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use stallscope::analysis::{Histograms, Report};
use std::io::{self, Write};

/// Nanoseconds in the unit that is written.
const UNIT: f64 = 1e6;
/// Lines for each halving of the distance to 100 %, as the tools do by default.
const TICKS: u32 = 5;
/// Of the buckets that the text tells of: those of a histogram of three significant digits.
const SUB_BUCKETS: u64 = 2048;

/// The names of the distributions that a report has.
pub(crate) fn distributions(report: &Report) -> Vec<&str> {
    named(&report.histograms).into_iter().map(|(name, _)| name).collect()
}

/// Writes each distribution, under its name in a comment, or only that of a name: tools that plot a file take it for one
/// distribution.
pub(super) fn write(out: &mut impl Write, report: &Report, only: Option<&str>) -> io::Result<()> {
    let named = named(&report.histograms);
    let chosen = named.iter().filter(|(name, _)| only.is_none_or(|only| only == *name));
    for (i, (name, encoded)) in chosen.enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        writeln!(out, "# {}, in milliseconds", clean(name))?;
        write_one(out, &decode(encoded)?)?;
    }
    Ok(())
}

fn named(histograms: &Histograms) -> Vec<(&str, &str)> {
    let single = [("poll", &histograms.poll), ("lag", &histograms.lag), ("schedule", &histograms.schedule)];
    let single = single.into_iter().filter_map(|(name, encoded)| Some((name, encoded.as_deref()?)));
    single.chain(histograms.handlers.iter().map(|(route, encoded)| (&**route, &**encoded))).collect()
}

fn decode(encoded: &str) -> io::Result<Histogram<u64>> {
    let bytes = STANDARD.decode(encoded).map_err(io::Error::other)?;
    Deserializer::new().deserialize(&mut &bytes[..]).map_err(io::Error::other)
}

fn write_one(out: &mut impl Write, hdr: &Histogram<u64>) -> io::Result<()> {
    writeln!(out, "{:>12} {:>14} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")?;
    let mut total = 0;
    for step in hdr.iter_quantiles(TICKS) {
        total += step.count_since_last_iteration();
        let (value, quantile) = (step.value_iterated_to() as f64 / UNIT, step.quantile_iterated_to());
        if quantile < 1.0 {
            let distance = 1.0 / (1.0 - quantile);
            writeln!(out, "{value:>12.3} {quantile:>2.12} {total:>10} {distance:>14.2}")?;
        } else {
            writeln!(out, "{value:>12.3} {quantile:>2.12} {total:>10}")?;
        }
    }
    let (mean, deviation, max) = (hdr.mean() / UNIT, hdr.stdev() / UNIT, hdr.max() as f64 / UNIT);
    writeln!(out, "#[Mean    = {mean:>12.3}, StdDeviation   = {deviation:>12.3}]")?;
    writeln!(out, "#[Max     = {max:>12.3}, Total count    = {:>12}]", hdr.len())?;
    writeln!(out, "#[Buckets = {:>12}, SubBuckets     = {SUB_BUCKETS:>12}]", buckets(hdr))
}

/// How many octaves it spans beyond the sub-buckets.
fn buckets(hdr: &Histogram<u64>) -> u32 {
    let (mut covered, mut buckets) = (SUB_BUCKETS, 1);
    while covered <= hdr.high() && covered < u64::MAX / 2 {
        (covered, buckets) = (covered * 2, buckets + 1);
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};

    fn report(values: &[u64]) -> Report {
        let mut hdr = Histogram::<u64>::new(3).expect("three digits are allowed");
        values.iter().for_each(|&value| hdr.record(value).expect("it resizes"));
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&hdr, &mut bytes).expect("it fits");
        let mut report = Report::default();
        report.histograms.lag = Some(STANDARD.encode(&bytes));
        report.histograms.handlers.insert("GET /".to_owned(), STANDARD.encode(bytes));
        report
    }

    fn text(report: &Report, only: Option<&str>) -> io::Result<String> {
        let mut out = Vec::new();
        write(&mut out, report, only)?;
        Ok(String::from_utf8(out).expect("text"))
    }

    #[test]
    fn it_is_as_the_tools_write_it() {
        let report = report(&[1_000_000, 2_000_000, 2_000_000, 400_000_000]);
        let text = text(&report, Some("lag")).expect("it is there");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "# lag, in milliseconds");
        assert_eq!(lines[1], "       Value     Percentile TotalCount 1/(1-Percentile)");
        assert_eq!(lines[3], "       1.000 0.000000000000          1           1.00");
        assert_eq!(lines[lines.len() - 4], "     400.032 1.000000000000          4");
        assert_eq!(lines[lines.len() - 2], "#[Max     =      400.032, Total count    =            4]");
        let numbers = lines[3..lines.len() - 3].iter().map(|line| line.split_whitespace().count());
        assert!(numbers.rev().skip(1).all(|count| count == 4), "{text}");
    }

    #[test]
    fn each_has_its_name_and_one_alone_can_be_asked_for() {
        let report = report(&[5]);
        let all = text(&report, None).expect("text");
        assert!(all.contains("# lag,") && all.contains("# GET /,"), "{all}");
        assert!(!text(&report, Some("GET /")).expect("text").contains("# lag,"));
        assert_eq!(distributions(&report), ["lag", "GET /"]);
    }
}
