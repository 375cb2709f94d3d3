//! The kernel takes the programs and selects the same frames with them. Ignored where Python, which attaches them, isn't installed.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod filter_support;
mod programs;

use std::{
    io::Write,
    process::{Command, ExitCode, Stdio},
};

use filter_support::{Frame, frames, random::filters};
use labnet::packet::Filter;
use libtest_mimic::{Arguments, Failed, Trial};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

const EXPRESSIONS: &str = include_str!("../fixtures/filter/expressions.txt");
/// Sends each frame through a socket with each program, and prints a line of 0 and 1 for each program.
const SCRIPT: &str = "
import ctypes, json, socket, struct, sys
SO_ATTACH_FILTER = 26
frames = [bytes.fromhex(line) for line in json.loads(sys.stdin.readline())]
for program in json.loads(sys.stdin.readline()):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    code = b''.join(struct.pack('HBBI', i['code'], i['jt'], i['jf'], i['k']) for i in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    theirs.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack('HxxxxxxP', len(program), ctypes.addressof(buffer)))
    theirs.setblocking(False)
    seen = ''
    for frame in frames:
        try:
            ours.send(frame)
        except PermissionError:
            pass
        try:
            theirs.recv(65536)
            seen += '1'
        except BlockingIOError:
            seen += '0'
    print(seen)
    ours.close()
    theirs.close()
";

fn main() -> ExitCode {
    let run = || -> Result<(), Failed> {
        compare();
        Ok(())
    };
    let trial = Trial::test("the_kernel_selects_the_same_frames", run);
    let trial = if programs::installed("python3") {
        trial
    } else {
        trial.with_kind("python3 is not installed").with_ignored_flag(true)
    };
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

fn compare() {
    let mut runner = TestRunner::deterministic();
    let mut random = || filters().new_tree(&mut runner).unwrap().current();
    let corpus = EXPRESSIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let long = (0..100).map(|port| format!("tcp[2:2] = {port}")).collect::<Vec<_>>().join(" or ");
    let filters: Vec<Filter> = corpus
        .map(str::to_owned)
        .chain(std::iter::repeat_with(&mut random).take(60))
        .chain([long])
        .map(|text| text.parse().unwrap())
        .collect();
    // To the kernel a frame has as many bytes as there are.
    let frames: Vec<Frame> = frames().into_iter().filter(|frame| !frame.bytes.is_empty()).collect();

    let mut python = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let hex = |frame: &Frame| frame.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let lines = [
        serde_json::to_string(&frames.iter().map(hex).collect::<Vec<String>>()).unwrap(),
        serde_json::to_string(&filters.iter().map(Filter::program).collect::<Vec<_>>()).unwrap(),
    ];
    let mut input = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || writeln!(input, "{}\n{}", lines[0], lines[1]).unwrap());
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());

    let seen = String::from_utf8(output.stdout).unwrap();
    assert_eq!(seen.lines().count(), filters.len());
    for (filter, seen) in filters.iter().zip(seen.lines()) {
        assert_eq!(seen.len(), frames.len());
        for (frame, seen) in frames.iter().zip(seen.chars()) {
            let ours = filter.matches(&frame.bytes, frame.bytes.len() as u32);
            assert_eq!(ours, seen == '1', "{filter}: {frame:?}");
        }
    }
}
