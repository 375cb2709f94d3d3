//! What a capture of a link tells of each segment and datagram: who sent it, when it left and when it arrived.
#![allow(dead_code, reason = "each test binary uses a part of this")]

use std::{collections::HashMap, net::IpAddr, time::Duration};

use labnet::{
    Capture, Lab, Program, TestResult,
    packet::{
        Crossings, Direction, FlowOptions, Network, Packet,
        decode::TcpFlags,
        flow::{FlowDetail, Measure},
    },
};

/// KALI asks, R2 answers.
pub(crate) const KALI: &str = "10.10.10.3";
/// R2 answers.
pub(crate) const R2: &str = "10.10.10.2";

/// What passes between clients and servers of probes, without frames of ARP and those that went before to spare them.
pub(crate) const PROBE: &str = "port 5004";

/// A segment or datagram that was sent over the link.
#[derive(Debug, Clone)]
pub(crate) struct Passed {
    /// Who sent it.
    pub(crate) from: IpAddr,
    /// When it left, in ns since 1970.
    pub(crate) sent: u64,
    /// When it arrived, if it did as it was.
    pub(crate) arrived: Option<u64>,
    /// None: a datagram.
    pub(crate) tcp: Option<Numbers>,
    pub(crate) data: Vec<u8>,
    /// What was noted about it.
    pub(crate) comments: Vec<String>,
}

/// What is of interest of a TCP header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    pub(crate) flags: TcpFlags,
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: u32,
}

impl Passed {
    pub(crate) fn is_from(&self, address: &str) -> bool {
        self.from.to_string() == address
    }

    pub(crate) fn has(&self, flag: TcpFlags) -> bool {
        self.tcp.is_some_and(|tcp| tcp.flags.contains(flag))
    }

    /// Whether it is a segment that acknowledges and nothing else.
    pub(crate) fn is_bare_ack(&self) -> bool {
        let other = TcpFlags(TcpFlags::SYN.0 | TcpFlags::FIN.0 | TcpFlags::RST.0);
        let acknowledges = self
            .tcp
            .is_some_and(|tcp| tcp.flags.contains(TcpFlags::ACK) && !tcp.flags.intersects(other));
        acknowledges && self.data.is_empty()
    }

    /// Whether this one's acknowledgment covers all of that segment.
    pub(crate) fn acknowledges(&self, segment: &Self) -> bool {
        let (Some(own), Some(other)) = (self.tcp, segment.tcp) else { return false };
        let end = other.sequence.wrapping_add(segment.data.len() as u32);
        self.from != segment.from && own.acknowledgment.wrapping_sub(end) < 1 << 31
    }
}

/// The segments and datagrams in a capture of the lab's one link, in the order in which they were sent.
pub(crate) fn passed(capture: &Capture) -> TestResult<Vec<Passed>> {
    let (mut reader, mut crossings) = (capture.reader()?, Crossings::new([[0, 1]]));
    let (mut all, mut places, mut number) = (Vec::new(), HashMap::new(), 0);
    let mut arrivals = Vec::new();
    while let Some(frame) = reader.next_frame()? {
        number += 1;
        arrivals.extend(crossings.push(number, &frame));
        if frame.direction != Some(Direction::Out) {
            continue;
        }
        let packet = Packet::decode(&frame.bytes, frame.length);
        let Some(Network::Ipv4(ip)) = &packet.network else { continue };
        let tcp = packet.tcp().map(|tcp| Numbers {
            flags: tcp.flags,
            sequence: tcp.sequence,
            acknowledgment: tcp.acknowledgment,
        });
        places.insert(number, all.len());
        all.push(Passed {
            from: ip.source.into(),
            sent: frame.time,
            arrived: None,
            tcp,
            data: packet.payload.bytes.to_vec(),
            comments: frame.comments.clone(),
        });
    }
    arrivals.extend(crossings.finish());
    for crossing in arrivals {
        let Some(place) = crossing.sent.and_then(|sent| places.get(&sent.number)) else { continue };
        let passed: &mut Passed = &mut all[*place];
        passed.arrived = passed.arrived.or(crossing.received.map(|received| received.time));
    }
    Ok(all)
}

/// Those with data from one side of a connection, without what was sent again: a busy machine has TCP do so without need.
pub(crate) fn first_sent(all: &[Passed], from: &str) -> Vec<Passed> {
    let (mut new, mut end) = (Vec::new(), None::<u32>);
    for each in all.iter().filter(|each| each.is_from(from) && !each.data.is_empty()) {
        let Some(tcp) = each.tcp else { continue };
        let beyond = tcp.sequence.wrapping_add(each.data.len() as u32);
        if end.is_none_or(|end| (1..1 << 31).contains(&beyond.wrapping_sub(end))) {
            end = Some(beyond);
            new.push(each.clone());
        }
    }
    new
}

/// The measures of the capture's first conversation.
pub(crate) fn detail(capture: &Capture) -> TestResult<FlowDetail> {
    let (mut reader, mut measure) = (capture.reader()?, Measure::new(1, FlowOptions::default()));
    while let Some(frame) = reader.next_frame()? {
        measure.add(&frame);
    }
    Ok(measure.finish().ok_or("no conversation")?)
}

/// Starts a server of probes on R2's port 5004, and has both hosts know each other's Ethernet address.
pub(crate) async fn serve(lab: &Lab, options: &str) -> TestResult<Program> {
    let command = format!("labnet probe serve 10.10.10.2:5004 {options}");
    let server = lab.node("R2").command(&command).spawn().await?;
    server.ready("tcp:5004").await?;
    warm(lab).await?;
    Ok(server)
}

/// Has both hosts know each other's Ethernet address, so that no frame waits for ARP.
pub(crate) async fn warm(lab: &Lab) -> TestResult {
    let server = lab.node("R2").udp_bind("10.10.10.2:9".parse()?).await?;
    let client = lab.node("KALI").udp_bind("10.10.10.3:9".parse()?).await?;
    client.send_to(b"?", server.local_addr()?).await?;
    let patience = Duration::from_secs(30);
    let (_, peer) = tokio::time::timeout(patience, server.recv_from(&mut [0; 1])).await??;
    server.send_to(b"!", peer).await?;
    tokio::time::timeout(patience, client.recv_from(&mut [0; 1])).await??;
    Ok(())
}
