//! What a bench does as a program in a node, where it starts itself again: `BENCH ROLE WORDS…`.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
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
        ["fill", path, size] => fill(Path::new(path), size.parse().unwrap()),
        ["await", path, size] => await_file(Path::new(path), size.parse().unwrap()),
        ["copy", from, to] => copy(Path::new(from), Path::new(to)),
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

/// Makes a file of this size, of content that is no run of zeroes.
fn fill(path: &Path, size: u64) {
    let block: Vec<u8> =
        (0..1u32 << 18).flat_map(|n| n.wrapping_mul(2_654_435_761).to_ne_bytes()).collect();
    let mut file = File::create(path).unwrap();
    for _ in 0..size / block.len() as u64 {
        file.write_all(&block).unwrap();
    }
}

/// Waits until a file has its name.
fn await_file(path: &Path, size: u64) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !path.exists() {
        assert!(Instant::now() < deadline, "no {} in time", path.display());
        sleep(Duration::from_millis(1));
    }
    assert_eq!(fs::metadata(path).unwrap().len(), size);
}

/// Copies a file, prints how many seconds that took, and removes the copy.
fn copy(from: &Path, to: &Path) {
    println!("{}", super::time(|| _ = fs::copy(from, to).unwrap()).as_secs_f64());
    fs::remove_file(to).unwrap();
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
