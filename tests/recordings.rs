//! Recordings: what is written is read again, and so is what others may write.

#![allow(clippy::unwrap_used)] // also in the helpers of tests

mod recording_support;

use std::io;

use labnet::packet::{Frame, Interface, Section, Statistics, Writer};
use recording_support::{Rich, datagram, frame, read_all};

#[test]
fn everything_written_is_read() {
    let rich = Rich::new();
    let read = read_all(&rich.written()[..]);
    assert_eq!(read.section, rich.section);
    assert_eq!(read.interfaces, rich.interfaces);
    assert_eq!(read.frames, rich.frames);
    assert_eq!(read.statistics, rich.statistics.map(Some));
}

#[test]
fn a_recording_may_have_no_frame_and_no_interface() {
    let bytes = Writer::new(Vec::new(), &Section::default()).unwrap().into_inner();
    let read = read_all(&bytes[..]);
    assert_eq!((read.frames.len(), read.interfaces.len()), (0, 0));
    assert_eq!(read.section, Section::default());
}

#[test]
fn what_is_written_is_a_recording_at_any_time() {
    let mut writer = Writer::new(Vec::new(), &Section::default()).unwrap();
    let interface = writer.add_interface(&Interface::ethernet("R2:eth0")).unwrap();
    for count in 1..=3 {
        writer.write(&frame(interface, count, &datagram(1))).unwrap();
        assert_eq!(read_all(&writer.get_ref()[..]).frames.len() as u64, count);
    }
}

#[test]
fn times_are_rounded_down_to_the_interfaces_digits() {
    for (digits, time) in
        [(9, 1_999_999_999), (6, 1_999_999_000), (3, 1_999_000_000), (0, 1_000_000_000)]
    {
        let mut writer = Writer::new(Vec::new(), &Section::default()).unwrap();
        writer.add_interface(&Interface { digits, ..Interface::ethernet("R2:eth0") }).unwrap();
        writer.write(&frame(0, 1_999_999_999, &datagram(1))).unwrap();
        let read = read_all(&writer.into_inner()[..]);
        assert_eq!((read.interfaces[0].digits, read.frames[0].time), (digits, time));
    }
}

#[test]
fn the_last_statistics_count() {
    let mut writer = Writer::new(Vec::new(), &Section::default()).unwrap();
    for name in ["R2:eth0", "KALI:eth0"] {
        writer.add_interface(&Interface::ethernet(name)).unwrap();
    }
    for received in [Some(1), Some(2)] {
        writer.statistics(1, &Statistics { received, ..Statistics::default() }).unwrap();
    }
    let last = Statistics { received: Some(2), ..Statistics::default() };
    assert_eq!(read_all(&writer.into_inner()[..]).statistics, [None, Some(last)]);
}

#[test]
fn what_pcapng_has_no_room_for_is_refused_and_leaves_nothing() {
    let long = || Some("x".repeat(70_000));
    let section = Section { os: long(), ..Section::default() };
    assert_eq!(Writer::new(io::sink(), &section).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    let mut writer = Writer::new(Vec::new(), &Section::default()).unwrap();
    let refused = |result: io::Result<()>| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        error.to_string()
    };
    for wrong in [
        Interface { name: long(), ..Interface::ethernet("") },
        Interface { filter: long(), ..Interface::ethernet("") },
        Interface { digits: 10, ..Interface::ethernet("") },
    ] {
        refused(writer.add_interface(&wrong).map(drop));
    }
    let bytes = datagram(1);
    let unknown = refused(writer.write(&frame(0, 0, &bytes)));
    assert_eq!(unknown, "interface 0 of a recording with 0 of them");
    refused(writer.statistics(0, &Statistics::default()));
    writer.add_interface(&Interface::ethernet("R2:eth0")).unwrap();
    let short = Frame { length: 42, ..frame(0, 0, &bytes) };
    assert_eq!(refused(writer.write(&short)), "43 bytes of a frame that is said to have 42");
    refused(writer.write(&Frame { comments: vec![long().unwrap()], ..frame(0, 0, &bytes) }));
    refused(
        writer.write(&Frame { comments: vec!["x".repeat(60_000); 300], ..frame(0, 0, &bytes) }),
    );
    refused(writer.write(&frame(0, 0, &vec![0; 17 << 20])));
    writer.write(&frame(0, 0, &bytes)).unwrap();
    let read = read_all(&writer.into_inner()[..]);
    assert_eq!((read.interfaces.len(), read.frames.len()), (1, 1));
}
