//! A flame graph of the blocked time: how wide a frame is says how long threads were blocked in it.

use super::folded;
use inferno::flamegraph::color::{BackgroundColor, MultiPalette, Palette};
use inferno::flamegraph::{Options, from_lines};
use stallscope::analysis::Blocked;
use stallscope_wire::duration::show;
use std::io::{self, Write};

/// What the drawing has beside what the library gives it: in a dark browser a dark ground.
const DARK: &str = "<style>@media (prefers-color-scheme: dark) { svg { background: #11151c } rect[fill='url(#background)'] { fill: #11151c } \
    #title, #subtitle, #details, #search, #matched, #unzoom { fill: #c9d1d9 } }</style></svg>";

/// Writes the picture. Where nothing was blocked, it says so.
pub(super) fn write(out: &mut impl Write, blocked: &Blocked) -> io::Result<()> {
    if blocked.stacks.is_empty() {
        return out.write_all(NOTHING.as_bytes());
    }
    let lines = folded::lines(blocked);
    let mut drawn = Vec::new();
    from_lines(&mut options(blocked), lines.iter().map(String::as_str), &mut drawn)?;
    let end = b"</svg>";
    let drawn = drawn.trim_ascii_end().strip_suffix(end).ok_or(io::ErrorKind::InvalidData)?;
    out.write_all(drawn)?;
    writeln!(out, "{DARK}")
}

/// How high it is drawn, in pixels.
pub(super) fn height(svg: &str) -> Option<u32> {
    svg.split_once("height=\"")?.1.split_once('"')?.0.parse().ok()
}

fn options(blocked: &Blocked) -> Options<'static> {
    let mut options = Options::default();
    options.title = "Blocked time".to_owned();
    options.subtitle = Some(format!("{}, the host's part left out", show(blocked.total_ns())));
    options.count_name = "ms".to_owned();
    options.factor = 1e-6;
    // Nothing is too narrow to count: the widths add up.
    options.min_width = 0.0;
    options.colors = Palette::Multi(MultiPalette::Rust);
    options.bgcolors = Some(BackgroundColor::Flat((0xff, 0xff, 0xff).into()));
    // The same picture for the same stalls.
    options.hash = true;
    options.deterministic = true;
    options
}

const NOTHING: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 60\" width=\"640\" height=\"60\">\
    <rect width=\"640\" height=\"60\" fill=\"#fff\"/><text x=\"320\" y=\"35\" text-anchor=\"middle\" \
    font-family=\"sans-serif\" font-size=\"16\">nothing blocked the event loop</text></svg>\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::folded::tests::history;
    use stallscope::analysis::{BlockedStack, History, StallRecord};
    use std::collections::BTreeMap;

    fn drawn(histories: &[&History]) -> String {
        let mut out = Vec::new();
        write(&mut out, &Blocked::of(histories)).expect("a picture");
        String::from_utf8(out).expect("text")
    }

    /// The value of an attribute in each element that has it.
    fn attribute<'a>(svg: &'a str, name: &str) -> Vec<&'a str> {
        let start = format!(" {name}=\"");
        svg.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn the_widths_of_each_level_add_up_to_the_blocked_time() {
        let history = history();
        let svg = drawn(&[&history]);
        let total: u64 = history.stalls().map(StallRecord::attributable_ns).sum();
        assert_eq!(attribute(&svg, "total_samples"), [total.to_string()]);

        let (mut levels, mut percents) = (BTreeMap::<u64, u64>::new(), BTreeMap::<u64, f64>::new());
        for rect in svg.split("<rect ").skip(1).filter(|rect| rect.contains("fg:w=")) {
            let rect = format!(" {rect}");
            let number = |name| attribute(&rect, name)[0].parse::<u64>().expect("a number");
            let y = number("y");
            *levels.entry(y).or_default() += number("fg:w");
            let percent =
                attribute(&rect, "width")[0].trim_end_matches('%').parse::<f64>().expect("a number");
            *percents.entry(y).or_default() += percent;
        }
        // All, the process, each stack's own first frame: every one of these levels is full.
        let full: Vec<_> = levels.values().rev().take(3).collect();
        assert_eq!(full, [&total; 3]);
        assert!(percents.values().rev().take(3).all(|sum| (sum - 100.0).abs() < 0.001), "{percents:?}");
        // The others are as full as stacks are deep: the leaves, wherever they stand, are all of it.
        let leaves = svg.split("<title>").filter(|title| title.starts_with('[')).count();
        assert_eq!(leaves, 2, "{svg}");
    }

    #[test]
    fn the_same_stalls_give_the_same_picture() {
        assert_eq!(drawn(&[&history()]), drawn(&[&history()]));
    }

    #[test]
    fn times_that_no_process_can_have_are_drawn_all_the_same() {
        let stack = |cause: &str| BlockedStack {
            cause: cause.to_owned(),
            attributable_ns: u64::MAX,
            ..BlockedStack::default()
        };
        let mut blocked = Blocked::default();
        blocked.stacks.extend(["cpu", "lock", "syscall"].map(stack));
        let mut out = Vec::new();
        write(&mut out, &blocked).expect("a picture");
        assert!(String::from_utf8(out).expect("text").contains("[syscall] ("));
    }

    #[test]
    fn nothing_blocked_is_a_picture_too() {
        assert!(drawn(&[]).contains("nothing blocked the event loop"));
    }

    #[test]
    fn its_height_is_known() {
        assert!(height(&drawn(&[&history()])).is_some_and(|height| height > 100));
    }
}
