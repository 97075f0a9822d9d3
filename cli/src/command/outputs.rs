//! `--format FORMAT [-o FILE]`, as often as one likes.

mod ci;

pub(super) use ci::Ci;

use crate::color::Color;
use crate::failure::{Failure, unless_closed};
use crate::report::{Format, Material, Style, Target};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

/// The file that is none.
const STDOUT: &str = "-";

/// Where reports go, and how they are written; one goes to stdout at most.
#[derive(Debug, Clone)]
pub(super) struct Outputs {
    pairs: Vec<(Format, Option<PathBuf>)>,
    full_stacks: bool,
}

/// What is asked for, in its order.
#[derive(Debug, Clone)]
pub(super) struct Flags {
    given: Vec<Given>,
    full_stacks: bool,
}

impl Flags {
    /// # Errors
    /// When a file has no format, or several formats have none.
    pub(super) fn read(self) -> Result<Outputs, Failure> {
        let pairs = Outputs::pair(self.given).map_err(Failure::usage)?;
        Ok(Outputs { pairs, full_stacks: self.full_stacks })
    }
}

impl Outputs {
    /// Pairs each format with the file that follows it, else with one before it that has none. A file that is left has the format
    /// that its name says.
    fn pair(given: Vec<Given>) -> Result<Vec<(Format, Option<PathBuf>)>, String> {
        let (mut outputs, mut waiting) = (Vec::new(), None);
        let mut given = given.into_iter().peekable();
        while let Some(next) = given.next() {
            match next {
                Given::Format(format) => {
                    let follows = given.next_if(|next| matches!(next, Given::File(_)));
                    if follows.is_some() {
                        outputs.extend(waiting.take().map(by_name).transpose()?);
                    }
                    let file = match follows {
                        Some(Given::File(path)) => Some(path),
                        _ => waiting.take(),
                    };
                    outputs.push((format, file));
                }
                Given::File(path) => outputs.extend(waiting.replace(path).map(by_name).transpose()?),
            }
        }
        outputs.extend(waiting.map(by_name).transpose()?);
        for (_, file) in &mut outputs {
            file.take_if(|file| file.as_os_str() == STDOUT);
        }
        match outputs.iter().filter(|(_, file)| file.is_none()).count() {
            0 | 1 => Ok(outputs),
            _ => Err("only one format can go to stdout: give the others a file with -o".to_owned()),
        }
    }

    /// The same, and text on stdout where nothing else goes there: whoever looks on is told in any case.
    pub(super) fn and_text(mut self) -> Self {
        if self.pairs.iter().all(|(_, file)| file.is_some()) {
            self.pairs.push((Format::Text, None));
        }
        self
    }

    /// The same, and text on stdout where nothing at all is asked for.
    pub(super) fn or_text(self) -> Self {
        if self.pairs.is_empty() { self.and_text() } else { self }
    }

    /// Whether stdout is one document, and so must hold nothing else.
    pub(super) fn own_stdout(&self) -> bool {
        self.pairs.iter().any(|(format, file)| *format != Format::Text && file.is_none())
    }

    /// Sees that the files can be written, before anything is run whose result they could not take.
    pub(super) fn open(self) -> Result<Sinks, Failure> {
        let sinks = self.pairs.into_iter().map(|(format, path)| {
            let target = path.map(|path| target(&path).map(|target| (path, target))).transpose()?;
            Ok((format, target))
        });
        let sinks = sinks.collect::<Result<_, Failure>>()?;
        Ok(Sinks { sinks, style: Style { full_stacks: self.full_stacks, ..Style::default() } })
    }
}

fn target(path: &Path) -> Result<Target, Failure> {
    Target::new(path).map_err(|error| {
        Failure::usage(format_args!("cannot write the report to {}: {error}", path.display()))
    })
}

/// Reports waiting to be written.
#[derive(Debug)]
pub(super) struct Sinks {
    sinks: Vec<Sink>,
    style: Style,
}

