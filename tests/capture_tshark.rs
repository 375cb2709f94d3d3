//! What is captured in a running lab, beside tshark and capinfos: they read it, live too, and list what `labnet packets` does;
//! ignored where they aren't installed.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;
mod programs;
mod scenes;
#[path = "packets/tshark.rs"]
mod tshark;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, ExitCode, Stdio},
    sync::Arc,
};

use labnet::{Capture, Fault, Lab, TestResult, packet::Statistics};
use libtest_mimic::{Arguments, Trial};
use nix::sys::signal::Signal;
use place::Place;
use programs::installed;
use scenes::{Scene, scenes};
use tempfile::TempDir;
use tshark::{Tshark, missing};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let why_not = missing();
    let tshark = (why_not.is_none() && !arguments.list).then(|| Arc::new(Tshark::new()));
    let trial = |name: String, needs: &[&str], test: Box<dyn FnOnce(&Tshark) + Send>| {
        let tshark = tshark.clone();
        let trial = Trial::test(name, move || {
            test(&*tshark.ok_or("tshark was not looked for")?);
            Ok(())
        });
        let lacking = needs.iter().find(|program| !installed(program));
        let lacking = lacking.map(|program| format!("{program} is not installed"));
        match why_not.clone().or(lacking) {
            None => trial,
            Some(why) => trial.with_kind(why).with_ignored_flag(true),
        }
    };
    let live = Box::new(tshark_follows_a_capture);
    let mut trials = vec![trial("tshark_follows_a_capture_while_it_runs".into(), &[], live)];
    let told = Box::new(tshark_tells_what_a_wire_did);
    trials.push(trial("tshark_tells_what_a_wire_did".into(), &[], told));
    for scene in scenes() {
        let name = format!("listed_alike_{}", scene.name);
        let needs: Vec<_> = scene.needs.iter().copied().chain(["capinfos"]).collect();
        let test = Box::new(move |tshark: &Tshark| listed_alike(tshark, &scene));
        trials.push(trial(name, &needs, test));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// tshark prints each frame before the next is sent, and both end well.
fn tshark_follows_a_capture(tshark: &Tshark) {
    let place = Place::new();
    place.two();
    let mut capture = place.labnet("capture lan -w - -f udp");
    let mut capture = capture.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(capture.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    assert_eq!(line, "labnet: capturing on lan\n");
    let mut tshark = tshark.command();
    tshark.args(["-n", "-l", "-r", "-"]).stdin(capture.stdout.take().unwrap());
    let mut tshark = tshark.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut list = BufReader::new(tshark.stdout.take().unwrap());
    for length in [3, 5, 8] {
        let mut send = place.labnet("exec KALI -- sh -c");
        let said = "x".repeat(length - 1);
        send.arg(format!("echo {said} | labnet nc -u -N 10.10.10.2 7000"));
        // How the sender takes that nobody listens is not of interest here.
        send.output().unwrap();
        for end in ["KALI:eth0", "R2:eth0"] {
            let mut line = String::new();
            list.read_line(&mut line).unwrap();
            let expected = format!("→ 7000 Len={length}\n");
            assert!(line.ends_with(&expected), "at {end} no {expected} in {line:?}");
        }
    }
    place.client("capture").signal(Signal::SIGINT);
    assert!(capture.wait().unwrap().success());
    let (mut rest, mut said) = (String::new(), String::new());
    list.read_to_string(&mut rest).unwrap();
    tshark.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(tshark.wait().unwrap().success(), "{said}");
    assert_eq!(rest, "");
    let warnings = said.lines().filter(|line| !line.starts_with("Running as user"));
    assert_eq!(warnings.collect::<Vec<_>>(), Vec::<&str>::new());
}

/// What a wire does to frames is in their comments.
fn tshark_tells_what_a_wire_did(tshark: &Tshark) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("wire.pcapng");
    let captured = async {
        let lab = Lab::up("@sockets").await?;
        let sender = lab.node("KALI").udp_bind("10.10.10.3:0".parse()?).await?;
        let link = lab.link("R2--KALI");
        let dropped = link.fault(Fault::drop().matching("udp[8] = 2")).await?;
        let held = link.fault(Fault::hold().matching("udp[8] = 3")).await?;
        let capture = link.capture().only_sent().filter("udp").start().await?;
        for byte in 1..=4 {
            sender.send_to(&[byte], "10.10.10.2:7000").await?;
        }
        capture.stop().await?.save(&file)?;
        let numbers = (dropped.number(), held.number());
        lab.down().await?;
        TestResult::Ok(numbers)
    };
    let (dropped, held) = runtime.block_on(captured).unwrap();
    let told = tshark.run(&file, &["-T", "fields", "-e", "frame.number", "-e", "frame.comment"]);
    let expected =
        format!("1\t\n2\tlabnet: dropped (fault {dropped})\n3\tlabnet: held (fault {held})\n4\t\n");
    assert_eq!(told, expected);
}

/// Captures a scene at R2's interface and at both ends of the link, and has all read both.
fn listed_alike(tshark: &Tshark, scene: &Scene) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = TempDir::new().unwrap();
    let [end, link] = ["end.pcapng", "link.pcapng"].map(|name| folder.path().join(name));
    let captured = async {
        fs::write(folder.path().join("lab.toml"), scene.topology())?;
        let lab = Lab::up(folder.path().join("lab.toml")).await?;
        let at_end = lab.node("R2").capture("eth0").start().await?;
        let at_link = lab.link("lan").capture().start().await?;
        (scene.play)(&lab).await?;
        let captures = [at_end.stop().await?, at_link.stop().await?];
        lab.down().await?;
        captures[0].save(&end)?;
        captures[1].save(&link)?;
        TestResult::Ok(captures)
    };
    let captures = runtime.block_on(captured).unwrap();
    for (capture, path) in captures.iter().zip([&end, &link]) {
        compare(tshark, scene, path);
        is_told_without_warning(capture, path);
        has_frames_as_on_a_wire(capture, scene.offload);
    }
}

