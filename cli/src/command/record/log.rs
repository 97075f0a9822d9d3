//! The file that a recording grows in: whole at any time, and never larger than its budget.

use serde::Deserialize;
use stallscope_wire::{Leave, Line, Lost};
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How large a recording may grow, in bytes: as large as the log that a process writes by itself.
pub(super) const BUDGET: u64 = 64 << 20;

/// Lines go to the kernel one by one: however the recording ends, what came is kept.
///
/// When one does not fit, the older half of the file gives way, but for its newest lines of what was blocked or lost, a
/// quarter of the budget at most.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    budget: u64,
    /// Bytes of the first line, the header.
    header: u64,
    pub(super) written: u64,
    /// Lines in the file.
    pub(super) lines: u64,
    /// Lines that gave way to newer ones.
    pub(super) dropped: u64,
    /// What the process has dropped by itself.
    lost: Lost,
    at_ns: u64,
}

/// As much of a line as is looked at here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Glance {
    kind: String,
    at_ns: u64,
}

impl Glance {
    /// What is no line says nothing.
    fn at(text: &[u8]) -> Self {
        serde_json::from_slice(text).unwrap_or_default()
    }

    /// Whether it tells of what was blocked or lost, and no later line tells it again.
    fn is_news(&self) -> bool {
        matches!(self.kind.as_str(), "stall" | "lag" | "pause" | "unpolled" | "failure" | "orphan" | "pool")
    }
}

/// A line's place in the file.
#[derive(Debug, Clone, Copy)]
struct Span {
    begin: u64,
    length: u64,
}

/// The older half of a file.
#[derive(Debug, Default)]
struct Older {
    end: u64,
    /// But for those that say what was lost: one that says it anew takes their place.
    lines: u64,
    losses: u64,
    /// What is kept of it.
    kept: VecDeque<Span>,
}

impl Log {
    /// Begins the file with a header. One that is there is replaced only where that is wanted.
    pub(super) fn create(path: &Path, header: &[u8], replace: bool, budget: u64) -> io::Result<Self> {
        let file =
            open(
                path,
                |options| {
                    if replace { options.create(true).truncate(true) } else { options.create_new(true) }
                },
            )?;
        let mut log = Self {
            path: path.to_owned(),
            file,
            budget,
            header: header.len() as u64,
            written: 0,
            lines: 0,
            dropped: 0,
            lost: Lost::default(),
            at_ns: 0,
        };
        log.append(header)?;
        Ok(log)
    }

    /// Takes a whole line.
    pub(super) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        let glance = Glance::at(text);
        self.at_ns = self.at_ns.max(glance.at_ns);
        if glance.kind == "lost"
            && let Ok(Line::Lost(lost)) = serde_json::from_slice(text)
        {
            self.lost = lost;
            return self.fit(&self.losses());
        }
        self.fit(text)
    }

    /// Says that the process ran on.
    pub(super) fn leave(&mut self) -> io::Result<()> {
        self.fit(&Line::Leave(Leave { at_ns: self.at_ns }).encode())
    }

    /// What the process lost, and what gave way here.
    fn losses(&self) -> Vec<u8> {
        let lines = self.lost.lines + self.dropped;
        Line::Lost(Lost { lines, ..self.lost.clone() }).encode()
    }

    fn fit(&mut self, text: &[u8]) -> io::Result<()> {
        if self.written + text.len() as u64 > self.budget {
            self.compact()?;
        }
        self.append(text)
    }

    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(text) {
            // What was written of the line would make a cut log of it.
            let _ = self.file.set_len(self.written);
            return Err(error);
        }
        self.written += text.len() as u64;
        self.lines += 1;
        Ok(())
    }

    /// The file without the older half; it takes the old one's name in one step, so that a reader has the one or the other.
    fn compact(&mut self) -> io::Result<()> {
        let older = self.older()?;
        let gone = older.lines - older.kept.len() as u64;
        let beside = self.beside();
        self.dropped += gone;
        let begun = self.copy(&older, &beside).and_then(|new| fs::rename(&beside, &self.path).map(|()| new));
        let (file, written) = begun.inspect_err(|_| {
            self.dropped -= gone;
            // A half-made file is of no use to anybody.
            let _ = fs::remove_file(&beside);
        })?;
        (self.file, self.written) = (file, written);
        // That of the losses is new.
        self.lines = self.lines - gone - older.losses + 1;
        Ok(())
    }

    /// Looks through the older half.
    fn older(&self) -> io::Result<Older> {
        let mut input = BufReader::new(File::open(&self.path)?);
        input.seek_relative(i64::try_from(self.header).unwrap_or(i64::MAX))?;
        let (mut older, mut news, mut text) = (Older { end: self.header, ..Older::default() }, 0, Vec::new());
        let mut coverage = None;
        while older.end < self.written / 2 {
            text.clear();
            let length = input.read_until(b'\n', &mut text)? as u64;
            if length == 0 {
                break;
            }
            let (glance, span) = (Glance::at(&text), Span { begin: older.end, length });
            if glance.is_news() {
                older.kept.push_back(span);
                news += length;
            }
            if glance.kind == "coverage" {
                coverage = Some(span);
            }
            while news > self.budget / 4 {
                let Some(oldest) = older.kept.pop_front() else { break };
                news -= oldest.length;
            }
            older.end += length;
            if glance.kind == "lost" {
                older.losses += 1;
            } else {
                older.lines += 1;
            }
        }
        older.kept.extend(coverage);
        Ok(older)
    }

    /// Writes what is kept into a file of its own, and how long it is.
    fn copy(&self, older: &Older, to: &Path) -> io::Result<(File, u64)> {
        let mut old = File::open(&self.path)?;
        let mut new = open(to, |options| options.create(true).truncate(true))?;
        let header = Span { begin: 0, length: self.header };
        let mut written = 0;
        for span in std::iter::once(&header).chain(&older.kept) {
            old.seek(SeekFrom::Start(span.begin))?;
            written += io::copy(&mut (&old).take(span.length), &mut new)?;
        }
        let losses = self.losses();
        new.write_all(&losses)?;
        old.seek(SeekFrom::Start(older.end))?;
        written += losses.len() as u64 + io::copy(&mut old, &mut new)?;
        Ok((new, written))
    }

    /// Where the file that replaces this one grows: a name that nobody else gives to a file.
    fn beside(&self) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!(".{name}.{}.new", std::process::id()))
    }
}

