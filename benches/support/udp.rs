//! Datagrams between two nodes, for programs in them: `BENCH ROLE WORDS…`.

use std::{
    io::{ErrorKind, Write},
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use nix::sys::socket::{setsockopt, sockopt};

/// A frame of 64 bytes with its check sum: 14 of Ethernet, 20 of IP, 8 of UDP, 4 of the sum, and these.
const SMALL: usize = 18;
/// After so long without a datagram, none is to come.
const END: Duration = Duration::from_millis(500);

/// Plays a role if the words are of one; whether they were.
pub(crate) fn play(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["udp-echo", at] => echo(at.parse().unwrap()),
        ["udp-hole", at] => {
            let _hole = UdpSocket::bind::<SocketAddr>(at.parse().unwrap()).unwrap();
            say_ready();
            std::thread::park();
        }
        ["udp-ping", to, count, gap] => {
            let gap = Duration::from_micros(gap.parse().unwrap());
            ping(to.parse().unwrap(), count.parse().unwrap(), gap);
        }
        ["udp-turns", to, count] => turns(to.parse().unwrap(), count.parse().unwrap()),
        ["udp-load", seconds, ref to @ ..] => {
            let to: Vec<SocketAddr> = to.iter().map(|to| to.parse().unwrap()).collect();
            load(Duration::from_secs(seconds.parse().unwrap()), &to);
        }
        ["udp-sink", at] => sink(at.parse().unwrap()),
        ["udp-flood", to, milliseconds] => {
            flood(to.parse().unwrap(), Duration::from_millis(milliseconds.parse().unwrap()));
        }
        _ => return false,
    }
    true
}

/// Tells whoever started this that it may begin.
fn say_ready() {
    println!("ready");
    std::io::stdout().flush().unwrap();
}

/// Sends back what comes, until it is killed.
fn echo(at: SocketAddr) {
    let socket = UdpSocket::bind(at).unwrap();
    say_ready();
    let mut buffer = [0; 2048];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).unwrap();
        socket.send_to(&buffer[..length], from).unwrap();
    }
}

/// Sends a datagram to each of these every millisecond; prints a line when it has begun, and how many a second there were.
fn load(lasting: Duration, to: &[SocketAddr]) {
    let connect = |to| {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.connect(to).unwrap();
        socket
    };
    let sockets: Vec<UdpSocket> = to.iter().map(connect).collect();
    say_ready();
    let start = Instant::now();
    let (mut count, mut round) = (0_u64, 0);
    while start.elapsed() < lasting {
        // Evenly through the millisecond, as far as sleeping is exact.
        for part in sockets.chunks(10) {
            count += part.iter().filter(|socket| socket.send(&[0; SMALL]).is_ok()).count() as u64;
            round += 1;
            let due = Duration::from_millis(round) * 10 / sockets.len() as u32;
            std::thread::sleep(due.saturating_sub(start.elapsed()));
        }
    }
    println!("{}", count as f64 / start.elapsed().as_secs_f64());
}

/// Sends a datagram every `gap`, whatever comes back, and prints for each answer how long it took, in µs.
fn ping(to: SocketAddr, count: u32, gap: Duration) {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).unwrap();
    socket.connect(to).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let start = Instant::now();
    let receiver = socket.try_clone().unwrap();
    let times = std::thread::scope(|scope| {
        let receiving = scope.spawn(move || {
            let mut times = Vec::new();
            let mut sent = [0; 8];
            while times.len() < count as usize && receiver.recv(&mut sent).is_ok() {
                times.push(start.elapsed() - Duration::from_nanos(u64::from_ne_bytes(sent)));
            }
            times
        });
        for number in 0..count {
            std::thread::sleep((gap * number).saturating_sub(start.elapsed()));
            let now = start.elapsed().as_nanos() as u64;
            socket.send(&now.to_ne_bytes()).unwrap();
        }
        receiving.join().unwrap()
    });
    let times: Vec<String> =
        times.iter().map(|time| format!("{:.1}", time.as_secs_f64() * 1e6)).collect();
    println!("{}", times.join("\n"));
}

/// Sends a datagram and waits for its answer, again and again, and prints how long each took, in µs.
fn turns(to: SocketAddr, count: u32) {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect(to).unwrap();
    for _ in 0..count {
        let start = Instant::now();
        socket.send(&[0; SMALL]).unwrap();
        socket.recv(&mut [0; SMALL]).unwrap();
        println!("{:.1}", start.elapsed().as_secs_f64() * 1e6);
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// Takes datagrams until none come any more, and prints how many a second they were; before, that it is ready.
fn sink(at: SocketAddr) {
    let socket = UdpSocket::bind(at).unwrap();
    // Without privilege, what the machine allows.
    let _ = setsockopt(&socket, sockopt::RcvBufForce, &(8 << 20));
    say_ready();
    let mut buffer = [0; 2048];
    socket.recv(&mut buffer).unwrap();
    let start = Instant::now();
    socket.set_read_timeout(Some(END)).unwrap();
    let mut count = 0_u64;
    let end = loop {
        match socket.recv(&mut buffer) {
            Ok(_) => count += 1,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break Instant::now() - END,
        }
    };
    println!("{}", count as f64 / (end - start).as_secs_f64());
}

/// Sends datagrams as fast as it can for so long, and prints how many a second they were.
fn flood(to: SocketAddr, lasting: Duration) {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect(to).unwrap();
    let start = Instant::now();
    let mut count = 0_u64;
    while !count.is_multiple_of(64) || start.elapsed() < lasting {
        // Where a queue is full there is nothing sent.
        count += u64::from(socket.send(&[0; SMALL]).is_ok());
    }
    println!("{}", count as f64 / start.elapsed().as_secs_f64());
}
