//! Waiting for a name server.
#![expect(unsafe_code, reason = "the C library is told which server to ask, for one thread")]

use crate::case::skip;
use crate::time::LONG;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

pub(super) async fn name_lookup() {
    let asked = ask_a_slow_server();
    ("slow.example.", 80).to_socket_addrs().unwrap_err(); // blocks here: syscall poll
    if !asked.load(Relaxed) {
        skip("the C library does not ask the name server that it is given");
    }
}

/// Has this thread's lookups go to a server that answers late that there is no such name; whether it was asked.
fn ask_a_slow_server() -> Arc<AtomicBool> {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    resolver::ask(server.local_addr().unwrap());
    let asked = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&asked);
    thread::spawn(move || {
        let mut message = [0; 512];
        while let Ok((length, client)) = server.recv_from(&mut message) {
            told.store(true, Relaxed);
            thread::sleep(LONG / 2);
            // An answer to this question, recursion available: no such name.
            (message[2], message[3]) = (message[2] | 0x80, 0x83);
            server.send_to(&message[..length], client).unwrap();
        }
    });
    asked
}

/// A thread's name servers in glibc: resolver(3).
#[cfg(target_env = "gnu")]
mod resolver {
    use super::SocketAddr;
    use libc::{c_int, c_ulong, in_addr, sockaddr_in};

    /// The beginning of `struct __res_state`, which has been the same for decades.
    #[repr(C)]
    struct State {
        retransmit_seconds: c_int,
        tries: c_int,
        options: c_ulong,
        server_count: c_int,
        servers: [sockaddr_in; 3],
    }

    unsafe extern "C" {
        fn __res_init() -> c_int;
        fn __res_state() -> *mut State;
    }

    pub(super) fn ask(server: SocketAddr) {
        let SocketAddr::V4(server) = server else { unreachable!("it is bound to 127.0.0.1") };
        // SAFETY: the state is this thread's own and lives as long as the thread. It is initialized by the first call, and
        // programs may change the fields that are named here.
        unsafe {
            if __res_init() != 0 {
                return;
            }
            let state = &mut *__res_state();
            state.server_count = 1;
            state.servers[0] = sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: server.port().to_be(),
                sin_addr: in_addr { s_addr: server.ip().to_bits().to_be() },
                sin_zero: [0; 8],
            };
        }
    }
}

#[cfg(not(target_env = "gnu"))]
mod resolver {
    use super::SocketAddr;

    pub(super) fn ask(_server: SocketAddr) {}
}
