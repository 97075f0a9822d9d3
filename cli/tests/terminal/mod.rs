//! A pseudo-terminal to run the command on.

mod screen;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use screen::Screen;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// What happens on a busy machine is waited for so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// The side of the terminal that a person sits at.
pub(crate) struct Terminal {
    keys: File,
    /// The side that a program runs on.
    device: File,
    output: Receiver<Vec<u8>>,
    seen: Vec<u8>,
    size: (u16, u16),
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&person).and_then(|()| unlockpt(&person)).expect("it is ours");
        let name = ptsname(&person, Vec::new()).expect("it has a name").into_string().expect("a plain path");
        let device = OpenOptions::new().read(true).write(true).open(name).expect("it opens");
        tcsetwinsize(&device, winsize((80, 24))).expect("it has a size");
        let keys = File::from(person);
        let (sender, output) = channel();
        let mut screen = keys.try_clone().expect("a second handle");
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read) = screen.read(&mut buffer) {
                if read == 0 || sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { keys, device, output, seen: Vec::new(), size: (80, 24) }
    }

    pub(crate) fn spawn(&self, command: &mut Command) -> Child {
        let side = || self.device.try_clone().expect("another handle");
        command.stdin(side()).stdout(side()).stderr(side()).spawn().expect("it starts")
    }

    pub(crate) fn write(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).expect("it takes keys");
    }

    /// Waits until this was written to the screen.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.has_seen(text) {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(more) = self.output.recv_timeout(left) else {
                panic!("{text:?} was not shown:\n{}", String::from_utf8_lossy(&self.seen));
            };
            self.seen.extend(more);
        }
    }

    /// Whether this was written to the screen.
    pub(crate) fn has_seen(&self, text: &str) -> bool {
        self.seen.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// Waits until the screen is so, and gives what is to be seen then.
    pub(crate) fn wait_until(&mut self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let text = Screen::after(&self.seen, self.size).text();
            if is_so(&text) {
                return text;
            }
            let left = until.saturating_duration_since(Instant::now());
            let Ok(more) = self.output.recv_timeout(left) else { panic!("{what} was not shown:\n{text}") };
            self.seen.extend(more);
        }
    }

    /// The person makes the window another size, of columns and rows.
    pub(crate) fn resize(&mut self, size: (u16, u16), child: &Child) {
        self.size = size;
        // What was written for the other size is gone with it.
        self.seen.clear();
        tcsetwinsize(&self.device, winsize(size)).expect("it takes a size");
        // The program has no terminal of its own here that would tell it.
        kill_process(Pid::from_child(child), Signal::WINCH).expect("it runs");
    }

    /// Whether keys go to the program one by one and are not shown.
    pub(crate) fn is_raw(&self) -> bool {
        let modes = tcgetattr(&self.device).expect("it is a terminal").local_modes;
        !modes.intersects(LocalModes::ICANON | LocalModes::ECHO)
    }
}

fn winsize((columns, rows): (u16, u16)) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

pub(crate) fn terminate(child: &Child) {
    let pid = Pid::from_child(child);
    kill_process(pid, Signal::TERM).expect("it runs");
}
