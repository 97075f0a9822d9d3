use super::error::Problem;
use super::labels::Label;
use super::name::{METRICS, stat};
use super::{Labels, Metric, Op, ParseError, Stat, Threshold, Value};
use stallscope_wire::duration;
use std::ops::Range;

/// One that another begins with stands behind it.
const OPS: [(&str, Op); 6] = [
    ("<=", Op::AtMost),
    (">=", Op::AtLeast),
    ("==", Op::Equal),
    ("!=", Op::Unequal),
    ("<", Op::Less),
    (">", Op::More),
];

impl Op {
    /// What to write in place of what holds only from some amount on, or never.
    fn upper_bound(self, limit: Value) -> Option<&'static str> {
        match (self, limit) {
            // Nothing is less than nothing, and what there is none of lasts exactly as long.
            (Self::AtLeast | Self::Less | Self::Unequal, Value::Nanos(0)) => Some("<="),
            (Self::AtLeast | Self::Less, Value::Count(0)) | (Self::More, _) => Some("<="),
            (Self::Equal | Self::Unequal, Value::Nanos(1..)) | (Self::AtLeast, _) => Some("<"),
            (Self::Unequal, Value::Count(_)) => Some("=="),
            (Self::Less | Self::AtMost | Self::Equal, _) => None,
        }
    }
}

/// The same comparison, read from its right to its left.
const MIRRORED: [(&str, &str); 6] =
    [("<=", ">="), (">=", "<="), ("==", "=="), ("!=", "!="), ("<", ">"), (">", "<")];

/// What to write in place of an expression whose limit stands first.
fn limit_last(expr: &str) -> Option<String> {
    let at = expr.find(['<', '>', '=', '!'])?;
    let (limit, rest) = (expr[..at].trim(), &expr[at..]);
    let (metric, op) =
        MIRRORED.iter().find_map(|(token, op)| Some((rest.strip_prefix(token)?.trim(), op)))?;
    if metric.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let meant = format!("{metric} {op} {limit}");
    match threshold(&meant) {
        Ok(_) => Some(meant),
        Err(ParseError { problem: Problem::WantsMuch(meant) | Problem::NeverExact(meant), .. }) => {
            Some(meant)
        }
        Err(_) => None,
    }
}

pub(super) fn threshold(expr: &str) -> Result<Threshold, ParseError> {
    let mut parser = Parser { expr, at: 0 };
    let metric = parser.metric()?;
    let stat = parser.stat(metric)?;
    let labels_at = expr[..parser.at].trim_end().len();
    let labels = parser.labels(metric)?;
    parser.skip_space();
    let op_at = parser.at;
    let op = parser.op(stat)?;
    let op_at = op_at..parser.at;
    let limit = parser.limit(stat)?;
    if let Some(meant) = op.upper_bound(limit).filter(|_| !metric.may_want_much(stat)) {
        let meant = format!("{}{meant}{}", &expr[..op_at.start], &expr[op_at.end..]).trim().to_owned();
        let problem = if op == Op::Equal { Problem::NeverExact(meant) } else { Problem::WantsMuch(meant) };
        return parser.fail(op_at, problem);
    }
    let labels_at = labels_at.saturating_sub(expr.len() - expr.trim_start().len());
    let expr = expr.trim().to_owned();
    Ok(Threshold { expr, labels_at, metric, stat, labels, op, limit, assumed: false, overrides: false })
}

