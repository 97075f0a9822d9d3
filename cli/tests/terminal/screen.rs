//! What is to be seen after a program has written to a terminal: as much of one as the dashboard makes use of.

/// Rows of characters, and where the next one goes.
pub(crate) struct Screen {
    rows: Vec<Vec<char>>,
    at: (usize, usize),
}

impl Screen {
    /// Of these columns and rows, after all that was written.
    pub(crate) fn after(written: &[u8], (columns, rows): (u16, u16)) -> Self {
        let blank = vec![vec![' '; usize::from(columns)]; usize::from(rows)];
        let mut screen = Self { rows: blank, at: (0, 0) };
        // What is cut in the middle of a character is completed by what comes next.
        let text = String::from_utf8_lossy(written);
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\x1b' => screen.control(&mut letters),
                '\r' => screen.at.1 = 0,
                '\n' => screen.at.0 += 1,
                letter if letter.is_control() => {}
                letter => screen.put(letter),
            }
        }
        screen
    }

    pub(crate) fn text(&self) -> String {
        let rows = self.rows.iter().map(|row| row.iter().collect::<String>() + "\n");
        rows.collect()
    }

    fn put(&mut self, letter: char) {
        let (row, column) = self.at;
        if let Some(cell) = self.rows.get_mut(row).and_then(|row| row.get_mut(column)) {
            *cell = letter;
        }
        self.at.1 += 1;
    }

    fn control(&mut self, letters: &mut std::str::Chars<'_>) {
        match letters.next() {
            Some('[') => {
                let mut arguments = String::new();
                let Some(end) = letters.find(|&letter| {
                    let is_end = ('@'..='~').contains(&letter);
                    if !is_end {
                        arguments.push(letter);
                    }
                    is_end
                }) else {
                    return;
                };
                self.sequence(&arguments, end);
            }
            // A text for the terminal's owner, such as the clipboard: up to a bell.
            Some(']') => {
                letters.find(|&letter| letter == '\x07');
            }
            _ => {}
        }
    }

    fn sequence(&mut self, arguments: &str, end: char) {
        let mut numbers = arguments.split(';').map(|number| number.parse::<usize>().ok());
        match end {
            'H' => {
                let mut next = || numbers.next().flatten().unwrap_or(1).saturating_sub(1);
                self.at = (next(), next());
            }
            'J' => self.rows.iter_mut().for_each(|row| row.fill(' ')),
            // The other screen comes up empty.
            'h' if arguments == "?1049" => self.rows.iter_mut().for_each(|row| row.fill(' ')),
            _ => {}
        }
    }
}
