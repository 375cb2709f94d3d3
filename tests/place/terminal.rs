//! A person at a terminal where verbs run.

use std::process::{ExitStatus, Stdio};

use nix::unistd::pipe;

use super::{Place, processes::Process, screen::Screen, until};

/// A place with a lab, and a person at a terminal there.
pub(crate) fn at_terminal(lab: &str) -> (Place, Screen) {
    let place = Place::new();
    if !lab.is_empty() {
        place.write("lab.toml", lab);
        place.run("up lab.toml");
    }
    let screen = Screen::open(&place);
    (place, screen)
}

/// The processes of the lab itself are alive, and those of the verb are not.
pub(crate) fn until_only_the_lab_is_left(place: &Place, program: &str) {
    let of_verb = |process: &Process| {
        ["labnet", "labnet-join", "bash", program].contains(&&*process.name)
            && !process.words.concat().contains("tick")
    };
    until("end of the verb", || !place.processes().iter().any(of_verb));
    place.run("exec R2 -- true");
}

/// Runs a verb whose reader has gone.
pub(crate) fn with_closed_pipe(place: &Place, line: &str) -> ExitStatus {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    place.labnet(line).stdin(Stdio::null()).stdout(writer).status().unwrap()
}
