//! The folder of a report: what is in it, whatever was there before, and whatever happens.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Output, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::getuid,
};
use place::{Place, until};

/// A manual that sends something, with a topology that bends the link from the start.
const MANUAL: &str = "---
topology: two.toml
timeout: 20s
---
# A
```console
KALI$ ping -c 1 -q 10.10.10.2
...
$ labnet fault add lan --match icmp drop
...
```
";

fn place() -> Place {
    let place = Place::new();
    place.write("two.toml", place::TWO);
    place.write("m.md", MANUAL);
    place
}

fn output(mut command: Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.stdin(Stdio::null()).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// The names in the folder.
fn names(place: &Place) -> BTreeSet<String> {
    let entries = fs::read_dir(place.path().join("out")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_report_takes_the_place_of_an_earlier_one() {
    let place = place();
    assert_eq!(output(place.labnet("run m.md m.md --report out")).0, Some(0));
    let first = names(&place);
    assert_eq!(first.len(), 3, "{first:?}");
    // What others have put there stays, whatever it is called, and so does what a page only speaks of.
    let others = ["two-1-1-lan.pcapng", "mine.pcapng", "notes.txt"];
    for name in others {
        place.write(&format!("out/{name}"), "mine");
    }
    let quoting = MANUAL.replace(
        "# A\n",
        "# A\n<a href=\"mine.pcapng\">x</a> [x](mine.pcapng) href=\"notes.txt\"\n",
    );
    place.write("m.md", &quoting);
    for _ in 0..2 {
        assert_eq!(output(place.labnet("run m.md --report out")).0, Some(0));
        let now = names(&place);
        assert!(now.is_superset(&others.map(str::to_owned).into()), "{now:?}");
        assert_eq!(now.len(), others.len() + 2, "{now:?}");
        assert_eq!(now.intersection(&first).collect::<Vec<_>>(), ["index.html"]);
    }
    place.until_gone();
}

#[test]
fn a_page_that_is_no_report_stays() {
    let place = place();
    fs::create_dir(place.path().join("out")).unwrap();
    place.write("out/index.html", "<title>mine</title>");
    let told = "labnet: out/index.html is there and is no report: it is not overwritten\n";
    assert_eq!(output(place.labnet("run m.md --report out")), (Some(2), told.to_owned()));
    assert_eq!(
        fs::read_to_string(place.path().join("out/index.html")).unwrap(),
        "<title>mine</title>"
    );
    place.until_gone();
}

#[test]
fn on_a_full_disk_there_is_no_part_of_a_report() {
    let place = place();
    fs::create_dir(place.path().join("out")).unwrap();
    // Too small for the recording; for the page; for the page, but not by much.
    for pages in [1, 2, 3] {
        let size = pages * 4096;
        let script = format!(
            "mount -t tmpfs -o size={size} none out && touch out/mine && {labnet} run m.md --report out; echo $?; ls -A out",
            labnet = place::program().display()
        );
        // As a user, in a user namespace, where nothing of root's can be written but what is mounted.
        let mut command = place.command("unshare");
        match getuid().is_root() {
            true => command.args(["--mount", "sh", "-c", &script]),
            false => command
                .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
                .arg(format!("mount -t tmpfs none /run && {script}")),
        };
        let Output { stdout, stderr, .. } = command.stdin(Stdio::null()).output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(
            stderr.starts_with("labnet: cannot write the report into out: ")
                && stderr.contains("No space left on device"),
            "{size}: {stdout}{stderr}"
        );
        assert!(stdout.ends_with("\n2\nmine\n"), "{size}: {stdout}");
    }
    place.until_gone();
}

/// A signal in the moment in which the report is written.
#[test]
fn an_interrupted_report_is_whole() {
    let place = place();
    let mut run = place.labnet("run m.md --report out").stdout(Stdio::null()).spawn().unwrap();
    let pid = nix::unistd::Pid::from_raw(run.id().cast_signed());
    let out = place.path().join("out");
    until("a file of the report", || fs::read_dir(&out).is_ok_and(|mut all| all.next().is_some()));
    // It may be done by now.
    let _ = kill(pid, Signal::SIGINT);
    run.wait().unwrap();
    let there = names(&place);
    assert!(there.contains("index.html") && there.len() == 2, "{there:?}");
    assert!(!there.iter().any(|name| name.starts_with('.')), "{there:?}");
    place.until_gone();
}

/// The rows of the table of what the manual was done with.
fn environment(place: &Place) -> String {
    let page = fs::read_to_string(place.path().join("out/index.html")).unwrap();
    let (_, rows) = page.split_once("<dl>").unwrap();
    let rows = rows.split_once("</dl>").unwrap().0;
    rows.replace("<div><dt>", "").replace("</dt><dd>", ": ").replace("</dd></div>", "")
}

#[test]
fn the_report_says_what_it_takes_to_do_it_again() {
    let place = place();
    output(place.labnet("run m.md --report out"));
    let told = environment(&place);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let user = if getuid().is_root() { "root" } else { "without privileges" };
    for row in [
        concat!("labnet: ", env!("CARGO_PKG_VERSION")),
        "Topology: two.toml",
        "Seed: 1",
        &format!("Kernel: Linux {} {}", kernel.trim(), std::env::consts::ARCH),
        &format!("Run as: {user}"),
        // Which the manual only asks for when it is done.
        "Links bent by: userspace for lan (the kernel can't choose frames for faults)",
    ] {
        assert!(told.lines().any(|line| line == row), "{row}: {told}");
    }
    let bent = "seed = 7\nbackend = \"userspace\"\neach_way = { delay = \"1ms\" }\n[nodes.R3]\ninterfaces.eth0 = \"dc\"\n[networks.dc]\nsubnet = [\"10.1.1.0/24\"]\n";
    place.write("two.toml", &format!("{}{bent}", place::TWO));
    place.write("m.md", &MANUAL.replace("$ labnet fault add lan --match icmp drop\n...\n", ""));
    output(place.labnet("run m.md --report out"));
    let told = environment(&place);
    for row in
        ["Seed: 1 for dc; 7 for lan", "Links bent by: userspace for lan (the topology says so)"]
    {
        assert!(told.lines().any(|line| line == row), "{row}: {told}");
    }
    place.write("two.toml", place::TWO);
    output(place.labnet("run m.md --report out"));
    assert!(environment(&place).contains("Links bent by: none: no link was bent\n"));
    place.until_gone();
}
