//! The kernel's list of sockets by sock_diag(7): one request a table, answered in binary, without what the process cannot own.
#![expect(unsafe_code, reason = "netlink sockets are reached through libc")]

use super::row::{Id, Row, canonical, unread};
use stallscope_wire::Transport;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The kernel answers in pieces of this size at most.
const PIECE: usize = 32 * 1024;
/// `struct nlmsghdr`, and `struct inet_diag_msg`, of which each of a dump's messages consists at least.
const HEAD: usize = 16;
const BODY: usize = 72;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// All states but TIME_WAIT, SYN_RECV and NEW_SYN_RECV, in which no process holds the socket.
const STATES: u32 = 0xfff & !(1 << 6) & !(1 << 3);
/// The number by which the request's answers are known.
const NUMBER: u32 = 1;

/// Puts the sockets of one table to the others, as far as `is_own` knows them. The table is that of the network namespace, and
/// what is another process's is passed by.
///
/// # Errors
/// The kernel does not answer, or with what it should not; what was put to the others stays there.
pub(super) fn dump(
    transport: Transport,
    is_own: impl Fn(u64) -> bool,
    rows: &mut Vec<Row>,
) -> io::Result<()> {
    let socket = open()?;
    send(&socket, &request(transport))?;
    let mut piece = vec![0; PIECE];
    loop {
        let length = receive(&socket, &mut piece)?;
        let answer = piece.get(..length).filter(|answer| !answer.is_empty());
        if parse(answer.ok_or(io::ErrorKind::InvalidData)?, transport, &is_own, rows)? {
            return Ok(());
        }
    }
}

fn open() -> io::Result<OwnedFd> {
    // SAFETY: takes numbers alone.
    let socket = unsafe {
        libc::socket(libc::AF_NETLINK, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, libc::NETLINK_SOCK_DIAG)
    };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just opened, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(socket) })
}

