//! Waiting inside a library: the line to name is the one that calls it.

use crate::time::LONG;
use rusqlite::Connection;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

// not for sampling: SQLite sleeps many short times
pub(super) async fn database() {
    let other = Connection::open("stock.db").unwrap();
    other.execute_batch("PRAGMA synchronous = OFF; CREATE TABLE stock (item TEXT); BEGIN EXCLUSIVE").unwrap();
    let connection = Connection::open("stock.db").unwrap();
    connection.busy_timeout(LONG).unwrap();
    connection.execute("DELETE FROM stock", []).unwrap_err(); // blocks here: syscall clock_nanosleep
}

pub(super) async fn http_client() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    thread::spawn(move || {
        let (mut client, _) = server.accept().unwrap();
        assert!(client.read(&mut [0; 4096]).unwrap() > 0);
        thread::sleep(LONG);
        client.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    });
    ureq::get(url).call().unwrap(); // blocks here: syscall recvfrom
}
