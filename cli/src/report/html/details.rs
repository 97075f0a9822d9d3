use super::super::escape::xml;
use super::super::facts;
use stallscope::analysis::{Finding, Frame, Severity, Slow};
use stallscope_wire::Doing;
use stallscope_wire::duration::show;
use std::io::{self, Write};

/// Each finding behind its sentence, the worst first and open.
pub(super) fn write_findings(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    if findings.is_empty() {
        return writeln!(out, "<p>No finding.</p>");
    }
    (0..findings.len()).try_for_each(|at| write_finding(out, findings, at))
}

fn write_finding(out: &mut impl Write, findings: &[Finding], at: usize) -> io::Result<()> {
    let finding = &findings[at];
    let class = match finding.severity {
        Severity::Error => "bad",
        Severity::Warning => "warning",
        _ => "dim",
    };
    let open = if at == 0 { " open" } else { "" };
    let tag = xml(facts::tag(finding));
    writeln!(
        out,
        "<details class=\"finding\"{open}><summary>{} <span class=\"{class}\">[{tag}]</span></summary>",
        xml(finding)
    )?;
    let about = finding.detail.iter().cloned().chain(facts::of_finding(finding));
    let about: Vec<_> = about.chain(finding.doubt().map(str::to_owned)).collect();
    if !about.is_empty() {
        writeln!(out, "<ul>")?;
        about.iter().try_for_each(|fact| writeln!(out, "<li>{}</li>", xml(fact)))?;
        writeln!(out, "</ul>")?;
    }
    if let Some(earlier) = facts::with_same_stack(findings, at) {
        return writeln!(out, "<p>Stack and help as above ({}).</p>\n</details>", earlier.rule);
    }
    write_stack(out, finding)?;
    writeln!(out, "<p>Help: {}</p>\n</details>", xml(&finding.help))
}

fn write_stack(out: &mut impl Write, finding: &Finding) -> io::Result<()> {
    if finding.stack.is_empty() {
        return Ok(());
    }
    let culprit = finding.culprit_frame();
    writeln!(out, "<ol class=\"stack\">")?;
    for (i, frame) in finding.stack.iter().enumerate() {
        let class = match (Some(i) == culprit, frame.user) {
            (true, _) => " class=\"culprit\"",
            (false, true) => " class=\"own\"",
            _ => "",
        };
        writeln!(out, "<li{class}>{}</li>", frame_line(frame))?;
    }
    writeln!(out, "</ol>")?;
    facts::of_stack(finding).map_or(Ok(()), |quality| writeln!(out, "<p class=\"dim\">{quality}</p>"))
}

fn frame_line(frame: &Frame) -> String {
    let place = frame.place().map(|place| format!(" <span class=\"dim\">{}</span>", xml(place)));
    format!("<code>{}</code>{}", xml(frame), place.unwrap_or_default())
}

/// Each of them as a bar of what it did.
pub(super) fn write_slowest(out: &mut impl Write, slowest: &[Slow]) -> io::Result<()> {
    writeln!(
        out,
        "<p class=\"dim\"><span class=\"key own\"></span> its handler ran <span class=\"key behind\"></span> ready, \
         behind others <span class=\"key awaiting\"></span> awaited something</p>\n<ul class=\"slowest\">"
    )?;
    for slow in slowest {
        let id = slow.request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default();
        let status = slow.status.map_or_else(|| "no response".to_owned(), |status| status.to_string());
        writeln!(
            out,
            "<li><code>{}</code>{}, {status}, {} <span class=\"bar\">",
            xml(&slow.route),
            xml(id),
            show(slow.took_ns)
        )?;
        let whole = slow.timeline.iter().map(|step| step.for_ns).fold(0, u64::saturating_add).max(1);
        for step in &slow.timeline {
            let (class, words) = match step.doing {
                Doing::Own => ("own", "its handler ran"),
                Doing::Behind => ("behind", "ready, behind others"),
                _ => ("awaiting", "awaited something"),
            };
            let percent = step.for_ns as f64 * 100.0 / whole as f64;
            let title = format!("{words} for {}", show(step.for_ns));
            writeln!(out, "<span class=\"{class}\" style=\"width:{percent:.2}%\" title=\"{title}\"></span>")?;
        }
        writeln!(out, "</span></li>")?;
    }
    writeln!(out, "</ul>")
}
