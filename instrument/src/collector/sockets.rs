//! The process's open sockets: the kernel's tables of sockets, joined with the process's descriptors by inode. See
//! proc_pid_net(5) and the kernel's `proc_net_tcp`.

use stallscope_wire::{Socket, Sockets, Transport};
use std::collections::HashSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Sockets that are listed.
const LISTED: usize = 256;
/// The word of a row that is the inode.
const INODE: usize = 9;

/// None where the kernel does not tell, or there are none.
pub(super) fn read(at_ns: u64) -> Option<Sockets> {
    let own = own_inodes()?;
    let tables = [
        ("tcp", Transport::Tcp),
        ("tcp6", Transport::Tcp6),
        ("udp", Transport::Udp),
        ("udp6", Transport::Udp6),
    ];
    let mut sockets: Vec<Socket> = Vec::new();
    for (name, transport) in tables {
        let Ok(table) = fs::read_to_string(format!("/proc/self/net/{name}")) else { continue };
        sockets.extend(
            table
                .lines()
                .skip(1)
                // The tables are the machine's, and long on a busy one: little is done for a row of another process.
                .filter(|row| inode(row).is_some_and(|inode| own.contains(&inode)))
                .filter_map(|row| parse(row, transport)),
        );
    }
    let total = sockets.len() as u64;
    sockets.sort_by_key(|socket| {
        (socket.state != "LISTEN", std::cmp::Reverse(socket.receive_queue + socket.send_queue), socket.inode)
    });
    sockets.truncate(LISTED);
    Some(Sockets { at_ns, total, sockets, ..Sockets::default() })
}

/// The inodes of the process's sockets.
fn own_inodes() -> Option<HashSet<u64>> {
    let inode = |entry: fs::DirEntry| {
        let target = fs::read_link(entry.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    Some(fs::read_dir("/proc/self/fd").ok()?.flatten().filter_map(inode).collect())
}

fn inode(row: &str) -> Option<u64> {
    row.split_ascii_whitespace().nth(INODE)?.parse().ok()
}

/// `sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …`
fn parse(row: &str, transport: Transport) -> Option<Socket> {
    let mut words = row.split_ascii_whitespace().skip(1);
    let (local, peer, state, queues) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let peer = address(peer)?;
    let (send, receive) = queues.split_once(':')?;
    let (send, receive) = (u64::from_str_radix(send, 16).ok()?, u64::from_str_radix(receive, 16).ok()?);
    Some(Socket {
        transport,
        local: address(local)?.to_string(),
        peer: (peer.port() != 0).then(|| peer.to_string()),
        state: state_name(u8::from_str_radix(state, 16).ok()?).to_owned(),
        receive_queue: receive,
        send_queue: send,
        inode: inode(row)?,
        ..Socket::default()
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
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// The states of `include/net/tcp_states.h`; UDP uses the first and the seventh.
fn state_name(state: u8) -> &'static str {
    const NAMES: [&str; 13] = [
        "UNKNOWN",
        "ESTABLISHED",
        "SYN_SENT",
        "SYN_RECV",
        "FIN_WAIT1",
        "FIN_WAIT2",
        "TIME_WAIT",
        "CLOSE",
        "CLOSE_WAIT",
        "LAST_ACK",
        "LISTEN",
        "CLOSING",
        "NEW_SYN_RECV",
    ];
    NAMES.get(state as usize).copied().unwrap_or("UNKNOWN")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn reads_a_row() {
        let row = "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 41234 1 x";
        let socket = parse(row, Transport::Tcp).unwrap();
        assert_eq!(
            (socket.local.as_str(), socket.peer, socket.state.as_str()),
            ("127.0.0.1:8080", None, "LISTEN")
        );
        assert_eq!((socket.receive_queue, socket.inode), (3, 41234));
        for row in ["", "1: 2 3", "1: 0100007F:1F90 zz 0A 0:0 0 0 0 0 1"] {
            assert!(parse(row, Transport::Tcp).is_none(), "{row:?}");
        }
    }

    #[test]
    fn own_sockets_are_found_with_what_waits_in_them() {
        use std::io::Write;
        let listener = TcpListener::bind("[::1]:0").or_else(|_| TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        let (_server, _) = listener.accept().unwrap();
        client.write_all(b"twelve bytes").unwrap();
        let sockets = read(0).unwrap().sockets;
        assert!(sockets.iter().any(|s| s.state == "LISTEN" && s.local == address.to_string()));
        assert!(
            sockets.iter().any(|s| s.local == address.to_string() && s.receive_queue == 12),
            "{sockets:#?}"
        );
    }
}
