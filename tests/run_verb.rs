//! `labnet run` as people use it.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;

use std::{
    fs,
    io::Read,
    process::{Command, Output, Stdio},
};

use nix::sys::signal::{Signal, kill};
use place::{Place, until};

/// A manual with something that is not so.
const WRONG: &str = "---
topology: two.toml
timeout: 20s
roles: { speaker: echo said }
---
# A manual
## Right
```console,points=3
R2$ echo it is so
it is so
```
## Wrong
1. In a list:

   ```console,points=2
   R2$ printf 'first 17\\nsecond\\nthird\\n'
   first [..]
   2nd
   third
   R2$ echo never
   never
   ```
## A role
```console
KALI$ echo said hello
said hello
```
";

fn place() -> Place {
    let place = Place::new();
    place.write("two.toml", place::TWO);
    place.write("m.md", WRONG);
    place
}

fn output(mut command: Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// Less what differs from run to run: the time, and the frames on the wire before.
fn stable(text: &str) -> String {
    let time = |line: &str| match line.rsplit_once(" in ") {
        Some((before, after)) if after.contains(" s") => {
            let rest = after.split_once(" s").map_or("", |(_, rest)| rest);
            format!("{before} in [TIME]{rest}")
        }
        _ => line.to_owned(),
    };
    text.lines().map(|line| time(line) + "\n").collect()
}

#[test]
fn a_failure_shows_where_and_what() {
    let place = place();
    let (code, out, errors) = output(place.labnet("run m.md"));
    assert_eq!((code, errors.as_str()), (Some(1), ""));
    insta::assert_snapshot!(stable(&out));
    place.until_gone();
}

#[test]
fn several_manuals_run_at_once_and_are_told_in_order() {
    let place = place();
    place.write("good.md", &WRONG.replace("2nd", "second"));
    let (code, out, _) = output(place.labnet("run good.md m.md good.md -j 3"));
    assert_eq!(code, Some(1));
    let lines: Vec<&str> = out.lines().filter(|line| line.contains(" passed")).collect();
    let starts: Vec<&str> = lines.iter().map(|line| line.split(" in ").next().unwrap()).collect();
    assert_eq!(
        starts,
        [
            "good.md: 4 steps passed",
            "m.md: 2 steps passed, 1 block failed, 1 not run",
            "good.md: 4 steps passed"
        ]
    );
    assert!(lines[0].ends_with("; 5 of 5 points"), "{out}");
    assert!(lines[1].ends_with("; 3 of 5 points"), "{out}");
    place.until_gone();
}

#[test]
fn update_writes_what_was_printed_and_keeps_wildcards() {
    let place = place();
    let (code, _, errors) = output(place.labnet("run m.md --update"));
    assert_eq!((code, errors.as_str()), (Some(1), "labnet: m.md now says what was printed\n"));
    let text = fs::read_to_string(place.path().join("m.md")).unwrap();
    assert_eq!(text, WRONG.replace("2nd", "second"));
    let (code, _, errors) = output(place.labnet("run m.md --update"));
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert_eq!(fs::read_to_string(place.path().join("m.md")).unwrap(), text);
    place.until_gone();
}

#[test]
fn a_handout_has_no_answers() {
    let place = place();
    let (code, out, _) = output(place.labnet("run --strip m.md"));
    assert_eq!(code, Some(0));
    let answers =
        ["it is so\n", "   first [..]\n", "   2nd\n", "   third\n", "   never\n", "said hello\n"];
    let mut expected = WRONG.to_owned();
    for answer in answers {
        let at = expected.rfind(&format!("\n{answer}")).unwrap() + 1;
        expected.replace_range(at..at + answer.len(), "");
    }
    assert_eq!(out, expected);
}

#[test]
fn one_section_and_other_programs() {
    let place = place();
    let (code, out, _) = output({
        let mut command = place.labnet("run m.md --only Right");
        command.stdin(Stdio::null());
        command
    });
    assert_eq!(code, Some(0));
    assert!(out.starts_with("m.md: 1 step passed"), "{out}");
    let mut command = place.labnet("run m.md");
    command.args(["--only", "A role", "--with", "speaker=echo I say"]);
    let (code, out, _) = output(command);
    assert_eq!(code, Some(1));
    assert!(out.contains("    - said hello\n") && out.contains("    + I say hello\n"), "{out}");
    for (words, told) in [
        (
            ["--only", "Nothing"],
            "labnet: there is no heading `Nothing`; these there are:\n  A manual\n  Right\n  Wrong\n  A role\n",
        ),
        (["--with", "nobody=x"], "labnet: there is no role `nobody`; there are: speaker\n"),
    ] {
        let mut command = place.labnet("run m.md");
        command.args(words);
        let (code, _, errors) = output(command);
        assert_eq!((code, errors.as_str()), (Some(2), told));
    }
    place.until_gone();
}

#[test]
fn results_for_programs() {
    let place = place();
    let (code, out, _) = output(place.labnet("run m.md --json --junit out.xml"));
    assert_eq!(code, Some(1));
    let result: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&result["version"], &result["passed"]), (&1.into(), &false.into()));
    let steps = &result["runs"][0]["sections"][3]["blocks"][0]["steps"];
    assert_eq!(steps[0]["line"], 16);
    assert_eq!(steps[0]["outcome"]["is"], "failed");
    assert_eq!(steps[0]["output"], "first 17\nsecond\nthird\n");
    assert_eq!(steps[1]["outcome"]["is"], "not-run");
    let xml = fs::read_to_string(place.path().join("out.xml")).unwrap();
    assert!(
        xml.contains("\"m.md\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"0\">"),
        "{xml}"
    );
    assert!(xml.contains("<failure message=\"it printed something else\">"), "{xml}");
    place.until_gone();
}

