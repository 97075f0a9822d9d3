use crate::{Header, Line, MAJOR};
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

/// The longest line a reader takes, in bytes: more than any writer makes, little enough for any reader.
const LINE_LIMIT: u64 = 16 << 20;

/// What every header begins with.
const BEGINNING: &[u8] = b"{\"stallscope\":";

/// Reads lines from a log or a live socket.
#[derive(Debug)]
pub struct Reader<R> {
    input: BufReader<R>,
    header: Header,
    number: u64,
    read: u64,
    cut: bool,
    buffer: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When there is nothing to read, the input is no Stallscope log, its major version is higher than [`MAJOR`], or
    /// reading fails.
    pub fn new(input: R) -> Result<Self, ReadError> {
        let mut reader = Self {
            input: BufReader::new(input),
            header: Header::default(),
            number: 0,
            read: 0,
            cut: false,
            buffer: Vec::new(),
        };
        if !reader.read_raw()? {
            let known = reader.buffer.len().min(BEGINNING.len());
            let begun = reader.buffer[..known] == BEGINNING[..known];
            return Err(ReadError(match (reader.cut, begun) {
                (false, _) => Kind::Empty,
                (true, true) => Kind::CutHeader,
                (true, false) => Kind::NotALog,
            }));
        }
        let value: serde_json::Value =
            serde_json::from_slice(&reader.buffer).map_err(|_| ReadError(Kind::NotALog))?;
        let major = value.get("stallscope").and_then(serde_json::Value::as_u64);
        let Some(major) = major.filter(|_| value.get("kind").is_some_and(|kind| kind == "header")) else {
            return Err(ReadError(Kind::NotALog));
        };
        if major > u64::from(MAJOR) {
            return Err(ReadError(Kind::Newer(major)));
        }
        reader.header = serde_json::from_value(value)
            .map_err(|error| ReadError(Kind::Malformed(1, error.to_string())))?;
        Ok(reader)
    }

    /// The first line.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the input ended in the middle of a line: its writer was killed, or the file was cut.
    #[must_use]
    pub fn cut(&self) -> bool {
        self.cut
    }

    /// Bytes of the whole lines read so far: where the next one begins.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.read
    }

    /// The next line of a kind that this version knows; none at the end of the input. Over a non-blocking or timed
    /// socket an `io` error of kind `WouldBlock` or `TimedOut` loses nothing: call again.
    ///
    /// # Errors
    /// When reading fails, or a line is no JSON of the form that its kind has.
    pub fn next_line(&mut self) -> Result<Option<Line>, ReadError> {
        while self.read_raw()? {
            let parsed = Line::parse(&self.buffer)
                .map_err(|error| ReadError(Kind::Malformed(self.number, error.to_string())));
            match parsed? {
                Line::Unknown => {}
                line => return Ok(Some(line)),
            }
        }
        Ok(None)
    }

    /// The text of the next line, its newline with it, whatever it says; none at the end of the input, and of a cut line.
    /// Of the header's it is known before any other is read: [`text`](Self::text).
    ///
    /// # Errors
    /// When reading fails, as [`next_line`](Self::next_line) does.
    pub fn next_text(&mut self) -> Result<Option<&[u8]>, ReadError> {
        Ok(if self.read_raw()? { Some(&self.buffer) } else { None })
    }

    /// The text of the line that was read last, the header at first.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.buffer
    }

    /// Reads one whole line into the buffer; false at the end. What a failed read left in the buffer is kept.
    fn read_raw(&mut self) -> Result<bool, ReadError> {
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.clear();
        }
        let room = LINE_LIMIT.saturating_sub(self.buffer.len() as u64);
        self.input
            .by_ref()
            .take(room)
            .read_until(b'\n', &mut self.buffer)
            .map_err(|e| ReadError(Kind::Io(e)))?;
        match self.buffer.last() {
            None => Ok(false),
            Some(b'\n') => {
                self.number += 1;
                self.read += self.buffer.len() as u64;
                Ok(true)
            }
            Some(_) if self.buffer.len() as u64 >= LINE_LIMIT => {
                Err(ReadError(Kind::TooLong(self.number + 1)))
            }
            Some(_) => {
                self.cut = true;
                Ok(false)
            }
        }
    }
}

/// Why lines cannot be read.
#[derive(Debug)]
pub struct ReadError(Kind);

#[derive(Debug)]
enum Kind {
    Io(io::Error),
    Empty,
    CutHeader,
    NotALog,
    Newer(u64),
    Malformed(u64, String),
    TooLong(u64),
}

impl ReadError {
    /// The operating system's error, when it is one.
    #[must_use]
    pub fn io(&self) -> Option<&io::Error> {
        match &self.0 {
            Kind::Io(error) => Some(error),
            _ => None,
        }
    }