impl Sinks {
    /// Of the distributions, only this one is written where there is a choice.
    pub(super) fn only(&mut self, distribution: Option<String>) {
        self.style.distribution = distribution;
    }

    /// Writes each, those after one that fails too.
    ///
    /// # Errors
    /// All that failed, told together.
    pub(super) fn write(&self, material: Material<'_>, color: Color) -> Result<(), Failure> {
        let failed = self.sinks.iter().filter_map(|sink| self.write_one(sink, material, color).err());
        failed.reduce(|all, failure| all.and(&failure)).map_or(Ok(()), Err)
    }

    fn write_one(&self, (format, file): &Sink, material: Material<'_>, color: Color) -> Result<(), Failure> {
        if let Some((path, target)) = file {
            let style = Style { color: color == Color::Always, ..self.style.clone() };
            return target.write(|out| format.write(out, material, &style)).map_err(|error| {
                let path = path.display();
                Failure::internal(format_args!("cannot write the report to {path}: {error}"))
            });
        }
        let stdout = io::stdout().lock();
        let style = Style { color: color.on(&stdout), ..self.style.clone() };
        unless_closed(format.write(&mut BufWriter::new(stdout), material, &style))
    }
}

type Sink = (Format, Option<(PathBuf, Target)>);

fn by_name(path: PathBuf) -> Result<(Format, Option<PathBuf>), String> {
    match Format::of_file(&path) {
        Some(format) => Ok((format, Some(path))),
        None => Err(format!(
            "-o {}: the file's ending says no format; known are {}, or name one before it with --format",
            path.display(),
            Format::endings()
        )),
    }
}

#[derive(Debug, Clone)]
enum Given {
    Format(Format),
    File(PathBuf),
}

// By hand, because the order of the two arguments carries a meaning.
impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        command
            .arg(
                Arg::new("format")
                    .long("format")
                    .value_name("FORMAT")
                    .value_parser(value_parser!(Format))
                    .action(ArgAction::Append)
                    .help_heading("Output")
                    .help("Form of the report [default: what FILE ends in, else text]"),
            )
            .arg(
                Arg::new("output")
                    .short('o')
                    .long("output")
                    .value_name("FILE")
                    .value_parser(value_parser!(PathBuf))
                    .action(ArgAction::Append)
                    .help_heading("Output")
                    .help("Write the format before it to a file; without one, the file's ending says the format")
                    .long_help(
                        "Write the format before it to a file, which is there as a whole or not at all. Without a format, the \
                         file's ending says it:\n.json the report, but .trace.json a trace, .sarif.json SARIF and \
                         …codequality.json or …code-quality-report.json GitLab's report; .xml JUnit; .sarif, .md, .html, .svg, \
                         .folded, .hgrm, .txt what they are called; text where there is no ending. Any other needs --format. \
                         May be given as often as --format; - is stdout. A path at which no file can be made is refused before \
                         anything is run. When one cannot be written later, the others are; it is told, and the exit code is 1 \
                         where it would have been 0.",
                    ),
            )
            .arg(
                Arg::new("full-stacks")
                    .long("full-stacks")
                    .action(ArgAction::SetTrue)
                    .help_heading("Output")
                    .help("In text, show all frames of each stack"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let indices = |name| matches.indices_of(name).into_iter().flatten();
        let formats = matches.get_many("format").into_iter().flatten().map(|format| Given::Format(*format));
        let files =
            matches.get_many("output").into_iter().flatten().map(|file: &PathBuf| Given::File(file.clone()));
        let mut given: Vec<_> = indices("format").zip(formats).chain(indices("output").zip(files)).collect();
        given.sort_by_key(|(index, _)| *index);
        let given = given.into_iter().map(|(_, given)| given).collect();
        Ok(Self { given, full_stacks: matches.get_flag("full-stacks") })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
