//! What the kernel tells of sockets that are opened here.

use super::*;
use stallscope_wire::SocketGroup;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

const MS: u64 = 1_000_000;
/// Far longer than the loopback interface takes for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks, at this time, whatever the last look took.
fn look(watch: &mut Watch, at_ns: u64) -> Sockets {
    watch.due_ns = 0;
    watch.look(at_ns).unwrap()
}

/// Looks until what is to be seen is seen.
fn await_look(watch: &mut Watch, at_ns: u64, seen: impl Fn(&Sockets) -> bool) -> Sockets {
    let begun = Instant::now();
    loop {
        let sockets = look(watch, at_ns);
        if seen(&sockets) {
            return sockets;
        }
        assert!(begun.elapsed() < PATIENCE, "{sockets:#?}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn with_peer(sockets: &Sockets, peer: SocketAddr) -> Option<&Socket> {
    sockets.sockets.iter().find(|socket| socket.peer == Some(peer.to_string()))
}

fn group(sockets: &Sockets, address: SocketAddr, incoming: bool) -> Option<&SocketGroup> {
    let same = |group: &&SocketGroup| group.address == address.to_string() && group.incoming == incoming;
    sockets.groups.iter().find(same)
}

/// Both sides of a connection, the server's first, and the server's address.
fn connected(address: &str) -> (TcpStream, TcpStream, TcpListener) {
    let listener = TcpListener::bind(address).unwrap();
    let port = listener.local_addr().unwrap().port();
    let to = if address.contains("::1") { "[::1]" } else { "127.0.0.1" };
    let client = TcpStream::connect(format!("{to}:{port}")).unwrap();
    (listener.accept().unwrap().0, client, listener)
}

#[test]
fn connections_are_found_by_any_family_with_what_waits_in_them() {
    // A listener of `[::]` takes connections of IPv4 too, whose addresses are then IPv6's.
    for address in ["127.0.0.1:0", "[::1]:0", "[::]:0"] {
        let (_server, mut client, listener) = connected(address);
        client.write_all(b"twelve bytes").unwrap();
        let (mut watch, peer) = (Watch::new(0), client.local_addr().unwrap());
        let unread = |sockets: &Sockets| with_peer(sockets, peer).is_some_and(|s| s.receive_queue == 12);
        let sockets = await_look(&mut watch, 0, unread);
        assert_eq!(with_peer(&sockets, peer).unwrap().local, client.peer_addr().unwrap().to_string());
        let inward = group(&sockets, listener.local_addr().unwrap(), true).unwrap();
        let outward = group(&sockets, client.peer_addr().unwrap(), false).unwrap();
        assert_eq!((inward.open, inward.opened, outward.open), (1, 1, 1), "{address}");
    }
}

#[test]
fn datagram_sockets_are_found() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"hello", socket.local_addr().unwrap()).unwrap();
    let sockets = look(&mut Watch::new(0), 0);
    let local = socket.local_addr().unwrap().to_string();
    let found = sockets.sockets.iter().find(|s| s.transport == Transport::Udp && s.local == local).unwrap();
    assert!(found.receive_queue > 0 && found.peer.is_none(), "{found:?}");
}

#[test]
fn a_listener_tells_how_many_wait_and_how_many_may() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let clients: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
    let mut watch = Watch::new(0);
    let queued = |sockets: &Sockets| {
        sockets
            .sockets
            .iter()
            .any(|s| s.local == address.to_string() && s.state == "LISTEN" && s.receive_queue == 3)
    };
    let sockets = await_look(&mut watch, 0, queued);
    let found =
        sockets.sockets.iter().find(|s| s.local == address.to_string() && s.state == "LISTEN").unwrap();
    // What std asks for, and what the machine allows at most.
    assert!(found.send_queue > 0, "{found:?}");
    assert!(watch.gap().is_none());
    assert_eq!(clients.len(), 3);
}

#[test]
fn both_lists_tell_the_same() {
    let (_server, mut client, _listener) = connected("127.0.0.1:0");
    let (_server6, _client6, _listener6) = connected("[::]:0");
    client.write_all(b"unread").unwrap();
    let (mut owned, peer) = (Owned::look().unwrap(), client.local_addr().unwrap());
    let cookies = owned.cookies().expect("this kernel tells them").clone();
    for transport in TRANSPORTS {
        let (mut short, mut long) = (Vec::new(), Vec::new());
        netlink::dump(transport, |cookie| cookies.contains(&cookie), &mut short).unwrap();
        table::read(transport, owned.inodes().unwrap(), &mut long).unwrap();
        // Other tests open and close sockets meanwhile.
        let same = |one: &Row, other: &Row| {
            (one.inode, one.local, one.peer, one.transport)
                == (other.inode, other.local, other.peer, other.transport)
        };
        let mine = short.iter().filter(|row| row.local == peer || row.peer == Some(peer));
        let both = mine.filter(|row| long.iter().any(|other| same(row, other))).count();
        assert_eq!(both, if transport == Transport::Tcp { 2 } else { 0 });
        assert!(short.iter().all(|row| owned.holds(row.id)) && long.iter().all(|row| owned.holds(row.id)));
    }
}

