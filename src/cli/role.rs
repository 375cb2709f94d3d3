//! `ROLE=COMMAND`: who plays a role of a manual.

use std::path::Path;

/// Reads it.
pub(super) fn role(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((role, command)) if !role.is_empty() && !command.trim().is_empty() => {
            Ok((role.to_owned(), from_here(command.trim())))
        }
        _ => Err("write ROLE=COMMAND".to_owned()),
    }
}

/// A command whose words that name files from here name them from anywhere: it is run in a node's home. Those are words with a `.`
/// or a `/` that stand for themselves in a shell and are the names of files; all else stays as it is.
fn from_here(command: &str) -> String {
    let mut here = String::new();
    let mut first = true;
    for piece in command.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let absolute = absolute(word, first).filter(|path| {
            // Within quotes, others would end them.
            !command.contains(['\'', '"', '\\'])
                || shlex::try_quote(path).is_ok_and(|quoted| quoted == *path)
        });
        match absolute.as_deref().and_then(|path| shlex::try_quote(path).ok()) {
            Some(path) => here.push_str(&(path.into_owned() + &piece[word.len()..])),
            None => here.push_str(piece),
        }
        // What stands before the program's name sets variables.
        first = first && (word.is_empty() || word.contains('='));
    }
    here
}

/// The path from the root of the file that a word of a command names; a shell looks for a program without a `/` in `PATH`.
fn absolute(word: &str, program: bool) -> Option<String> {
    let plain = |c: char| c.is_alphanumeric() || "._/+@%:,-".contains(c);
    let marks: &[char] = if program { &['/'] } else { &['/', '.'] };
    let path = Path::new(word);
    if !word.chars().all(plain) || !word.contains(marks) || path.is_absolute() || !path.is_file() {
        return None;
    }
    std::path::absolute(path).ok()?.into_os_string().into_string().ok()
}
