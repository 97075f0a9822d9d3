//! `--format FORMAT [-o FILE]`, as often as one likes.

use crate::{color::Color, failure::Failure, failure::unless_closed, report};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use stallscope::analysis::Report;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One document for machines.
    Json,
}

/// Where reports go; at least one goes to stdout.
#[derive(Debug, Clone)]
pub(super) struct Outputs(Vec<(Format, Option<PathBuf>)>);

impl Outputs {
    /// Pairs each file with the format before it; a file that comes first belongs to the format that follows.
    fn pair(given: Vec<Given>) -> Result<Self, &'static str> {
        const NO_FORMAT: &str = "a file given with -o belongs to a format: write --format json -o FILE";
        let (mut outputs, mut waiting) = (Vec::<(Format, Option<PathBuf>)>::new(), None);
        for given in given {
            match (given, outputs.last_mut()) {
                (Given::Format(format), _) => outputs.push((format, waiting.take())),
                (Given::File(path), Some((_, file @ None))) => *file = Some(path),
                (Given::File(path), None) if waiting.is_none() => waiting = Some(path),
                (Given::File(_), _) => return Err(NO_FORMAT),
            }
        }
        if waiting.is_some() {
            return Err(NO_FORMAT);
        }
        match outputs.iter().filter(|(_, file)| file.is_none()).count() {
            // Whoever looks at the run is told in any case.
            0 => outputs.push((Format::Text, None)),
            1 => {}
            _ => return Err("only one format can go to stdout: give the others a file with -o"),
        }
        Ok(Self(outputs))
    }

    /// Whether stdout is one JSON document, and so must hold nothing else.
    pub(super) fn own_stdout(&self) -> bool {
        self.0.contains(&(Format::Json, None))
    }

    /// Opens the files, before anything is run whose result they could not take.
    pub(super) fn open(self) -> Result<Sinks, Failure> {
        let sinks = self.0.into_iter().map(|(format, path)| {
            let file = path.map(|path| create(&path).map(|file| (path, file))).transpose()?;
            Ok((format, file))
        });
        sinks.collect::<Result<_, Failure>>().map(Sinks)
    }
}

fn create(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| {
        Failure::usage(format_args!("cannot write the report to {}: {error}", path.display()))
    })
}

/// Reports waiting to be written.
#[derive(Debug)]
pub(super) struct Sinks(Vec<(Format, Option<(PathBuf, File)>)>);

impl Sinks {
    pub(super) fn write(self, report: &Report, color: Color) -> Result<(), Failure> {
        for (format, file) in self.0 {
            match file {
                Some((path, file)) => {
                    let on = color == Color::Always;
                    render(BufWriter::new(file), format, report, on).map_err(|error| {
                        Failure::internal(format_args!(
                            "cannot write the report to {}: {error}",
                            path.display()
                        ))
                    })?;
                }
                None => {
                    let stdout = io::stdout().lock();
                    let on = color.on(&stdout);
                    unless_closed(render(BufWriter::new(stdout), format, report, on))?;
                }
            }
        }
        Ok(())
    }
}

fn render(mut out: impl Write, format: Format, report: &Report, color: bool) -> io::Result<()> {
    match format {
        Format::Text => report::text::write(&mut out, report, color)?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, report)?;
            writeln!(out)?;
        }
    }
    out.flush()
}

enum Given {
    Format(Format),
    File(PathBuf),
}

// By hand, because the order of the two arguments carries a meaning.
impl clap::Args for Outputs {
    fn augment_args(command: Command) -> Command {
        command
            .arg(
                Arg::new("format")
                    .long("format")
                    .value_name("FORMAT")
                    .value_parser(value_parser!(Format))
                    .action(ArgAction::Append)
                    .help("Form of the report; json on stdout sends the command's own stdout to stderr [default: text]"),
            )
            .arg(
                Arg::new("output")
                    .short('o')
                    .long("output")
                    .value_name("FILE")
                    .value_parser(value_parser!(PathBuf))
                    .action(ArgAction::Append)
                    .help("Write the format before it to a file; text then still goes to stdout"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Outputs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let indices = |name| matches.indices_of(name).into_iter().flatten();
        let formats = matches.get_many("format").into_iter().flatten().map(|format| Given::Format(*format));
        let files =
            matches.get_many("output").into_iter().flatten().map(|file: &PathBuf| Given::File(file.clone()));
        let mut given: Vec<_> = indices("format").zip(formats).chain(indices("output").zip(files)).collect();
        given.sort_by_key(|(index, _)| *index);
        Self::pair(given.into_iter().map(|(_, given)| given).collect())
            .map_err(|problem| clap::Error::raw(ErrorKind::ArgumentConflict, format!("{problem}\n")))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
