//! A bent egress with sockets at both ends, in namespaces of their own.

use std::{fs, net::UdpSocket, process::Command, sync::mpsc, thread, time::Duration};

use labnet::{
    EgressTrial,
    impairment::{Change, Impairment},
};
use nix::{
    sched::{CloneFlags, unshare},
    unistd::gettid,
};
use serde_json::Value;

/// Of a frame before the payload of a datagram: Ethernet, IPv4, UDP.
pub(crate) const HEADERS: usize = 14 + 20 + 8;
/// The interface that is bent.
const NEAR: &str = "near";

/// What a text as `delay 10ms, loss 1%` says.
pub(crate) fn impairment(text: &str) -> Impairment {
    Impairment::default().with(&text.parse::<Change>().unwrap_or_else(|e| panic!("{text}: {e}")))
}

pub(crate) struct Ends {
    pub(crate) egress: EgressTrial,
    pub(crate) sender: UdpSocket,
    pub(crate) receiver: UdpSocket,
}

fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {output:?}");
}

/// Moves the calling thread into a namespace in which only what is asked for is sent.
fn leave() {
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    let _ = fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
}

impl Ends {
    /// Moves the calling thread to the sending end.
    pub(crate) fn new() -> Self {
        leave();
        let (tell, told) = mpsc::channel();
        let (start, started) = mpsc::channel::<()>();
        let far = thread::spawn(move || {
            leave();
            tell.send(gettid()).unwrap();
            started.recv().unwrap();
            ip("address add 10.0.0.2/24 dev far");
            ip("link set far up");
            UdpSocket::bind("10.0.0.2:9").unwrap()
        });
        let far_namespace = told.recv().unwrap();
        ip(&format!(
            "link add {NEAR} address 02:00:00:00:00:01 type veth \
             peer name far address 02:00:00:00:00:02 netns {far_namespace}"
        ));
        start.send(()).unwrap();
        let receiver = far.join().unwrap();
        receiver.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        ip(&format!("address add 10.0.0.1/24 dev {NEAR}"));
        ip(&format!("link set {NEAR} up"));
        ip(&format!("neighbour add 10.0.0.2 lladdr 02:00:00:00:00:02 dev {NEAR}"));
        let sender = UdpSocket::bind("10.0.0.1:9").unwrap();
        sender.connect("10.0.0.2:9").unwrap();
        Self { egress: EgressTrial::new(NEAR).unwrap(), sender, receiver }
    }

    /// What tc(8) tells of the interface: an object for each queueing discipline.
    pub(crate) fn tc(&self) -> Vec<Value> {
        let arguments = ["-s", "-j", "qdisc", "show", "dev", NEAR];
        let output = Command::new("tc").args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<Vec<Value>>(&output.stdout).unwrap()
    }

    /// Sends the number of each datagram.
    pub(crate) fn send(&self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            self.sender.send(&number.to_be_bytes()).unwrap();
        }
    }

    /// The number that arrives next.
    pub(crate) fn receive(&self) -> u32 {
        let mut bytes = [0; 4];
        assert_eq!(self.receiver.recv(&mut bytes).unwrap(), 4);
        u32::from_be_bytes(bytes)
    }
}
