//! Recordings and the programs that others wrote for them: they read ours, and we read theirs as they do; ignored where they
//! aren't installed.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod programs;
mod recording_support;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use labnet::packet::{Direction, Frame, Interface, Section, Writer};
use libtest_mimic::{Arguments, Trial};
use programs::installed;
use recording_support::{Contents, Made, Rich, read_all};
use tempfile::TempDir;

fn main() -> ExitCode {
    let mut trials = vec![
        trial(&["tshark"], "tshark_reads_what_is_written", tshark_reads_what_is_written),
        trial(&["capinfos"], "capinfos_tells_what_is_written", capinfos_tells_what_is_written),
        trial(&["tcpdump"], "tcpdump_reads_what_is_written", tcpdump_reads_what_is_written),
        trial(&["editcap"], "editcap_converts_what_is_written", editcap_converts_what_is_written),
        trial(&["mergecap"], "merged_recordings_keep_their_interfaces", merged),
    ];
    for (name, bytes) in foreign() {
        let what = format!("tshark_and_labnet_agree_on_{}", name.replace(['.', '-', ' '], "_"));
        trials.push(trial(&["tshark"], &what, move || agree(&bytes)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A test that needs programs.
fn trial(needs: &[&str], name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    let trial = Trial::test(name, move || {
        test();
        Ok(())
    });
    match needs.iter().find(|program| !installed(program)) {
        None => trial,
        Some(missing) => {
            trial.with_kind(format!("{missing} is not installed")).with_ignored_flag(true)
        }
    }
}

/// Runs a program that must find nothing to warn of, and returns its output.
fn quiet(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).env("LC_ALL", "C.UTF-8").output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    // What they say to anybody.
    let warnings: Vec<_> = errors
        .lines()
        .filter(|line| {
            !line.starts_with("Running as user") && !line.starts_with("reading from file")
        })
        .collect();
    assert!(
        output.status.success() && warnings.is_empty(),
        "{program}: {}\n{errors}",
        output.status
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A folder with a recording in it, and its path. (AppArmor lets tcpdump have no files but those with such names.)
fn kept(bytes: &[u8]) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("recording.pcapng");
    fs::write(&path, bytes).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

/// A frame as tshark tells it: its time, lengths, interface, direction and comments. No dissector sees it: what it is doesn't matter.
fn tshark(path: &str) -> Vec<String> {
    let mut words = vec!["-r", path, "-T", "fields", "--disable-protocol", "eth"];
    for field in [
        "frame.time_epoch",
        "frame.len",
        "frame.cap_len",
        "frame.interface_name",
        "frame.packet_flags_direction",
        "frame.comment",
    ] {
        words.extend(["-e", field]);
    }
    quiet("tshark", &words).lines().map(str::to_owned).collect()
}

/// The same of what we read.
fn told(contents: &Contents) -> Vec<String> {
    let told = |frame: &Frame<'_>| {
        let Frame { interface, time, length, direction, comments, bytes } = frame;
        let time = format!("{}.{:09}", time / 1_000_000_000, time % 1_000_000_000);
        let name = contents.interfaces[*interface].name.as_deref().unwrap_or_default();
        let direction = match direction {
            None => "",
            Some(Direction::In) => "0x00000001",
            Some(Direction::Out) => "0x00000002",
        };
        let (kept, comments) = (bytes.len(), comments.join(","));
        format!("{time}\t{length}\t{kept}\t{name}\t{direction}\t{comments}")
    };
    contents.frames.iter().map(told).collect()
}

fn tshark_reads_what_is_written() {
    let rich = Rich::new();
    let written = rich.written();
    let (_folder, path) = kept(&written);
    assert_eq!(tshark(&path), told(&read_all(&written[..])));
    let list = quiet("tshark", &["-n", "-r", &path]);
    assert_eq!(list.lines().count(), rich.frames.len());
    assert!(list.contains("UDP 42 5001 → 5002 Len=0"), "{list}");
}

fn capinfos_tells_what_is_written() {
    let (_folder, path) = kept(&Rich::new().written());
    let told = quiet("capinfos", &["-M", &path]);
    for expected in [
        "File type:           pcapng",
        "Number of packets:   7",
        "Capture hardware:    a bench",
        "Capture oper-sys:    Linux 6.12.0",
        "Capture application: labnet 0.1.0",
        "Capture comment:     the second: größer",
        "Number of interfaces in file: 2",
        "Name = R2:eth0",
        "Description = towards KALI",
        "Encapsulation = Ethernet (1 - ether)",
        "Time precision = nanoseconds (9)",
        "Filter string = tcp port 5001",
        "Operating system = Linux",
        "Number of stat entries = 1",
        "Number of packets = 6",
        "Capture length = 96",
        "Time precision = microseconds (6)",
    ] {
        assert!(told.contains(expected), "no {expected} in:\n{told}");
    }
}

/// A recording that libpcap reads, which wants the same link type and snap length everywhere, and which tells no directions.
fn plain() -> (Vec<u8>, Vec<Frame<'static>>) {
    let mut writer = Writer::new(Vec::new(), &Section::default()).unwrap();
    for name in ["R2:eth0", "KALI:eth0"] {
        writer.add_interface(&Interface::ethernet(name)).unwrap();
    }
    let mut frames = Rich::new().frames;
    for frame in &mut frames {
        (frame.direction, frame.comments) = (None, Vec::new());
        writer.write(frame).unwrap();
    }
    for frame in &mut frames {
        frame.interface = 0;
    }
    (writer.into_inner(), frames)
}

fn tcpdump_reads_what_is_written() {
    let (written, mut frames) = plain();
    let (_folder, path) = kept(&written);
    let list = quiet("tcpdump", &["-n", "-r", &path]);
    assert_eq!(list.lines().count(), frames.len());
    assert!(list.contains("10.10.10.3.5001 > 10.10.10.2.5002: UDP, length 5"), "{list}");

    let again = format!("{path}.pcap");
    quiet("tcpdump", &["-r", &path, "-w", &again, "--time-stamp-precision=nano"]);
    assert_eq!(read_all(File::open(&again).unwrap()).frames, frames);
    quiet("tcpdump", &["-r", &path, "-w", &again]);
    for frame in &mut frames {
        frame.time -= frame.time % 1000;
    }
    assert_eq!(read_all(File::open(&again).unwrap()).frames, frames);
}

fn editcap_converts_what_is_written() {
    let rich = Rich::new();
    let (_folder, path) = kept(&rich.written());
    let again = format!("{path}.pcap");
    quiet("editcap", &["-F", "pcapng", &path, &again]);
    let read = read_all(File::open(&again).unwrap());
    assert_eq!(read.frames, rich.frames);
    assert_eq!(read.interfaces[0].name, rich.interfaces[0].name);
    assert_eq!(read.interfaces[0].filter, rich.interfaces[0].filter);

    let (written, frames) = plain();
    fs::write(&path, written).unwrap();
    quiet("editcap", &["-F", "nsecpcap", &path, &again]);
    assert_eq!(read_all(File::open(&again).unwrap()).frames, frames);
}

fn merged() {
    let rich = Rich::new();
    let (_folder, path) = kept(&rich.written());
    let merged = format!("{path}.pcap");
    quiet("mergecap", &["-I", "none", "-w", &merged, &path, &path]);
    let read = read_all(File::open(&merged).unwrap());
    assert_eq!(read.frames.len(), 2 * rich.frames.len());
    let names: Vec<_> = read.interfaces.iter().filter_map(|one| one.name.as_deref()).collect();
    assert_eq!(names, ["R2:eth0", "KALI:eth0", "R2:eth0", "KALI:eth0"]);
    assert_eq!(tshark(&merged), told(&read));
}

/// Recordings that labnet hasn't written.
fn foreign() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut all: Vec<_> = paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect();
    assert!(all.len() >= 3, "the recordings of tcpdump and dumpcap are there");
    for (order, big) in [("little-endian", false), ("big-endian", true)] {
        all.push((format!("clocks {order}"), clocks(big)));
        all.push((format!("sections from {order}"), sections(big)));
        all.push((format!("old blocks {order}"), old_blocks(big)));
    }
    all
}

/// An interface for each of many clocks.
fn clocks(big: bool) -> Vec<u8> {
    let resolutions = [0, 1, 3, 4, 6, 8, 9, 10, 12, 19, 0x80, 0x81, 0x8a, 0x94, 0xa0, 0xbf];
    let mut made = Made::new(big).section(&[]);
    for resolution in resolutions {
        made = made.interface(0, &[(2, b"any"), (9, &[resolution])]);
    }
    for (offset, resolution) in [(1_764_000_000_i64, 6_u8), (-2, 9)] {
        let offset = Made::new(big).u64(offset.cast_unsigned());
        made = made.interface(0, &[(2, b"any"), (9, &[resolution]), (14, &offset)]);
    }
    for interface in 0..resolutions.len() as u32 + 2 {
        made = made.packet(interface, 8_713_391_381, b"frame");
    }
    made.bytes
}

/// Sections of either byte order; the interfaces' names are the same, since tshark 4.0 looks for all of them in the first section.
fn sections(big: bool) -> Vec<u8> {
    let flags = |big, flags| Made::new(big).u32(flags);
    Made::new(big)
        .section(&[])
        .interface(0, &[(2, b"any")])
        .packet_with(0, 1, b"1", &[(1, b"one"), (2, &flags(big, 1))])
        .order(!big)
        .section(&[(1, b"the second")])
        .interface(0, &[(2, b"any"), (9, &[9])])
        .interface(0, &[(2, b"any")])
        .packet_with(1, 2, b"22", &[(2, &flags(!big, 2)), (1, b"two"), (1, b"too")])
        .packet(0, 3, b"333")
        .bytes
}

/// What writers no longer write, and what readers pass over; no custom block, which tshark 4.0 takes for a packet.
fn old_blocks(big: bool) -> Vec<u8> {
    let interface = |number: u32| if big { number << 16 } else { number };
    Made::new(big)
        .section(&[])
        .interface(0, &[(2, b"first")])
        .interface(0, &[(2, b"second"), (9, &[9])])
        .block(2, &[interface(1), 0, 77, 2, 60], b"fg", &[(1, b"old")])
        .block(0x8000_0001, &[], b"anything", &[])
        .block(4, &[0], &[], &[])
        .block(2, &[interface(0), 1, 78, 1, 1], b"h", &[])
        .bytes
}

fn agree(bytes: &[u8]) {
    let (_folder, path) = kept(bytes);
    let contents = read_all(bytes);
    assert!(!contents.frames.is_empty());
    assert_eq!(told(&contents), tshark(&path));
}