#[test]
fn a_lab_that_breaks_is_no_failure_of_the_tested() {
    let place = place();
    place.write("m.md", &WRONG.replace("R2$ echo it is so\nit is so", "R2$ sleep 1000"));
    let mut run = place
        .labnet("run m.md --junit out.xml")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    place.process("a sleeping program", |process| process.words.iter().any(|word| word == "1000"));
    kill(nix::unistd::Pid::from_raw(place.init().pid), Signal::SIGKILL).unwrap();
    let mut out = String::new();
    run.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(5), "{out}");
    assert!(!out.contains(" points"), "{out}");
    let xml = fs::read_to_string(place.path().join("out.xml")).unwrap();
    assert!(
        xml.contains("failures=\"0\" errors=\"1\" skipped=\"1\"")
            && xml.contains("<error message="),
        "{xml}"
    );
    place.until_gone();
}

#[test]
fn a_failed_lab_is_kept_for_whoever_asks() {
    let place = place();
    let (code, _, errors) = output(place.labnet("run m.md --keep-up"));
    assert_eq!(code, Some(1));
    let name = errors.split_whitespace().nth(2).unwrap();
    assert!(errors.starts_with(&format!("labnet: lab {name} stays up: ")), "{errors}");
    assert_eq!(place.run(&format!("exec -L {name} R2 -- hostname")), "R2\n");
    place.run(&format!("down {name}"));
    place.until_gone();
    // One that has passed is not.
    place.write("m.md", &WRONG.replace("2nd", "second"));
    place.run("run m.md --keep-up");
    place.until_gone();
}

#[test]
fn ctrl_c_leaves_nothing() {
    let place = place();
    place.write("m.md", &WRONG.replace("R2$ echo it is so\nit is so", "R2$ sleep 1000"));
    let mut run =
        place.labnet("run m.md").stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    place.process("a sleeping program", |process| process.words.iter().any(|word| word == "1000"));
    let client = place.client("run");
    kill(nix::unistd::Pid::from_raw(client.pid), Signal::SIGINT).unwrap();
    run.wait().unwrap();
    place.until_gone();
    until("no lab left", || place.remains().is_empty());
}

#[test]
fn what_a_program_prints_can_steer_nothing() {
    let place = place();
    place.write("m.md", &WRONG.replace("echo it is so", r"printf '\033]0;owned\007<b>&\033[2J\n'"));
    let (code, out, _) = output(place.labnet("run m.md --junit out.xml"));
    assert_eq!(code, Some(1));
    assert!(!out.contains('\u{1b}') && out.contains(r"\u{1b}]0;owned\u{7}<b>&"), "{out:?}");
    let xml = fs::read_to_string(place.path().join("out.xml")).unwrap();
    assert!(!xml.contains('\u{1b}') && xml.contains("&lt;b&gt;&amp;"), "{xml:?}");
    place.until_gone();
}

#[test]
fn what_is_wrong_with_manuals_is_told_at_once() {
    let place = place();
    place.write("bad.md", "---\ntopology: none.toml\ntimeout: soon\nrolls: {}\n---\n");
    let (code, out, errors) = output(place.labnet("run m.md bad.md"));
    assert_eq!((code, out.as_str()), (Some(3), ""));
    insta::assert_snapshot!(errors);
}

