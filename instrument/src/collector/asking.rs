//! What a live reader asks for.

use stallscope_wire::Request;
use std::io::{ErrorKind, Read};

/// Bytes that are taken of one reader at a time: no reader keeps the collector busy.
const AT_A_TIME: usize = 16 * Request::LIMIT;

/// The line that a reader has begun to send.
#[derive(Debug, Default)]
pub(super) struct Asking {
    line: Vec<u8>,
    /// The line is longer than any that is taken; what follows of it is ignored.
    too_long: bool,
}

impl Asking {
    /// Takes what has come, without waiting for more; the requests among it that are known.
    pub(super) fn hear(&mut self, mut reader: impl Read) -> Vec<Request> {
        let mut requests = Vec::new();
        let (mut chunk, mut heard) = ([0; Request::LIMIT], 0);
        while heard < AT_A_TIME {
            match reader.read(&mut chunk) {
                // It will say nothing more, or is gone, which the next write shows.
                Ok(0) => break,
                Ok(length) => {
                    heard += length;
                    requests.extend(chunk[..length].iter().filter_map(|&byte| self.take(byte)));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        requests
    }

    fn take(&mut self, byte: u8) -> Option<Request> {
        if byte != b'\n' {
            self.too_long |= self.line.len() == Request::LIMIT;
            if !self.too_long {
                self.line.push(byte);
            }
            return None;
        }
        let line = std::mem::take(&mut self.line);
        let whole = !std::mem::take(&mut self.too_long);
        whole.then(|| Request::decode(&line)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::Mode;

    #[test]
    fn requests_are_heard_in_pieces_and_among_anything_else() {
        let ask = |mode| Request::Set { mode };
        let mut said = ask(Mode::Lean).encode();
        said.extend(b"\xff\x00 nonsense\n\n{\"kind\":\"later\"}\n");
        said.extend(vec![b'x'; 10 * Request::LIMIT]);
        said.extend(b"\n");
        said.extend(ask(Mode::Off).encode());
        let mut asking = Asking::default();
        let heard: Vec<Request> = said.chunks(7).flat_map(|piece| asking.hear(piece)).collect();
        assert_eq!(heard, [ask(Mode::Lean), ask(Mode::Off)]);
    }

    #[test]
    fn a_reader_that_never_ends_its_line_costs_no_more_than_its_limit() {
        let mut asking = Asking::default();
        asking.hear(std::io::repeat(b'x').take(1 << 30));
        assert!(asking.line.len() <= Request::LIMIT);
    }
}
