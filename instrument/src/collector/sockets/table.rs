//! The kernel's list of sockets as text in `/proc/net`, where sock_diag is not to be had. See proc_pid_net(5) and the kernel's
//! `proc_net_tcp`. It does not tell how many connections may wait to be accepted.

use super::row::{Id, LISTEN, Row, canonical, unread};
use stallscope_wire::Transport;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The word of a row that is the inode.
const INODE: usize = 9;

/// Puts the sockets of one table to the others, as far as they are own ones. The table is that of the network namespace; one that
/// the kernel does not have, as without IPv6, is empty.
///
/// # Errors
/// The table cannot be read, as when no descriptor is left.
pub(super) fn read(transport: Transport, own: &HashSet<u64>, rows: &mut Vec<Row>) -> io::Result<()> {
    let name = match transport {
        Transport::Tcp6 => "tcp6",
        Transport::Udp => "udp",
        Transport::Udp6 => "udp6",
        _ => "tcp",
    };
    let table = match fs::read_to_string(format!("/proc/self/net/{name}")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        table => table?,
    };
    rows.extend(
        table
            .lines()
            .skip(1)
            // Little is done for a row of another process.
            .filter(|row| inode(row).is_some_and(|inode| own.contains(&inode)))
            .filter_map(|row| parse(row, transport)),
    );
    Ok(())
}

fn inode(row: &str) -> Option<u64> {
    row.split_ascii_whitespace().nth(INODE)?.parse().ok()
}

/// `sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …`
fn parse(row: &str, transport: Transport) -> Option<Row> {
    let mut words = row.split_ascii_whitespace().skip(1);
    let (local, peer, state, queues) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let (peer, state, inode) = (address(peer)?, u8::from_str_radix(state, 16).ok()?, inode(row)?);
    let (send, receive) = queues.split_once(':')?;
    let (send, receive) = (u64::from_str_radix(send, 16).ok()?, u64::from_str_radix(receive, 16).ok()?);
    Some(Row {
        id: Id::Inode(inode),
        transport,
        local: address(local)?,
        peer: Some(peer).filter(|peer| peer.port() != 0),
        state,
        receive_queue: unread(state, receive),
        send_queue: if state == LISTEN { 0 } else { send },
        inode,
    })
}

/// Hexadecimal words in the machine's byte order, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let word = |at: usize| Some(u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut octets = [0; 16];
            for at in 0..4 {
                octets[at * 4..at * 4 + 4].copy_from_slice(&word(at)?);
            }
            IpAddr::V6(Ipv6Addr::from(octets))
        }
        _ => return None,
    };
    Some(canonical(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_row() {
        let row = "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 41234 1 x";
        let listener = parse(row, Transport::Tcp).unwrap();
        assert_eq!((listener.local.to_string(), listener.peer), ("127.0.0.1:8080".to_owned(), None));
        assert_eq!((listener.state, listener.receive_queue, listener.inode), (LISTEN, 3, 41234));
        let mapped = "2: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:C350 08 0:1 0:0 0 1000 0 7";
        let connection = parse(mapped, Transport::Tcp6).unwrap();
        assert_eq!(connection.peer.unwrap().to_string(), "127.0.0.1:50000");
        for row in ["", "1: 2 3", "1: 0100007F:1F90 zz 0A 0:0 0 0 0 0 1"] {
            assert!(parse(row, Transport::Tcp).is_none(), "{row:?}");
        }
    }
}
