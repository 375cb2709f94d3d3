//! `labnet new`: files to start from.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{
    Failure,
    exit::{DONE, Outcome, USAGE, print},
};

/// Each file, and its text. `NAME` in it is the folder's name; `LABNET`, where the library is had from.
const FILES: [(&str, &str); 4] = [
    ("lab.toml", include_str!("../../topology/new/lab.toml")),
    ("question.txt", include_str!("../../topology/new/question.txt")),
    ("lab.md", include_str!("../../topology/new/lab.md")),
    ("tests/lab.rs", include_str!("../../topology/new/lab.rs")),
];
/// What makes a Cargo package of it, if there is none yet.
const PACKAGE: [(&str, &str); 2] = [
    ("Cargo.toml", include_str!("../../topology/new/package.toml")),
    ("src/lib.rs", include_str!("../../topology/new/lib.rs")),
];

/// Write a topology, a manual and Rust tests to start from
///
/// They pass as written: `labnet run lab.md`, `cargo test`. In a folder with a Cargo.toml, that one is left as it is. Nothing is ever
/// overwritten.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder; made if it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(crate) fn run(args: Args) -> Outcome {
    let folder = args.folder;
    let is_package = folder.join("Cargo.toml").exists();
    let package = if is_package { [].as_slice() } else { PACKAGE.as_slice() };
    let files = || FILES.iter().chain(package);
    let there: Vec<String> = files()
        .map(|(file, _)| folder.join(file))
        // A link that leads nowhere is something as well.
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| format!("  {}", path.display()))
        .collect();
    if !there.is_empty() {
        let message =
            format!("nothing is written, as these are there already:\n{}", there.join("\n"));
        return Err(Failure::new(USAGE, message));
    }
    let (name, library) = (name(&folder), library());
    let mut made = Made::default();
    for (file, text) in files() {
        let text = text.replace("NAME", &name).replace("LABNET", &library);
        let path = folder.join(file);
        made.write(&path, &text).map_err(|error| {
            let message = format!("cannot write {}: {error}; nothing is left", path.display());
            Failure::new(USAGE, message)
        })?;
    }
    made.keep();
    print(told(&folder, is_package.then_some(library.as_str())))?;
    Ok(DONE)
}

/// What has been made so far, and goes again unless all of it comes about.
#[derive(Default)]
struct Made {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Made {
    fn write(&mut self, path: &Path, text: &str) -> io::Result<()> {
        self.folder(path.parent().unwrap_or(Path::new("")))?;
        let mut file = File::create_new(path)?;
        self.files.push(path.to_owned());
        file.write_all(text.as_bytes())
    }

    fn folder(&mut self, path: &Path) -> io::Result<()> {
        if path.as_os_str().is_empty() || path.is_dir() {
            return Ok(());
        }
        self.folder(path.parent().unwrap_or(Path::new("")))?;
        fs::create_dir(path)?;
        self.folders.push(path.to_owned());
        Ok(())
    }

    fn keep(mut self) {
        self.folders.clear();
        self.files.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // What can't be removed has been by others, or is theirs by now.
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
        for folder in self.folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// The folder's name, as far as it may be a lab's and, behind `lab-`, a package's.
fn name(folder: &Path) -> String {
    let path = std::path::absolute(folder).unwrap_or_default();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let name = name.trim_matches('-').to_lowercase();
    let name: String = name.chars().take(40).collect();
    if name.is_empty() { "lab".to_owned() } else { name.trim_end_matches('-').to_owned() }
}

/// The line of a manifest by which a package has the library: from where this program was built, if that is a checkout.
fn library() -> String {
    let built = Path::new(env!("CARGO_MANIFEST_DIR"));
    let registry = built.components().any(|part| part.as_os_str() == "registry");
    if !registry && built.join("Cargo.toml").is_file() {
        // TOML has JSON's strings.
        let path = serde_json::Value::from(built.display().to_string());
        return format!("labnet = {{ path = {path} }}");
    }
    format!("labnet = {:?}", env!("CARGO_PKG_VERSION"))
}

/// What there is now, and what to do with it; `library`: what a package that was there before needs.
fn told(folder: &Path, library: Option<&str>) -> String {
    // A name that begins with a dash would be taken for an option.
    let dash = folder.as_os_str().as_encoded_bytes().starts_with(b"-");
    let of = |file: &str| {
        let path = if dash { Path::new(".").join(folder) } else { folder.to_owned() };
        let path = path.join(file).display().to_string();
        shlex::try_quote(&path).map_or_else(|_| path.clone(), |quoted| quoted.into_owned())
    };
    let (topology, manual, test) = (of("lab.toml"), of("lab.md"), of("tests/lab.rs"));
    let add = library.map(|line| format!("; to its [dev-dependencies], add {line}"));
    let add = add.unwrap_or_default();
    let width = topology.len().max(manual.len()).max(test.len());
    format!(
        "{topology:width$}  hosts and links: labnet up {topology}\n\
         {manual:width$}  a manual: labnet run {manual}\n\
         {test:width$}  tests: cargo test, in {}{add}\n",
        folder.display()
    )
}
