//! The text of what is stable.

use std::fmt::{self, Write as _};

use super::{
    normalised::{Normalised, NormalisedFlows},
    roles::Macs,
    row::{Flow, Handshake},
    story::{Story, Turn},
    unit::{FlowProtocol, Side},
};

impl fmt::Display for Normalised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut macs = Macs::new(&self.names);
        for (who, whom, answers) in self.neighbours.iter() {
            write!(f, "{who} asks all for {whom}:")?;
            let answers: Vec<_> = answers.iter().map(|mac| macs.name(*mac)).collect();
            match answers.is_empty() {
                true => writeln!(f, " no answer")?,
                false => writeln!(f, " it is {}", answers.join(", "))?,
            }
        }
        let (told, roles) = self.told(body);
        for (flow, index, text) in told.iter().map(|(flow, text)| (flow, flow.number - 1, text)) {
            let protocol = flow.protocol;
            let [client, server] =
                [&flow.client, &flow.server].map(|end| roles.name(protocol, end));
            writeln!(f, "{protocol} {client} → {server}")?;
            if let Some(story) = self.story(index) {
                f.write_str(&hosts(story, flow, &mut macs))?;
            }
            f.write_str(text)?;
        }
        end(f, self)
    }
}

impl fmt::Display for NormalisedFlows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (told, roles) = self.normalised.told(coarse);
        for (flow, text) in &told {
            let protocol = flow.protocol;
            let [client, server] =
                [&flow.client, &flow.server].map(|end| roles.name(protocol, end));
            write!(f, "{protocol} {client} → {server}\n{text}")?;
        }
        end(f, self.normalised)
    }
}

fn end(f: &mut fmt::Formatter<'_>, normalised: &Normalised) -> fmt::Result {
    match normalised.untold + normalised.flows.unlisted() {
        0 => Ok(()),
        frames => writeln!(f, "{frames} frames are of more conversations, which are not told"),
    }
}

fn arrow(side: Side) -> char {
    match side {
        Side::Client => '→',
        Side::Server => '←',
    }
}

/// What each side's frames have in common.
fn hosts(story: &Story, flow: &Flow, macs: &mut Macs<'_>) -> String {
    let mut text = String::new();
    for side in Side::BOTH {
        let teller = &story.sides[side as usize];
        if teller.messages == 0 {
            let _ = writeln!(text, "  {} nothing", arrow(side));
            continue;
        }
        let links: Vec<_> = teller
            .links
            .iter()
            .map(|(from, to)| format!("{} to {}", macs.name(*from), macs.name(*to)))
            .collect();
        let ttls: Vec<_> = teller.ttls.iter().map(u8::to_string).collect();
        let _ =
            write!(text, "  {} {}, ttl {}", arrow(side), links.join(" and "), ttls.join(" and "));
        if flow.protocol == FlowProtocol::Tcp {
            let _ = write!(text, ", flags {}", teller.seen);
        }
        text.push('\n');
    }
    text
}

/// How a conversation went.
fn body(flow: &Flow, story: &Story) -> String {
    let mut text = String::new();
    for step in &story.opening {
        let seq = u8::from(!step.flags.contains(super::super::decode::TcpFlags::SYN));
        let _ = write!(text, "  {} {} seq={seq}", arrow(step.from), step.flags);
        if let Some(ack) = step.ack {
            let _ = write!(text, " ack={}", ack + 1);
        }
        let _ = writeln!(text, "{}", step.options);
    }
    let lost = |dropped: bool| if dropped { ", dropped" } else { "" };
    for (side, turn) in &story.turns {
        let _ = write!(text, "  {} ", arrow(*side));
        let _ = match turn {
            Turn::Data { start, length, missing: 0, flags, digest } => {
                writeln!(text, "seq={} len={length} {flags}, hash {digest}", start + 1)
            }
            Turn::Data { start, length, missing, flags, digest } => writeln!(
                text,
                "seq={} len={} {flags}, {missing} bytes missing, hash {digest}",
                start + 1,
                length + missing
            ),
            Turn::Datagram { length, digest, dropped } => {
                writeln!(text, "len={length}, hash {digest}{}", lost(*dropped))
            }
            Turn::Echo { reply, sequence, length, dropped } => {
                let kind = if *reply { "reply" } else { "request" };
                writeln!(text, "echo {kind} seq={sequence} len={length}{}", lost(*dropped))
            }
            Turn::Error { kind, code, from } => {
                writeln!(text, "ICMP error type {kind} code {code} from {from}")
            }
        };
    }
    if story.omitted > 0 {
        let _ = writeln!(text, "  and {} turns more", story.omitted);
    }
    ending(&mut text, flow, story);
    text
}

/// What is stable of each direction by itself.
fn coarse(flow: &Flow, story: &Story) -> String {
    let mut text = String::new();
    if let Some(handshake) = flow.handshake {
        let _ = writeln!(text, "  handshake {handshake}");
    }
    for side in Side::BOTH {
        let teller = &story.sides[side as usize];
        let _ = write!(text, "  {} ", arrow(side));
        let _ = match flow.protocol {
            FlowProtocol::Tcp => write!(text, "{} bytes", teller.bytes + teller.missing),
            FlowProtocol::Udp => {
                write!(text, "{} bytes in {} datagrams", teller.bytes, teller.messages)
            }
            FlowProtocol::Icmp | FlowProtocol::Icmpv6 => {
                write!(text, "{} bytes in {} echoes", teller.bytes, teller.messages)
            }
        };
        if teller.missing > 0 {
            let _ = write!(text, ", {} of them missing", teller.missing);
        }
        if teller.dropped > 0 && flow.protocol != FlowProtocol::Tcp {
            let _ = write!(text, ", {} of them dropped", teller.dropped);
        }
        let hashed = matches!(flow.protocol, FlowProtocol::Tcp | FlowProtocol::Udp);
        if hashed && teller.bytes > 0 {
            let _ = write!(text, ", hash {}", teller.digest());
        }
        text.push('\n');
    }
    ending(&mut text, flow, story);
    text
}

fn ending(text: &mut String, flow: &Flow, story: &Story) {
    if flow.protocol != FlowProtocol::Tcp {
        return;
    }
    let again: Vec<_> = Side::BOTH
        .into_iter()
        .filter(|side| story.sides[*side as usize].repeats(flow.end(*side).retransmissions))
        .map(|side| side.to_string())
        .collect();
    let again = if again.is_empty() {
        String::new()
    } else {
        format!("; sent again by {}", again.join(" and "))
    };
    let closing = match flow.handshake {
        Some(Handshake::Unanswered) => "never open".to_owned(),
        _ => flow.closing.to_string(),
    };
    let _ = writeln!(text, "  {closing}{again}");
}