fn compare(tshark: &Tshark, scene: &Scene, path: &Path) {
    let output = Command::new(place::program()).arg("packets").arg(path).output().unwrap();
    assert!(output.status.success());
    let ours = String::from_utf8(output.stdout).unwrap();
    let theirs = tshark.list(path);
    let lines = theirs.lines().zip(ours.lines());
    let different: Vec<_> = lines.filter(|(theirs, ours)| theirs != ours).take(10).collect();
    assert!(different.is_empty(), "tshark, and the list:\n{different:#?}");
    assert_eq!(theirs.lines().count(), ours.lines().count(), "lines");
    for expected in scene.shows {
        assert!(ours.contains(expected), "no {expected:?} in:\n{ours}");
    }
    let said = String::from_utf8(output.stderr).unwrap();
    let notes = said.lines().filter(|line| line.contains("offload is on")).count();
    assert_eq!((notes > 0, notes), (scene.offload, said.lines().count()), "{said}");
}

/// capinfos tells as many frames as there are, and of each interface the counts at the end.
fn is_told_without_warning(capture: &Capture, path: &Path) {
    let output = Command::new("capinfos").arg("-M").arg(path).env("LC_ALL", "C.UTF-8").output();
    let output = output.unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    let told = String::from_utf8(output.stdout).unwrap();
    let mut reader = capture.reader().unwrap();
    let mut frames = [0; 2];
    while let Some(frame) = reader.next_frame().unwrap() {
        frames[frame.interface] += 1;
    }
    let interfaces = reader.interfaces().len();
    let all: u64 = frames.iter().sum();
    assert_eq!((capture.frames().unwrap(), capture.dropped()), (all, 0));
    let words: String = told.split_whitespace().map(|word| format!("{word} ")).collect();
    assert!(words.contains(&format!("Number of packets: {all} ")), "{told}");
    assert_eq!(words.matches("Number of stat entries = 1").count(), interfaces, "{told}");
    for (counted, statistics) in frames.iter().zip(reader.statistics()) {
        let statistics = statistics.unwrap();
        let Statistics { accepted, dropped, delivered, .. } = statistics;
        assert_eq!((accepted, dropped, delivered), (Some(*counted), Some(0), Some(*counted)));
        assert!(words.contains(&format!("Number of packets = {counted} ")), "{told}");
    }
}

/// No frame is longer than the MTU allows, unless others may cut them: then some are.
fn has_frames_as_on_a_wire(capture: &Capture, offload: bool) {
    let (mut reader, mut longest) = (capture.reader().unwrap(), 0);
    while let Some(frame) = reader.next_frame().unwrap() {
        longest = longest.max(frame.length);
    }
    assert_eq!(longest > 1514, offload, "{longest}");
}