#[test]
fn what_its_client_has_closed_is_left_over_until_it_is_closed_here() {
    let (server, client, listener) = connected("127.0.0.1:0");
    let (peer, address) = (client.local_addr().unwrap(), listener.local_addr().unwrap());
    let mut watch = Watch::new(10_000 * MS);
    assert_eq!(with_peer(&look(&mut watch, 0), peer).unwrap().state, "ESTABLISHED");
    drop(client);
    let closed = |sockets: &Sockets| with_peer(sockets, peer).is_some_and(|s| s.state == "CLOSE_WAIT");
    await_look(&mut watch, 2000 * MS, closed);
    let sockets = look(&mut watch, 7000 * MS);
    let found = with_peer(&sockets, peer).unwrap();
    assert_eq!((found.age_ns, found.in_state_ns), (7000 * MS, 5000 * MS));
    let waits = group(&sockets, address, true).unwrap();
    assert_eq!((waits.close_wait, waits.close_wait_ns, waits.overdue), (1, 5000 * MS, 0));
    let sockets = look(&mut watch, 12_001 * MS);
    assert_eq!(group(&sockets, address, true).unwrap().overdue, 1);
    drop(server);
    let sockets = look(&mut watch, 13_000 * MS);
    let gone = group(&sockets, address, true).unwrap();
    assert_eq!((gone.open, gone.opened, gone.closed, gone.close_wait), (0, 1, 1, 0));
    assert!(with_peer(&sockets, peer).is_none());
}

#[test]
fn what_was_reset_is_in_no_list_and_left_over_all_the_same() {
    let (mut server, client, listener) = connected("127.0.0.1:0");
    let (peer, address) = (client.local_addr().unwrap(), listener.local_addr().unwrap());
    let mut watch = Watch::new(10_000 * MS);
    look(&mut watch, 0);
    server.write_all(b"never read").unwrap();
    // Closed with unread data: the kernel sends a reset.
    client.peek(&mut [0]).unwrap();
    drop(client);
    let reset = |sockets: &Sockets| with_peer(sockets, peer).is_some_and(|s| s.state == "CLOSE");
    let sockets = await_look(&mut watch, 3000 * MS, reset);
    assert_eq!(group(&sockets, address, true).map(|group| (group.open, group.close_wait)), Some((1, 1)));
    assert!(server.read(&mut [0]).is_err());
    drop(server);
    assert_eq!(group(&look(&mut watch, 4000 * MS), address, true).unwrap().open, 0);
}

#[test]
fn a_descriptor_that_goes_over_to_another_socket_is_another_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let open = || (TcpStream::connect(address).unwrap(), listener.accept().unwrap().0);
    // Other tests open descriptors meanwhile, and may get the number.
    for _ in 0..100 {
        let ((client, server), other) = (open(), TcpStream::connect(address).unwrap());
        let descriptor = server.as_raw_fd();
        let mut watch = Watch::new(0);
        look(&mut watch, 0);
        drop(server);
        let (accepted, _) = listener.accept().unwrap();
        if accepted.as_raw_fd() != descriptor {
            continue;
        }
        let sockets = look(&mut watch, 1000 * MS);
        let found = group(&sockets, address, true).unwrap();
        assert_eq!((found.open, found.opened, found.closed), (1, 2, 1));
        let has_age = |of: &Socket| of.local == address.to_string() && of.age_ns > 0;
        assert!(with_peer(&sockets, client.local_addr().unwrap()).is_none_or(|found| !has_age(found)));
        assert_eq!(with_peer(&sockets, other.local_addr().unwrap()).unwrap().age_ns, 0);
        return;
    }
    panic!("no descriptor's number was used again");
}

#[test]
fn of_many_the_listed_are_those_that_matter() {
    let row = |state, age_ns: u64, receive_queue, inode| Row {
        id: row::Id::Inode(inode),
        transport: Transport::Tcp,
        local: SocketAddr::from(([127, 0, 0, 1], 80)),
        peer: (state != LISTEN).then(|| SocketAddr::from(([127, 0, 0, 1], age_ns as u16))),
        state,
        receive_queue,
        send_queue: 0,
        inode,
    };
    let (mut ages, mut groups) = (Ages::default(), Groups::new());
    let mut owned = Owned::look().unwrap();
    owned.inodes().unwrap();
    let idle = |inode| row(1, 1, 0, inode);
    let old = row(row::CLOSE_WAIT, 2, 0, 1);
    ages.look(&[old], &owned, &mut groups, 0);
    let mut rows = vec![row(1, 1, 9, 2), row(row::CLOSE_WAIT, 3, 5, 3), old, row(LISTEN, 0, 0, 4)];
    rows.extend((10..400).map(idle));
    ages.look(&rows, &owned, &mut groups, 1000);
    let watch = &mut Watch { ages, groups, ..Watch::new(500) };
    let sockets = watch.tell(1000);
    let first: Vec<_> = sockets.sockets.iter().take(5).map(|socket| socket.inode).collect();
    assert_eq!((first, sockets.sockets.len(), sockets.total), (vec![4, 1, 3, 2, 10], LISTED, 394));
    assert_eq!((sockets.states["CLOSE_WAIT"], sockets.states["ESTABLISHED"]), (2, 391));
}
