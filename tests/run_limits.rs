//! `labnet run` with too much, and with what is odd but right.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;

use std::{
    fs,
    process::{Command, Stdio},
};

use place::Place;

/// A place with a topology and a manual with this block.
fn place(block: &str) -> Place {
    let place = Place::new();
    place.write("two.toml", place::TWO);
    place.write("m.md", &manual(block));
    place
}

fn manual(block: &str) -> String {
    format!(
        "---\ntopology: two.toml\ntimeout: 20s\nroles: {{ speaker: echo said }}\n---\n# One\n```console\n{block}```\n"
    )
}

fn output(mut command: Command) -> (Option<i32>, String, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn what_cannot_be_done_is_refused() {
    let place = place("R2$ echo said\nsaid\n");
    let (code, _, errors) =
        output(place.labnet("run m.md --with speaker=true --with speaker=false"));
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("twice who plays `speaker`"), "{errors}");
    let (code, _, errors) = output(place.labnet("run m.md -j 0"));
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("0 is not in 1.."), "{errors}");
}

#[test]
fn a_byte_order_mark_stays() {
    let place = place("");
    place.write("m.md", &format!("\u{feff}{}", manual("R2$ echo one\ntwo\n")));
    let (code, out, errors) = output(place.labnet("run m.md --update"));
    assert_eq!(code, Some(1), "{errors}");
    assert!(out.contains("m.md:8: One"), "{out}");
    let text = fs::read_to_string(place.path().join("m.md")).unwrap();
    assert_eq!(text, format!("\u{feff}{}", manual("R2$ echo one\none\n")));
    place.until_gone();
}

#[test]
fn a_question_that_is_there_already_is_left_to_the_next_block() {
    let asks =
        r#"R2/ask$ sh -c 'printf "a\nb\nname: "; touch asked; read name' & # ready file:asked"#;
    let place = place(&format!("{asks}\nR2/ask<\na\n...\nR2/ask<\n...\nname:\n"));
    let (code, out, errors) = output(place.labnet("run m.md"));
    assert_eq!(code, Some(0), "{out}{errors}");
    place.until_gone();
}

#[test]
fn what_has_no_end_is_not_waited_for() {
    let place = place("R2$ yes\n...\n");
    let (code, out, errors) = output(place.labnet("run m.md --json"));
    assert_eq!(code, Some(1), "{errors}");
    assert!(out.contains("`sh -c yes` printed more than is kept of it"), "{out}");
    assert!(out.len() < 10_000, "{}", out.len());
    place.until_gone();
}

#[test]
fn a_long_text_that_ends_is_too_much_as_well() {
    let place = place("R2$ seq 300000\n...\n");
    let (code, out, _) = output(place.labnet("run m.md"));
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("printed more than is kept of it"), "{out}");
    place.until_gone();
}

#[test]
fn a_flood_behind_the_scenes_is_cut_and_can_be_interrupted() {
    // Typed at before `yes` is there, dash may take the interrupt for itself and wait on.
    let place = place(
        "R2/flood$ yes & # ready file:.\nR2/flood<\ny\n...\nR2/flood> ^C\n? interrupted\n$ labnet screen R2/flood\ny\n",
    );
    let (code, out, errors) = output(place.labnet("run m.md"));
    assert_eq!(code, Some(1), "{errors}");
    assert!(out.contains("3 steps passed"), "{out}");
    place.until_gone();
}

#[test]
fn waiting_for_the_end_of_a_flood_makes_a_short_report() {
    let place = place("R2/flood$ yes & # ready file:.\nR2/flood<\n...\nz\n");
    let (code, out, errors) = output(place.labnet("run m.md --json"));
    assert_eq!(code, Some(1), "{errors}");
    assert!(out.contains("bytes are left out here"), "{out}");
    assert!(out.len() < 500_000, "{}", out.len());
    place.until_gone();
}

#[test]
fn a_flood_that_is_never_ready_makes_a_short_message() {
    let place = Place::new();
    place.write("two.toml", place::TWO);
    place.write("m.md", &manual("R2$ yes &\n").replace("20s", "1s"));
    let (code, out, errors) = output(place.labnet("run m.md --json"));
    assert_eq!(code, Some(1), "{errors}");
    assert!(out.contains("not ready (socket)") && out.contains("bytes are left out"), "{out}");
    assert!(out.len() < 100_000, "{}", out.len());
    place.until_gone();
}