#[test]
fn the_report_is_one_page_with_the_recordings_beside_it() {
    let place = place();
    place.write(
        "m.md",
        &WRONG.replace("R2$ echo it is so\nit is so", "KALI$ ping -c 1 -q 10.10.10.2\n..."),
    );
    let (code, _, errors) = output(place.labnet("run m.md --report out"));
    assert_eq!((code, errors.as_str()), (Some(1), "labnet: the report is out/index.html\n"));
    let page = fs::read_to_string(place.path().join("out/index.html")).unwrap();
    for part in [
        "Failed: 2 of 3 blocks, 3 of 5 points",
        "<del>- 2nd</del>",
        "<ins>+ second</ins>",
        "<span class=\"note\">not run</span>",
        "Echo (ping) request",
        "<td>delivered</td>",
        "Internet Control Message Protocol",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // Nothing is fetched from anywhere.
    for attribute in ["src=\"", "href=\""] {
        for (at, _) in page.match_indices(attribute) {
            let target = &page[at + attribute.len()..];
            assert!(target.starts_with("data:") || target.starts_with("two-"), "{}", &target[..40]);
        }
    }
    let recording =
        fs::read_dir(place.path().join("out")).unwrap().map(|entry| entry.unwrap().path());
    let recording =
        recording.into_iter().find(|path| path.extension().is_some_and(|e| e == "pcapng")).unwrap();
    let mut list = place.labnet("packets --filter icmp");
    list.arg(recording);
    assert_eq!(output(list).1.lines().count(), 4);
    place.until_gone();
}

#[test]
fn the_report_of_the_sockets_lab_is_light() {
    let place = place();
    let (code, out, _) = output(place.labnet("run @sockets --report out"));
    assert_eq!(code, Some(0), "{out}");
    let size = fs::metadata(place.path().join("out/index.html")).unwrap().len();
    assert!(size < 2 << 20, "{size}");
    place.until_gone();
}

#[test]
fn what_a_program_prints_is_text_in_the_report() {
    let place = place();
    let hostile = r#"printf '</pre><script>alert(1)</script>\033[31m"&\001'"#;
    place.write(
        "m.md",
        &WRONG
            .replace("echo it is so", hostile)
            .replace("# A manual", "# A <script>manual</script>"),
    );
    output(place.labnet("run m.md --report out"));
    let page = fs::read_to_string(place.path().join("out/index.html")).unwrap();
    assert_eq!(page.matches("<script>").count(), 1, "the page's own");
    assert!(page.contains("&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;␛[31m&quot;&amp;␁"));
    assert!(!page.contains(['\u{1b}', '\u{1}']));
    place.until_gone();
}

/// A manual of one block.
fn manual(block: &str) -> String {
    format!("---\ntopology: two.toml\ntimeout: 20s\n---\n# A\n```console\n{block}```\nprose\n")
}

#[test]
fn update_never_writes_what_would_be_done() {
    let place = place();
    let printed = "> touch pwned\nR2$ id\n? 3\n```\n$ labnet up\nR2/x> hi\nR2/x<\nplain\n";
    place.write("printed", printed);
    let file = place.path().join("printed");
    place.write(
        "m.md",
        &manual(&format!("R2$ cat {}\nold\nR2$ echo 1\nR2$ echo 2\n3\n", file.display())),
    );
    assert_eq!(output(place.labnet("run m.md --update")).0, Some(1));
    // All steps of the block at once.
    let (code, out, _) = output(place.labnet("run m.md"));
    assert_eq!(code, Some(0), "{out}");
    assert!(out.starts_with("m.md: 3 steps passed"), "{out}");
    let text = fs::read_to_string(place.path().join("m.md")).unwrap();
    assert!(
        text.contains("\n\\> touch pwned\n\\R2$ id\n") && text.ends_with("```\nprose\n"),
        "{text}"
    );
    place.until_gone();
}

#[test]
fn update_keeps_what_is_not_its_own() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = place();
    place.write("m.md", &manual("R2$ echo new\nold\n"));
    let (real, link) = (place.path().join("m.md"), place.path().join("l.md"));
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("m.md", &link).unwrap();
    output(place.labnet("run l.md --update"));
    assert!(link.is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("\nnew\n"));
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    // Edited while it is run.
    let go = place.path().join("go");
    let wait = format!("R2$ until [ -e {} ]; do sleep 0.01; done; echo waited\nno\n", go.display());
    place.write("m.md", &manual(&wait));
    let run = place
        .labnet("run m.md --update")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    place.process("the step", |process| process.words.iter().any(|word| word.contains("waited")));
    place.write("m.md", "mine\n");
    place.write("go", "");
    let ended = run.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&ended.stderr).contains("somebody has changed it meanwhile"));
    assert_eq!(fs::read_to_string(&real).unwrap(), "mine\n");
    // A file's name was forgotten, and the manual's stands for it.
    let (code, _, errors) = output(place.labnet("run --junit m.md"));
    assert_eq!(
        (code, errors.as_str()),
        (Some(2), "labnet: m.md is there and holds no XML: it is not overwritten\n")
    );
    place.until_gone();
}

#[test]
fn nobody_types_at_a_program_that_has_ended() {
    let place = place();
    place.write(
        "m.md",
        &manual(
            "R2/c$ cat & # ready file:/etc/passwd\nR2/c> ^D\n? success\nR2/c> nobody reads this\n",
        ),
    );
    let (code, out, _) = output(place.labnet("run m.md"));
    assert_eq!(code, Some(1));
    assert!(out.contains("the program there has ended"), "{out}");
    place.until_gone();
}