/// Stacks and addresses are nobody else's business.
fn open(path: &Path, how: impl FnOnce(&mut OpenOptions) -> &mut OpenOptions) -> io::Result<File> {
    how(OpenOptions::new().write(true).mode(0o600)).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::{Coverage, Header, Reader, Snapshot, Stall};

    fn header() -> Vec<u8> {
        Line::Header(Header { pid: 7, ..Header::default() }).encode()
    }

    fn lines(path: &Path) -> Vec<Line> {
        let mut reader = Reader::new(File::open(path).expect("it opens")).expect("it is a log");
        std::iter::from_fn(|| reader.next_line().expect("it is whole")).collect()
    }

    #[test]
    fn at_its_budget_the_older_half_gives_way_but_for_what_was_blocked() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.jsonl");
        let mut log = Log::create(&path, &header(), false, 60_000).expect("it is made");
        let coverage = Line::Coverage(Coverage::whole());
        log.write(&coverage.encode()).expect("it is written");
        for id in 0..100 {
            for at_ns in 0..5 {
                let snapshot = Snapshot { at_ns: id * 10 + at_ns, ..Snapshot::default() };
                log.write(&Line::Snapshot(snapshot).encode()).expect("it is written");
            }
            if id % 25 == 0 {
                log.write(&Line::Stall(Stall { id, ..Stall::default() }).encode()).expect("it is written");
            }
        }
        log.leave().expect("it is written");
        assert!(fs::metadata(&path).expect("it is there").len() <= 60_000);
        let kept = lines(&path);
        let stalls: Vec<_> = kept
            .iter()
            .filter_map(|line| if let Line::Stall(stall) = line { Some(stall.id) } else { None })
            .collect();
        assert_eq!(stalls, [0, 25, 50, 75], "each of them, in order");
        assert!(kept.contains(&coverage));
        assert_eq!(kept.last(), Some(&Line::Leave(Leave { at_ns: 994 })));
        let told = kept
            .iter()
            .rev()
            .find_map(|line| if let Line::Lost(lost) = line { Some(lost.lines) } else { None });
        assert_eq!(told, Some(log.dropped));
        let lost_lines = kept.iter().filter(|line| matches!(line, Line::Lost(_))).count() as u64;
        assert_eq!(kept.len() as u64 - lost_lines + log.dropped, 1 + 500 + 4 + 1);
        assert_eq!(kept.len() as u64 + 1, log.lines);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing else is left");
    }

    #[test]
    fn what_the_process_lost_and_what_gave_way_are_one_count() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.jsonl");
        let mut log = Log::create(&path, &header(), false, BUDGET).expect("it is made");
        log.dropped = 5;
        log.write(&Line::Lost(Lost { lines: 2, stacks: 1, ..Lost::default() }).encode())
            .expect("it is written");
        assert_eq!(lines(&path), [Line::Lost(Lost { lines: 7, stacks: 1, ..Lost::default() })]);
    }

    #[test]
    fn what_is_there_is_replaced_only_where_that_is_wanted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.jsonl");
        fs::write(&path, "a file that is longer than a header, and dear to somebody\n".repeat(100))
            .expect("it is written");
        let refused = Log::create(&path, &header(), false, BUDGET).expect_err("it is dear");
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        Log::create(&path, &header(), true, BUDGET).expect("it is wanted");
        assert_eq!(lines(&path), []);
    }
}
