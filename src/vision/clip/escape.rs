//! What a worker does that was taken over by its clip. Only in builds with debug assertions, so that tests can see it die.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, Write};
use std::net::UdpSocket;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Signal, getpid, kill_process};

/// Tries it, from inside the sandbox. Returns only if it was not stopped, or was refused with an error.
pub fn attempt(name: &str) {
    match name {
        "open" => ignore(File::open("/etc/passwd")),
        "socket" => ignore(UdpSocket::bind("127.0.0.1:0")),
        "exec" => ignore(Command::new("/bin/true").exec()),
        "fork" => ignore(Command::new("/bin/true").spawn()),
        "thread" => ignore(std::thread::spawn(|| 1)),
        "kill" => ignore(kill_process(getpid(), Signal::USR1)),
        // Not a zeroed one: the kernel would give that without any memory behind it.
        "memory" => ignore(vec![1_u8; 2 << 30]),
        "spin" => loop {
            black_box(());
        },
        "babble" => ignore(io::stdout().write_all(&[b'x'; 4096])),
        "vanish" => std::process::exit(0),
        _ => {}
    }
}

fn ignore<T>(value: T) {
    black_box(value);
}