/// To the kernel, which is where a netlink socket sends to that is not told otherwise.
fn send(socket: &OwnedFd, request: &[u8]) -> io::Result<()> {
    // SAFETY: the kernel reads `request.len()` bytes of a slice that outlives the call.
    let sent = unsafe { libc::send(socket.as_raw_fd(), request.as_ptr().cast(), request.len(), 0) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The kernel has its answer ready when it is asked, and is not waited for. How long the answer is, also when there is no room for it.
fn receive(socket: &OwnedFd, piece: &mut [u8]) -> io::Result<usize> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
    // SAFETY: the kernel writes at most `piece.len()` bytes into a slice that nobody else holds.
    let received = unsafe { libc::recv(socket.as_raw_fd(), piece.as_mut_ptr().cast(), piece.len(), flags) };
    usize::try_from(received).map_err(|_| io::Error::last_os_error())
}

/// `struct nlmsghdr` and `struct inet_diag_req_v2`.
fn request(transport: Transport) -> Vec<u8> {
    let (family, protocol) = match transport {
        Transport::Tcp6 => (libc::AF_INET6, libc::IPPROTO_TCP),
        Transport::Udp => (libc::AF_INET, libc::IPPROTO_UDP),
        Transport::Udp6 => (libc::AF_INET6, libc::IPPROTO_UDP),
        _ => (libc::AF_INET, libc::IPPROTO_TCP),
    };
    const LENGTH: usize = HEAD + 56;
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16;
    let mut request = Vec::with_capacity(LENGTH);
    request.extend((LENGTH as u32).to_ne_bytes());
    request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request.extend(flags.to_ne_bytes());
    request.extend(NUMBER.to_ne_bytes());
    request.extend(0u32.to_ne_bytes());
    // Nothing is asked for beyond the body.
    request.extend([family as u8, protocol as u8, 0, 0]);
    request.extend(STATES.to_ne_bytes());
    request.resize(LENGTH, 0);
    request
}

/// Takes in one piece of the answer; whether it was the last.
fn parse(
    piece: &[u8],
    transport: Transport,
    is_own: &impl Fn(u64) -> bool,
    rows: &mut Vec<Row>,
) -> io::Result<bool> {
    let mut rest = piece;
    while !rest.is_empty() {
        let broken = || io::Error::from(io::ErrorKind::InvalidData);
        let length = u32_at(rest, 0).ok_or_else(broken)? as usize;
        let message = rest.get(..length).filter(|_| length >= HEAD).ok_or_else(broken)?;
        let (kind, number) = (u16_at(message, 4).ok_or_else(broken)?, u32_at(message, 8).ok_or_else(broken)?);
        let body = &message[HEAD..];
        match i32::from(kind) {
            // An answer to somebody else's question is none to ours.
            _ if number != NUMBER => {}
            // Of a dump that failed the last message says why, as where the kernel lacks the module for a transport.
            libc::NLMSG_DONE => return failure(body).map_or(Ok(true), Err),
            libc::NLMSG_ERROR => return Err(failure(body).unwrap_or_else(broken)),
            _ if kind == SOCK_DIAG_BY_FAMILY => {
                let own = body.len() >= BODY && cookie(body).is_some_and(is_own);
                rows.extend(own.then(|| row(body, transport)).flatten());
            }
            _ => {}
        }
        // The next one begins at a multiple of four bytes.
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

/// The error that a message brings; its code is negative.
fn failure(body: &[u8]) -> Option<io::Error> {
    let code = u32_at(body, 0)?.cast_signed();
    (code < 0).then(|| io::Error::from_raw_os_error(code.saturating_neg()))
}

/// Of `struct inet_diag_msg`: family, state, timer and retries, one byte each; ports; addresses of 16 bytes; interface; cookie; and
/// from byte 52 on the timer's time, receive queue, send queue, user and inode.
fn row(body: &[u8], transport: Transport) -> Option<Row> {
    let family = *body.first()?;
    let address = |port: usize, ip: usize| {
        let port = u16::from_be_bytes(body.get(port..port + 2)?.try_into().ok()?);
        let octets: [u8; 16] = body.get(ip..ip + 16)?.try_into().ok()?;
        let ip = match i32::from(family) {
            libc::AF_INET => IpAddr::V4(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3])),
            libc::AF_INET6 => IpAddr::V6(Ipv6Addr::from(octets)),
            _ => return None,
        };
        Some(canonical(SocketAddr::new(ip, port)))
    };
    let state = *body.get(1)?;
    Some(Row {
        id: Id::Cookie(cookie(body)?),
        transport,
        local: address(4, 8)?,
        peer: address(6, 24).filter(|peer| peer.port() != 0),
        state,
        receive_queue: unread(state, u32_at(body, 56)?.into()),
        send_queue: u32_at(body, 60)?.into(),
        inode: u32_at(body, 68)?.into(),
    })
}

fn cookie(body: &[u8]) -> Option<u64> {
    Some(u64::from(u32_at(body, 44)?) | u64::from(u32_at(body, 48)?) << 32)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, number: u32, body: &[u8]) -> Vec<u8> {
        let mut message = ((HEAD + body.len()) as u32).to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.extend([0; 2]);
        message.extend(number.to_ne_bytes());
        message.extend([0; 4]);
        message.extend(body);
        message
    }

    /// A connection of `10.0.0.1:8080` with five unread bytes and an end.
    fn connection(cookie: u64) -> Vec<u8> {
        let mut body = vec![0; BODY];
        (body[0], body[1]) = (libc::AF_INET as u8, 8);
        body[4..6].copy_from_slice(&8080u16.to_be_bytes());
        body[6..8].copy_from_slice(&50_000u16.to_be_bytes());
        body[8..12].copy_from_slice(&[10, 0, 0, 1]);
        body[24..28].copy_from_slice(&[10, 0, 0, 2]);
        body[44..48].copy_from_slice(&(cookie as u32).to_ne_bytes());
        body[48..52].copy_from_slice(&((cookie >> 32) as u32).to_ne_bytes());
        body[56..60].copy_from_slice(&6u32.to_ne_bytes());
        body[68..72].copy_from_slice(&41u32.to_ne_bytes());
        body
    }

    fn parsed(piece: &[u8]) -> (Option<bool>, Vec<Row>) {
        let mut rows = Vec::new();
        let last = parse(piece, Transport::Tcp, &|cookie| cookie != 9, &mut rows);
        (last.ok(), rows)
    }

    #[test]
    fn takes_own_sockets_up_to_the_last_message() {
        let own = 7 << 32 | 3;
        let others = message(SOCK_DIAG_BY_FAMILY, NUMBER, &connection(9));
        let elses = message(SOCK_DIAG_BY_FAMILY, NUMBER + 1, &connection(8));
        let own_one = message(SOCK_DIAG_BY_FAMILY, NUMBER, &connection(own));
        let (last, rows) = parsed(&[others, elses, own_one].concat());
        assert_eq!((last, rows.len()), (Some(false), 1));
        let row = rows[0];
        assert_eq!((row.id, row.state, row.receive_queue, row.inode), (Id::Cookie(own), 8, 5, 41));
        assert_eq!(
            (row.local, row.peer),
            ("10.0.0.1:8080".parse().unwrap(), Some("10.0.0.2:50000".parse().unwrap()))
        );
        let done = message(libc::NLMSG_DONE as u16, NUMBER, &[0; 4]);
        assert_eq!(parsed(&[done, vec![1; 5]].concat()).0, Some(true), "nothing comes after it");
    }

    #[test]
    fn a_refusal_is_an_error() {
        let refused = message(libc::NLMSG_ERROR as u16, NUMBER, &(-libc::ENOENT).to_ne_bytes());
        let error = parse(&refused, Transport::Udp, &|_| true, &mut Vec::new()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
        let absurd = message(libc::NLMSG_ERROR as u16, NUMBER, &i32::MIN.to_ne_bytes());
        assert!(parse(&absurd, Transport::Udp, &|_| true, &mut Vec::new()).is_err());
        let none = message(libc::NLMSG_ERROR as u16, NUMBER, &[0; 4]);
        assert!(parse(&none, Transport::Udp, &|_| true, &mut Vec::new()).is_err(), "no answer to a dump");
    }

    #[test]
    fn a_dump_that_fails_says_so_in_its_last_message() {
        let done = message(libc::NLMSG_DONE as u16, NUMBER, &(-libc::ENOENT).to_ne_bytes());
        let error = parse(&done, Transport::Udp, &|_| true, &mut Vec::new()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
    }

    #[test]
    fn whatever_comes_in_brings_nothing_down() {
        let whole =
            [connection(1), connection(2)].map(|body| message(SOCK_DIAG_BY_FAMILY, NUMBER, &body)).concat();
        for length in 0..whole.len() {
            let (last, rows) = parsed(&whole[..length]);
            assert!(rows.len() <= 1 && (last.is_none() || length % (HEAD + BODY) == 0), "{length}");
        }
        for at in 0..whole.len() {
            for value in [0, 1, 3, 10, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                assert!(parsed(&changed).1.len() <= 2);
            }
        }
    }
}
