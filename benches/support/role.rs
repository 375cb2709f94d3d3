//! What a bench does as a program in a node, where it starts itself again: `BENCH ROLE WORDS…`.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
    time::Instant,
};

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};

/// What the sockets lab's third dialogue sends.
pub(crate) const MESSAGE: &[u8] = b"my net id ha2755 should be kept SECRET";

/// Plays a role if the words are of one; whether they were.
pub(crate) fn play(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["measure", program, ref words @ ..] => measure(program, words),
        ["load", address, clients, rounds] => {
            load(address.parse().unwrap(), clients.parse().unwrap(), rounds.parse().unwrap());
        }
        ["idle", address, count] => idle(address.parse().unwrap(), count.parse().unwrap()),
        _ => return false,
    }
    true
}

/// Runs a program to its end and prints its peak resident memory in KiB (getrusage(2)); at least this program's own.
fn measure(program: &str, words: &[&str]) {
    let status = Command::new(program).args(words).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{program} {words:?}: {status}");
    println!("{}", getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss());
}

/// Has clients connect, send, hear and close, `rounds` times each, and prints how many did so per second.
fn load(address: SocketAddr, clients: usize, rounds: usize) {
    let start = Instant::now();
    super::runtime().block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..clients {
            tasks.spawn(async move {
                for _ in 0..rounds {
                    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
                    stream.write_all(MESSAGE).await.unwrap();
                    let mut reply = [0; 1024];
                    assert!(stream.read(&mut reply).await.unwrap() > 0, "no reply");
                }
            });
        }
        tasks.join_all().await;
    });
    println!("{}", (clients * rounds) as f64 / start.elapsed().as_secs_f64());
}

/// Holds connections that say nothing until its input ends; prints a line when all are there.
fn idle(address: SocketAddr, count: usize) {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let connections: Vec<TcpStream> =
        (0..count).map(|_| TcpStream::connect(address).unwrap()).collect();
    println!("open");
    std::io::stdout().flush().unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    drop(connections);
}