/// Reads from the left; `at` is always on a character border.
struct Parser<'a> {
    expr: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn fail<T>(&self, at: Range<usize>, problem: Problem) -> Result<T, ParseError> {
        Err(ParseError { expr: self.expr.to_owned(), at, problem })
    }

    /// Complains of the character that is next, or of the end.
    fn fail_here<T>(&self, problem: Problem) -> Result<T, ParseError> {
        let width = self.rest().chars().next().map_or(0, char::len_utf8);
        self.fail(self.at..self.at + width, problem)
    }

    fn rest(&self) -> &'a str {
        &self.expr[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.expr.len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    /// The characters from here on that `part` accepts.
    fn take(&mut self, part: impl Fn(char) -> bool) -> (&'a str, Range<usize>) {
        let length = self.rest().find(|c| !part(c)).unwrap_or(self.rest().len());
        let range = self.at..self.at + length;
        self.at = range.end;
        (&self.expr[range.clone()], range)
    }

    fn metric(&mut self) -> Result<Metric, ParseError> {
        self.skip_space();
        let (name, range) = self.take(|c| c.is_alphanumeric() || c == '-' || c == '_');
        if name.is_empty() {
            return self.fail_here(Problem::NoMetric);
        }
        match METRICS.iter().find(|(known, _)| *known == name) {
            Some(&(_, metric)) => Ok(metric),
            None if name.starts_with(|c: char| c.is_ascii_digit()) => {
                self.fail(range, limit_last(self.expr).map_or(Problem::NoMetric, Problem::LimitFirst))
            }
            None => self.fail(range, Problem::UnknownMetric(name.to_owned())),
        }
    }

    fn stat(&mut self, metric: Metric) -> Result<Stat, ParseError> {
        if !self.eat(".") {
            return Ok(metric.usual_stat());
        }
        self.skip_space();
        let (name, range) = self.take(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if name.is_empty() {
            return self
                .fail_here(Problem::Expected("a statistic: max, count, total, mean, or p50 to p99.999"));
        }
        match stat(name) {
            None => self.fail(range, Problem::UnknownStat(name.to_owned())),
            Some(stat) if metric.only_counts() && stat != Stat::Count => {
                self.fail(range, Problem::OnlyCounts(metric.name()))
            }
            Some(stat) => Ok(stat),
        }
    }

    fn labels(&mut self, metric: Metric) -> Result<Labels, ParseError> {
        let mut labels = Labels::default();
        if !self.eat("{") {
            return Ok(labels);
        }
        if metric.labels().is_empty() {
            return self.fail(self.at - 1..self.at, Problem::NoLabels(metric.name()));
        }
        loop {
            let (label, range) = self.label(metric)?;
            if !self.eat("=") {
                return self.fail_here(Problem::Expected(match label {
                    Label::Route => "= and the route in double quotes",
                    Label::Crate => "= and the crate's name in double quotes",
                }));
            }
            let value = self.quoted(label)?;
            if labels.set(label, &value).is_some() {
                return self.fail(range, Problem::TwiceLabel(label.name()));
            }
            if self.eat("}") {
                return Ok(labels);
            }
            if !self.eat(",") {
                return self.fail_here(Problem::Expected("a } after the label"));
            }
        }
    }

    fn label(&mut self, metric: Metric) -> Result<(Label, Range<usize>), ParseError> {
        self.skip_space();
        let (name, range) = self.take(|c| c.is_alphanumeric() || c == '-' || c == '_');
        match Label::named(name) {
            Some(label) if metric.labels().contains(&label) => Ok((label, range)),
            _ if name.is_empty() => self.fail_here(Problem::Expected("a label: route=\"…\"")),
            _ => self.fail(range, Problem::UnknownLabel(name.to_owned(), metric)),
        }
    }

    /// A text in double quotes, in which a backslash stands before a quote or itself.
    fn quoted(&mut self, label: Label) -> Result<String, ParseError> {
        if !self.eat("\"") {
            return self.fail_here(Problem::Expected(match label {
                Label::Route => "the route in double quotes",
                Label::Crate => "the crate's name in double quotes",
            }));
        }
        let open = self.at - 1;
        let mut text = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += i + 1;
                    return Ok(text);
                }
                '\\' => text.extend(chars.next().map(|(_, c)| c)),
                _ => text.push(c),
            }
        }
        self.fail(open..self.expr.len(), Problem::Unclosed)
    }

    fn op(&mut self, stat: Stat) -> Result<Op, ParseError> {
        for (token, op) in OPS {
            if self.eat(token) {
                return Ok(op);
            }
        }
        let count = stat == Stat::Count;
        self.fail_here(match self.rest().starts_with('=') {
            true => Problem::Assignment(if count { "== or <=" } else { "<=" }),
            false if count => Problem::Expected("a comparison: <, <=, >, >=, == or !="),
            false => Problem::Expected("a comparison: < or <="),
        })
    }

    fn limit(&mut self, stat: Stat) -> Result<Value, ParseError> {
        self.skip_space();
        let (number, first) = self.take(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '+' | '_'));
        // A unit may stand apart from its number.
        let after_number = self.at;
        self.skip_space();
        let (unit, last) = self.take(char::is_alphabetic);
        let bare = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let range = if bare && !unit.is_empty() {
            first.start..last.end
        } else {
            self.at = after_number;
            first
        };
        let text = &self.expr[range.clone()];
        let count = stat == Stat::Count;
        if text.is_empty() {
            return self.fail_here(Problem::Expected(if count {
                "a whole number, such as 0"
            } else {
                "a duration, such as 20ms"
            }));
        }
        let value = if count {
            text.parse().map(Value::Count).map_err(|_| Problem::NotANumber(text.to_owned()))
        } else {
            duration::parse(text)
                .map(|limit| Value::Nanos(limit.as_nanos() as u64))
                .map_err(|error| Problem::Duration(error.to_string()))
        };
        let value = value.or_else(|problem| self.fail(range, problem))?;
        self.skip_space();
        match self.rest().trim_end() {
            "" => Ok(value),
            rest => self.fail(self.at..self.at + rest.len(), Problem::Trailing(rest.to_owned())),
        }
    }
}