    /// Whether the input ended before its header did: its writer had no time to begin.
    #[must_use]
    pub fn is_empty_input(&self) -> bool {
        matches!(self.0, Kind::Empty | Kind::CutHeader)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Io(error) => write!(f, "cannot read: {error}"),
            Kind::Empty => {
                f.write_str("nothing was written yet: the process ended before the instrument began")
            }
            Kind::CutHeader => {
                f.write_str("the log is cut within its header: its process was killed as it began")
            }
            Kind::NotALog => f.write_str("this is no Stallscope event log: the first line is not its header"),
            Kind::Newer(major) => write!(
                f,
                "this log has format version {major} and this stallscope reads up to {MAJOR}: update stallscope"
            ),
            Kind::Malformed(line, error) => write!(f, "line {line} is malformed: {error}"),
            Kind::TooLong(line) => {
                write!(
                    f,
                    "line {line} is longer than {} MiB: this is no Stallscope event log",
                    LINE_LIMIT >> 20
                )
            }
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Io(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{End, Stall};
    use proptest::prelude::*;

    fn log(lines: &[Line]) -> Vec<u8> {
        lines.iter().flat_map(Line::encode).collect()
    }

    fn header() -> Line {
        Line::Header(Header { pid: 7, ..Header::default() })
    }

    fn refusal(input: &[u8]) -> String {
        Reader::new(input).expect_err("the input is refused").to_string()
    }

    #[test]
    fn reads_back_what_was_written() {
        let lines = [header(), Line::Stall(Stall { id: 3, ..Stall::default() }), Line::End(End { at_ns: 9 })];
        let text = log(&lines);
        let mut reader = Reader::new(&text[..]).unwrap();
        assert_eq!(reader.header().pid, 7);
        assert_eq!(reader.next_line().unwrap().as_ref(), Some(&lines[1]));
        assert_eq!(reader.next_line().unwrap().as_ref(), Some(&lines[2]));
        assert_eq!(reader.next_line().unwrap(), None);
        assert!(!reader.cut());
    }

    #[test]
    fn hands_on_the_text_of_lines_that_it_does_not_know() {
        let mut text = log(&[header()]);
        text.extend_from_slice(b"{\"kind\":\"weather\"}\n{\"kind\":\"e");
        let mut reader = Reader::new(&text[..]).unwrap();
        assert_eq!(reader.text(), log(&[header()]));
        assert_eq!(reader.next_text().unwrap(), Some(&b"{\"kind\":\"weather\"}\n"[..]));
        assert_eq!(reader.next_text().unwrap(), None);
        assert!(reader.cut());
    }

    #[test]
    fn skips_kinds_of_a_newer_minor_version() {
        let mut text = log(&[header()]);
        text.extend_from_slice(b"{\"kind\":\"weather\",\"sky\":\"blue\"}\n");
        text.extend(log(&[Line::End(End { at_ns: 1 })]));
        assert_eq!(Reader::new(&text[..]).unwrap().next_line().unwrap(), Some(Line::End(End { at_ns: 1 })));
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(refusal(b"").contains("nothing was written"));
        assert!(refusal(b"\x7fELF\x02\x01\x00").contains("no Stallscope event log"));
        assert!(refusal(b"{\"kind\":\"header\"}\n").contains("no Stallscope event log"));
        assert!(refusal(b"{\"stallscope\":2,\"kind\":\"header\"}\n").contains("format version 2"));
        let mut text = log(&[header()]);
        text.extend_from_slice(b"{]\n");
        let error = Reader::new(&text[..]).unwrap().next_line().unwrap_err().to_string();
        assert!(error.starts_with("line 2 is malformed"), "{error}");
    }

    #[test]
    fn a_log_cut_in_its_header_is_one_that_hardly_began() {
        let text = log(&[header()]);
        for at in 1..text.len() {
            let error = Reader::new(&text[..at]).expect_err("there is no header");
            assert!(error.is_empty_input(), "{error}");
            assert!(error.to_string().contains("cut within its header"), "{error}");
        }
        assert!(!Reader::new(&b"{\"stall\": 1"[..]).expect_err("it is another").is_empty_input());
    }

    #[test]
    fn an_interrupted_read_loses_nothing() {
        struct Halting(Vec<u8>, usize, bool);
        impl Read for Halting {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                self.2 = !self.2;
                if self.2 {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                let n = out.len().min(5).min(self.0.len() - self.1);
                out[..n].copy_from_slice(&self.0[self.1..self.1 + n]);
                self.1 += n;
                Ok(n)
            }
        }
        let mut whole = Reader {
            input: BufReader::new(Halting(log(&[Line::End(End { at_ns: 5 })]), 0, false)),
            header: Header::default(),
            number: 1,
            read: 0,
            cut: false,
            buffer: Vec::new(),
        };
        let line = loop {
            match whole.next_line() {
                Ok(line) => break line,
                Err(error) => assert!(error.io().is_some(), "{error}"),
            }
        };
        assert_eq!(line, Some(Line::End(End { at_ns: 5 })));
    }

    proptest! {
        #[test]
        fn no_input_makes_it_panic(input in prop::collection::vec(any::<u8>(), 0..200), whole in any::<bool>()) {
            let mut text = if whole { log(&[header()]) } else { Vec::new() };
            text.extend(input);
            if let Ok(mut reader) = Reader::new(&text[..]) {
                while let Ok(Some(_)) = reader.next_line() {}
            }
        }

        #[test]
        fn a_log_cut_anywhere_is_read_up_to_the_cut(at in 0usize..400) {
            let text = log(&[header(), Line::Stall(Stall::default()), Line::End(End::default())]);
            let at = at.min(text.len());
            if let Ok(mut reader) = Reader::new(&text[..at]) {
                while reader.next_line().expect("a cut is no error").is_some() {}
                prop_assert_eq!(reader.cut(), !text[..at].ends_with(b"\n"));
            }
        }
    }
}
