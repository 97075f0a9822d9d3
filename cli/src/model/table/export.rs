use super::{Column, Row, Table, Value};
use crate::failure::clean;
use crate::markdown;
use serde_json::{Map, Number, Value as Json};
use std::io;

/// What a list can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
    Markdown,
}

impl Format {
    /// What the file's name ends with.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Markdown => "md",
        }
    }
}

impl Table {
    /// All columns of its rows, in their order: numbers in the units that the columns' names tell, in Markdown as on the
    /// screen.
    ///
    /// # Errors
    /// Never, but for what the writers of the formats may think of.
    pub(crate) fn export(&self, format: Format) -> io::Result<String> {
        match format {
            Format::Json => {
                let rows: Vec<_> = self.rows.iter().map(|row| object(self.columns, row)).collect();
                Ok(serde_json::to_string_pretty(&rows)? + "\n")
            }
            Format::Csv => csv(self),
            Format::Markdown => Ok(in_markdown(self)),
        }
    }
}

fn object(columns: &[Column], row: &Row) -> Json {
    let pairs =
        columns.iter().zip(&row.cells).map(|(column, cell)| (column.name.to_owned(), json(&cell.value)));
    Json::Object(pairs.collect::<Map<_, _>>())
}

fn json(value: &Value) -> Json {
    match value {
        Value::Unknown | Value::Nothing => Json::Null,
        Value::Text(text) => Json::String(text.clone()),
        Value::Count(whole) | Value::Time(whole) | Value::Bytes(whole) => Json::from(*whole),
        Value::Rate(number) | Value::Share(number) | Value::Words(_, number) => {
            Number::from_f64(*number).map_or(Json::Null, Json::Number)
        }
    }
}

fn csv(table: &Table) -> io::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(table.columns.iter().map(|column| column.name))?;
    for row in &table.rows {
        let field = |value: &Value| match json(value) {
            Json::Null => String::new(),
            Json::String(text) => text,
            number => number.to_string(),
        };
        writer.write_record(row.cells.iter().map(|cell| field(&cell.value)))?;
    }
    let written = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    String::from_utf8(written).map_err(io::Error::other)
}

fn in_markdown(table: &Table) -> String {
    // What we say ourselves; names are code.
    let safe = |text: &str| clean(text).replace('|', "\\|");
    let cell = |value: &Value| match value {
        Value::Text(text) => markdown::cell(text),
        value => safe(&value.shown()),
    };
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let name = |column: &Column| match column.group {
        Some((group, _)) => safe(&format!("{group}, {}", column.head)),
        None => safe(column.head),
    };
    let rule = |column: &Column| if column.is_text() { "---".to_owned() } else { "---:".to_owned() };
    let mut text = line(table.columns.iter().map(name).collect());
    text += &line(table.columns.iter().map(rule).collect());
    for row in &table.rows {
        text += &line(row.cells.iter().map(|told| cell(&told.value)).collect());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::table::Cut;

    const COLUMNS: [Column; 3] = [
        Column::text("where", "where", 0, Cut::Start, (8, 20)),
        Column::figure("busy_ns", "busy", 1, 8),
        Column::figure("waited", "waited", 1, 8),
    ];

    fn table() -> Table {
        let row = |place: &str, busy: Value, waited: Value| {
            Row::new(place.to_owned(), vec![Value::Text(place.to_owned()).into(), busy.into(), waited.into()])
        };
        let words = Value::Words("14 tasks".into(), 14.0);
        Table::new(
            &COLUMNS,
            None,
            vec![
                row("a|b, \"c\".rs:1", Value::Time(312_000_000), words),
                row("d.rs:2", Value::Unknown, Value::Nothing),
            ],
        )
    }

    #[test]
    fn json_has_numbers_and_null_for_what_is_not_known() {
        let told: Json = serde_json::from_str(&table().export(Format::Json).unwrap()).unwrap();
        assert_eq!(
            told[0],
            serde_json::json!({"where": "a|b, \"c\".rs:1", "busy_ns": 312_000_000, "waited": 14.0})
        );
        assert_eq!(told[1]["busy_ns"], Json::Null);
    }

    #[test]
    fn csv_reads_back() {
        let text = table().export(Format::Csv).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap(), vec!["where", "busy_ns", "waited"]);
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows[0], vec!["a|b, \"c\".rs:1", "312000000", "14.0"]);
        assert_eq!(rows[1], vec!["d.rs:2", "", ""]);
    }

    #[test]
    fn markdown_is_as_shown_and_no_cell_breaks_it() {
        let text = table().export(Format::Markdown).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "| where | busy | waited |");
        assert_eq!(lines[1], "| --- | ---: | ---: |");
        assert_eq!(lines[2], "| `a\\|b, \"c\".rs:1` | 312ms | 14 tasks |");
        assert_eq!(lines[3], "| `d.rs:2` | – |  |");
    }
}
