use super::problem::Problem;
use stallscope::analysis::thresholds::nearest;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Takes values out of a file's text, and says where one is wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    text: &'a str,
}

pub(crate) type Value<'i> = Spanned<DeValue<'i>>;

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// # Errors
    /// When it is no TOML.
    pub(crate) fn parse(&self) -> Result<DeTable<'a>, Problem> {
        let table = DeTable::parse(self.text).map_err(|error| {
            self.wrong(error.span().unwrap_or(0..0), format!("this is no TOML: {}", error.message()))
        })?;
        Ok(table.into_inner())
    }

    pub(crate) fn wrong(&self, at: Range<usize>, message: impl Into<String>) -> Problem {
        Problem::new(self.text, at, message)
    }

    /// The same of a part of a text's value.
    pub(crate) fn wrong_within(
        &self,
        value: &Value<'_>,
        part: Range<usize>,
        message: impl Into<String>,
    ) -> Problem {
        self.wrong(self.written(value, part).unwrap_or_else(|| value.span()), message)
    }

    pub(crate) fn unknown<'n>(
        &self,
        kind: &str,
        name: &str,
        at: Range<usize>,
        known: impl Iterator<Item = &'n str>,
    ) -> Problem {
        let known: Vec<_> = known.collect();
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("known are {}", known.join(", ")),
        };
        self.wrong(at, format!("unknown {kind} \"{name}\"; {hint}"))
    }

    pub(crate) fn table<'t, 'i>(&self, value: &'t Value<'i>, name: &str) -> Result<&'t DeTable<'i>, Problem> {
        let table = value.get_ref().as_table();
        table.ok_or_else(|| self.wrong(value.span(), format!("this is to be a table: [{name}]")))
    }

    pub(crate) fn boolean(&self, value: &Value<'_>) -> Result<bool, Problem> {
        value.get_ref().as_bool().ok_or_else(|| self.wrong(value.span(), "this is to be true or false"))
    }

    pub(crate) fn string<'t>(&self, value: &'t Value<'_>) -> Result<&'t str, Problem> {
        value.get_ref().as_str().ok_or_else(|| self.wrong(value.span(), "this is to be a text in quotes"))
    }

    /// The elements, or what it is to be.
    pub(crate) fn list<'t, 'i>(
        &self,
        value: &'t Value<'i>,
        told: &str,
    ) -> Result<impl Iterator<Item = &'t Value<'i>>, Problem> {
        let list = value.get_ref().as_array().ok_or_else(|| self.wrong(value.span(), told))?;
        Ok(list.iter())
    }

    /// Line and column of a place in the file, from 1.
    pub(crate) fn place(&self, at: Range<usize>) -> (usize, usize) {
        let problem = self.wrong(at, "");
        (problem.line, problem.column)
    }

    /// Where a part of a text stands in the file; none where that cannot be told.
    fn written(&self, value: &Value<'_>, part: Range<usize>) -> Option<Range<usize>> {
        let (span, text) = (value.span(), value.get_ref().as_str()?);
        let quoted = self.text.get(span.clone())?;
        let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let inner = quoted.strip_prefix(quote)?.strip_suffix(quote)?;
        // A text of several lines may begin behind a line break, and join lines.
        if inner.starts_with(quote) {
            return None;
        }
        let at = |wanted| Some(span.start + 1 + written_length(inner, text, wanted)?);
        Some(at(part.start)?..at(part.end)?)
    }
}

/// How many bytes of what is written the first bytes of the text that it means are.
fn written_length(written: &str, text: &str, first: usize) -> Option<usize> {
    let (mut at, mut meant) = (0, 0);
    while meant < first {
        let c = text.get(meant..)?.chars().next()?;
        let is_escaped = written != text && written.get(at..)?.starts_with('\\');
        at += if is_escaped { escape(&written[at..])? } else { c.len_utf8() };
        meant += c.len_utf8();
    }
    Some(at)
}

/// The length of an escape.
fn escape(written: &str) -> Option<usize> {
    Some(match written.chars().nth(1)? {
        'x' => 4,
        'u' => 6,
        'U' => 10,
        _ => 2,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_text_is_found_where_it_is_written() {
        for (file, part, meant) in [
            (r#"a = "one two""#, 4..7, "two"),
            (r"a = 'one \two'", 4..7, r"\tw"),
            (r#"a = "{\"\u00e9\"} two""#, 7..10, "two"),
            (r#"a = "ö \\ b""#, 3..4, r"\\"),
        ] {
            let reader = Reader::new(file);
            let table = reader.parse().expect("it is TOML");
            let at = reader.written(&table["a"], part).expect("it is on one line");
            assert_eq!(&file[at], meant, "{file}");
        }
        let reader = Reader::new("a = \"\"\"\none\"\"\"");
        assert_eq!(reader.written(&reader.parse().expect("it is TOML")["a"], 0..1), None);
    }
}
