//! The report's schema: complete, and true of real reports.

use crate::bench::{MS, blocked, end, header, healthy, snapshot, stall};
use crate::shape::{self, Shape};
use crate::story::{allowed_in, blocked_in, repository};
use serde_json::{Map, Value, json};
use stallscope::analysis::Report;
use stallscope_wire::{
    Cause, Failure, Gap, Handler, Handlers, Histogram, Line, Lost, Phase, SlowRequest, Watched,
};
use stallscope_wire::{Header, Location, Snapshot, SocketGroup, Sockets};
use std::collections::BTreeSet;
use std::fs;

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/report.schema.json");

fn schema() -> Value {
    serde_json::from_slice(&fs::read(SCHEMA).expect("the schema")).expect("JSON")
}

/// The same schema, but for fields that it does not name: readers pass over those, and a test must not.
fn closed(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(object) => {
            object.values_mut().for_each(|value| *value = closed(value.take()));
            if object.contains_key("properties") && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".to_owned(), false.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|value| *value = closed(value.take())),
        _ => {}
    }
    schema
}

#[track_caller]
fn fits(schema: &Value, document: &Value) {
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let problems: Vec<_> = validator
        .iter_errors(document)
        .map(|problem| format!("{}: {problem}", problem.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

/// A report must fit, and have no field that the schema does not name.
#[track_caller]
pub(crate) fn is_a_report(document: &Value) {
    fits(&closed(schema()), document);
}

#[test]
fn every_field_of_a_report_is_in_the_schema_and_the_other_way_round() {
    let (shape, _) = shape::of::<Report>();
    let mut problems = Vec::new();
    compare(&shape, &schema(), "report", &mut problems);
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn a_report_that_has_everything_fits() {
    let (_, report) = shape::of::<Report>();
    let mut document = serde_json::to_value(report).expect("plain data");
    document["stallscope"] = 1.into();
    is_a_report(&document);
    document["findings"][0]["new"] = "in a later version".into();
    fits(&schema(), &document);
    let strict = jsonschema::validator_for(&closed(schema())).expect("a schema");
    assert!(!strict.is_valid(&document), "a field without a line in the schema is found");
    document["findings"][0]["max_ns"] = "312ms".into();
    assert!(!jsonschema::validator_for(&schema()).expect("a schema").is_valid(&document));
}

#[test]
fn real_reports_fit() {
    let bench = repository();
    let (rich, allowed) = (blocked_in(&bench, &[42, 50]), allowed_in(&bench, 60));
    let bench = bench
        .log("rich", &rich)
        .log("allowed", &allowed)
        .log("busy", &busy())
        .log("healthy", &healthy())
        .log("blocked", &blocked());
    let bench = bench.log("host", &[header(), snapshot(), stall(Phase::End, 300, Cause::Host), end()]);
    let bench = bench.log("killed", &[header(), snapshot()]);
    for (logs, code) in [
        (&["rich", "busy"][..], 99),
        (&["healthy"], 0),
        (&["allowed"], 0),
        (&["blocked"], 99),
        (&["host"], 97),
        (&["killed"], 98),
    ] {
        let arguments = [&["--format", "json", "--log"], logs].concat();
        is_a_report(&bench.check(&arguments).exits(code).json());
    }
    is_a_report(&bench.check(&["--format", "json", "--", "true"]).exits(98).json());
}

/// A process that tells of everything that is no stall.
fn busy() -> Vec<Line> {
    let Line::Header(header) = header() else { unreachable!() };
    let Line::Snapshot(snapshot) = snapshot() else { unreachable!() };
    let mut coverage = header.coverage.clone();
    coverage.add(Gap::new("something", "a cure").hiding_stalls());
    let latency = Histogram { buckets: vec![(MS, 10)], max_ns: MS, sum_ns: 10 * MS };
    let handler = Handler { route: "GET /".into(), latency, ..Handler::default() };
    let handlers =
        Handlers { handlers: vec![handler], slowest: vec![SlowRequest::default()], ..Handlers::default() };
    let location = Location { spawned_at: "src/main.rs:20:5".into(), spawned: 3, ..Location::default() };
    let watched = Watched { created_at: "src/main.rs:30:5".into(), unpolled: 2, ..Watched::default() };
    let group = SocketGroup { open: 3, opened: 3, ..SocketGroup::default() };
    vec![
        Line::Header(Header { coverage, source_root: Some("/srv".into()), ..header }),
        Line::Handler(handlers),
        Line::Socket(Sockets { total: 3, groups: vec![group], ..Sockets::default() }),
        Line::Failure(Failure { task: 3, message: "no mail server".into(), ..Failure::default() }),
        Line::Lost(Lost { events: 1, recordings: 1, ..Lost::default() }),
        Line::Snapshot(Snapshot { locations: vec![location], watched: vec![watched], ..snapshot }),
        end(),
    ]
}

/// What a schema refers to, with the description that stands beside the reference.
fn resolved(root: &Value, schema: &Value) -> Map<String, Value> {
    let own = schema.as_object().expect("a schema is an object").clone();
    match own.get("$ref").and_then(Value::as_str) {
        Some(path) => {
            let known = root.pointer(path.trim_start_matches('#')).unwrap_or_else(|| panic!("{path}"));
            resolved(root, known)
                .into_iter()
                .chain(own.into_iter().filter(|(key, _)| key != "$ref"))
                .collect()
        }
        None => own,
    }
}

/// A schema of what may be null, without that; none where it may not.
fn unless_null(schema: &Map<String, Value>) -> Option<Value> {
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let null = json!({"type": "null"});
        return choices.contains(&null).then(|| choices.iter().find(|choice| **choice != null).cloned())?;
    }
    let types = schema.get("type")?.as_array()?;
    types.contains(&"null".into()).then(|| {
        let mut schema = schema.clone();
        schema.insert("type".to_owned(), types[0].clone());
        schema.into()
    })
}

fn compare(shape: &Shape, schema: &Value, path: &str, problems: &mut Vec<String>) {
    compare_in(&self::schema(), shape, schema, path, problems);
}

fn compare_in(root: &Value, shape: &Shape, schema: &Value, path: &str, problems: &mut Vec<String>) {
    let known = resolved(root, schema);
    let is = |name: &str| known.get("type").is_some_and(|kind| kind == name);
    let described = known.get("description").and_then(Value::as_str).unwrap_or_default();
    let field = path.rsplit('.').next().unwrap_or(path);
    if described.is_empty() && !field.ends_with("[]") {
        problems.push(format!("{path} has no description"));
    }
    if field.ends_with("_ns") && !described.contains("nanoseconds") {
        problems.push(format!("{path}: its unit is not told"));
    }
    match shape {
        Shape::Option(shape) => match unless_null(&known) {
            Some(schema) => {
                let mut schema = schema;
                schema["description"] = described.into();
                compare_in(root, shape, &schema, path, problems);
            }
            // What is left out when there is none need not be null.
            None => compare_in(root, shape, schema, path, problems),
        },
        Shape::Struct(fields) => {
            let empty = Map::new();
            let properties = known.get("properties").and_then(Value::as_object).unwrap_or(&empty);
            for name in properties.keys().filter(|name| !fields.contains_key(name.as_str())) {
                problems.push(format!("{path}.{name} is no field"));
            }
            for (name, shape) in fields {
                match properties.get(*name) {
                    Some(schema) => compare_in(root, shape, schema, &format!("{path}.{name}"), problems),
                    None => problems.push(format!("{path}.{name} is not in the schema")),
                }
            }
        }
        Shape::List(shape) if is("array") => {
            compare_in(root, shape, &known["items"], &format!("{path}[]"), problems);
        }
        Shape::Map(shape) if is("object") => {
            compare_in(root, shape, &known["additionalProperties"], &format!("{path}.[]"), problems);
        }
        Shape::Enum(variants) => {
            let told = known.get("enum").or(known.get("examples")).and_then(Value::as_array);
            let told: BTreeSet<_> = told.into_iter().flatten().filter_map(Value::as_str).collect();
            if told != variants.iter().copied().collect() {
                problems.push(format!("{path}: {variants:?} are told as {told:?}"));
            }
        }
        Shape::Text if is("string") => {}
        Shape::Number if is("integer") || known.contains_key("const") => {}
        Shape::Flag if is("boolean") => {}
        other => problems.push(format!("{path}: {other:?} is told as {:?}", known.get("type"))),
    }
}
