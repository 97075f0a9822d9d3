//! Waiting in a system call, and computing.

use super::super::faults::processor;
use super::super::names::question;
use super::order::{LONG, later};
use super::stage::Stage;
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;
use std::{fs, thread};

/// Between two looks at the clock: nearly all of the time is theirs.
const ROUNDS: u32 = 20_000;
/// How long the C library waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

#[inline(never)]
pub(super) fn warm_up(stage: &Stage) -> io::Result<()> {
    here!(stage, thread::sleep(LONG));
    Ok(())
}

#[inline(never)]
pub(super) fn std_sleep(stage: &Stage) -> io::Result<()> {
    here!(stage, thread::sleep(LONG));
    Ok(())
}

/// A plain file would not do: the page cache answers for it at once.
#[inline(never)]
pub(super) fn file_read(stage: &Stage) -> io::Result<()> {
    let (reader, mut writer) = io::pipe()?;
    let path = format!("/dev/fd/{}", reader.as_raw_fd());
    later(move || writer.write_all(b"late"));
    let read = here!(stage, fs::read(&path));
    drop(reader);
    read.map(drop)
}

#[inline(never)]
pub(super) fn pipe_read(stage: &Stage) -> io::Result<()> {
    let (mut reader, mut writer) = io::pipe()?;
    later(move || writer.write_all(b"late"));
    here!(stage, reader.read_to_end(&mut Vec::new())).map(drop)
}

#[inline(never)]
pub(super) fn tcp_read(stage: &Stage) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut stream = TcpStream::connect(listener.local_addr()?)?;
    let (mut peer, _) = listener.accept()?;
    later(move || peer.write_all(b"late"));
    here!(stage, stream.read_exact(&mut [0; 4]))
}

#[inline(never)]
pub(super) fn accept(stage: &Stage) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    later(move || TcpStream::connect(address).map(drop));
    here!(stage, listener.accept()).map(drop)
}

/// As the C library asks for a name, of a server that takes its time; nothing leaves this machine.
#[inline(never)]
pub(super) fn name_lookup(stage: &Stage) -> io::Result<()> {
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(server.local_addr()?)?;
    socket.send(&question(7, "late.example"))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let client = socket.local_addr()?;
    later(move || server.send_to(b"late", client).map(drop));
    here!(stage, socket.recv(&mut [0; 512])).map(drop)
}

/// Measured by the processor's time, so that a busy machine makes it take longer, not less.
#[inline(never)]
pub(super) fn computing(stage: &Stage) -> io::Result<()> {
    let end = processor::time() + LONG;
    let mut hash = Sha256::digest("a password");
    while processor::time() < end {
        hash = here!(stage, black_box((0..ROUNDS).fold(hash, |hash, _| Sha256::digest(hash))));
    }
    Ok(())
}
