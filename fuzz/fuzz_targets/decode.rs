//! Any bytes as a sequence of frames: decoded, listed and told in detail; text is UTF-8, payloads lie within their frames.

#![no_main]

use labnet::packet::{
    Frame, Interface, Packet,
    detail::{Detail, Hex},
    list::{Column, Columns, List},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let ethernet = Interface::ethernet("R2:eth0");
    let raw = Interface { link_type: 101, digits: 6, ..ethernet.clone() };
    let columns = Columns::new(Column::ALL.map(|(_, column)| column));
    let mut list = List::new();
    let (mut text, mut time, mut rest) = (Vec::new(), 1 << 60, bytes);
    // Each frame behind four bytes: its length, how much more the wire had, how much later it passed, its link layer.
    while let [length, more, later, link, behind @ ..] = rest {
        let (frame, behind) = behind.split_at(behind.len().min(usize::from(*length) * 2));
        rest = behind;
        time += u64::from(*later) * 500_000;
        let frame = Frame {
            interface: 0,
            time,
            length: frame.len() as u32 + u32::from(*more),
            direction: None,
            comments: Vec::new(),
            bytes: frame.into(),
        };
        check(&Packet::decode(&frame.bytes, frame.length));
        let interface = if link % 8 == 7 { &raw } else { &ethernet };
        let row = list.row(&frame, interface);
        check(&row.insight.packet);
        row.write(&columns, &mut text);
        serde_json::to_string(&row).expect("a row is JSON");
        let detail = Detail::new(&row, &frame, interface);
        assert!(detail.to_string().len() < 1 << 20);
        assert_eq!(Hex(&frame.bytes).to_string().lines().count(), frame.bytes.len().div_ceil(16));
        assert!(std::str::from_utf8(&text).is_ok());
        text.clear();
    }
});

fn check(packet: &Packet<'_>) {
    assert!(packet.payload.bytes.len() as u64 <= u64::from(packet.payload.length));
    assert!(packet.segment.bytes.len() as u64 <= u64::from(packet.segment.length));
    packet.checksums();
}
