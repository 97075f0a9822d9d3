//! The system call that a thread was seen at though it ran: in the kernel on a processor, on its way in, or on its way out.

use super::cause::Judged;
use stallscope_wire::{Cause, Frame};

/// Functions of the C library that are a system call and little else, and the call's name where it is another. Those that
/// wait for a lock are not among them: std reaches these by number.
const WRAPPERS: [(&str, &str); 37] = [
    ("accept", "accept"),
    ("accept4", "accept4"),
    ("clock_nanosleep", "clock_nanosleep"),
    ("close", "close"),
    ("connect", "connect"),
    ("copy_file_range", "copy_file_range"),
    ("epoll_wait", "epoll_wait"),
    ("fallocate", "fallocate"),
    ("fdatasync", "fdatasync"),
    ("fsync", "fsync"),
    ("ftruncate", "ftruncate"),
    ("ioctl", "ioctl"),
    ("mmap", "mmap"),
    ("msync", "msync"),
    ("munmap", "munmap"),
    ("open", "openat"),
    ("openat", "openat"),
    ("poll", "poll"),
    ("ppoll", "ppoll"),
    ("pread", "pread64"),
    ("preadv", "preadv"),
    ("pwrite", "pwrite64"),
    ("pwritev", "pwritev"),
    ("read", "read"),
    ("readv", "readv"),
    ("recv", "recvfrom"),
    ("recvfrom", "recvfrom"),
    ("recvmsg", "recvmsg"),
    ("rename", "rename"),
    ("send", "sendto"),
    ("sendfile", "sendfile"),
    ("sendmsg", "sendmsg"),
    ("sendto", "sendto"),
    ("sync", "sync"),
    ("unlink", "unlink"),
    ("write", "write"),
    ("writev", "writev"),
];

/// The call that the innermost function is there for; none when it is another function.
pub(super) fn call(frames: &[Frame]) -> Option<Judged> {
    let innermost = frames.first()?;
    // An inlined Rust function may have lost its path, but not its file.
    if innermost.file.as_ref().is_some_and(|file| file.ends_with(".rs")) {
        return None;
    }
    let function = innermost.function.as_deref()?.trim_start_matches("__GI_").trim_start_matches('_');
    let function = function.trim_start_matches("libc_").trim_end_matches("64");
    let (_, name) = WRAPPERS.iter().find(|(wrapper, _)| *wrapper == function)?;
    Some(Judged { cause: Cause::Syscall, syscall: Some((*name).to_owned()), lock: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(function: &str, file: Option<&str>) -> Option<String> {
        let frame =
            Frame { function: Some(function.to_owned()), file: file.map(str::to_owned), ..Frame::default() };
        call(&[frame, Frame::default()]).and_then(|judged| judged.syscall)
    }

    #[test]
    fn the_c_librarys_function_tells_the_call() {
        for (function, name) in [
            ("fsync", "fsync"),
            ("__libc_recv", "recvfrom"),
            ("__GI___libc_read", "read"),
            ("open64", "openat"),
        ] {
            assert_eq!(named(function, None).as_deref(), Some(name), "{function}");
        }
        assert_eq!(named("__write", Some("../sysdeps/unix/sysv/linux/write.c")).as_deref(), Some("write"));
    }

    #[test]
    fn a_function_of_rust_is_no_call() {
        assert_eq!(named("read", Some("library/std/src/io/mod.rs")), None);
        assert_eq!(named("app::read", None), None);
        assert_eq!(call(&[]), None);
    }
}
