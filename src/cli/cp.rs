//! `labnet cp`: copy a file into, out of, or between nodes.

use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::{
    exit::{DONE, FAILED, Failure, Outcome, USAGE},
    labs::{Choice, failure},
};
use crate::{
    init::OpenMode,
    lab::{Lab, Node},
};

/// Copy a file into, out of, or between nodes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file: NODE:PATH (from the node's home) or a path on the host (`./a:b` if its name has a colon)
    from: String,
    /// The copy, or the folder to put it in: likewise
    to: String,
    #[command(flatten)]
    lab: Choice,
}

/// One side of a copy.
enum Place {
    Host(PathBuf),
    Node(Node, PathBuf),
}

pub(crate) fn run(args: Args) -> Outcome {
    args.lab.with(async |lab| {
        let (from, to) = (place(&lab, &args.from)?, place(&lab, &args.to)?);
        let mut source = open(&from, &args.from).await?;
        let mode = metadata(&source, &args.from)?.mode() & 0o777;
        let name = match &from {
            Place::Host(path) | Place::Node(_, path) => path.file_name().map(Path::new),
        };
        let mut target = create(&to, &args.to, name, mode).await?;
        let (from, to) = (metadata(&source, &args.from)?, metadata(&target, &args.to)?);
        if (from.dev(), from.ino()) == (to.dev(), to.ino()) {
            let message = format!("{} and {} are the same file", args.from, args.to);
            return Err(Failure::new(USAGE, message));
        }
        if to.is_file() {
            target.set_len(0).map_err(|error| failed(&args.to, &error))?;
        }
        io::copy(&mut source, &mut target).map_err(|error| {
            Failure::new(FAILED, format!("cannot copy {} to {}: {error}", args.from, args.to))
        })?;
        Ok(DONE)
    })
}

fn failed(what: &str, error: &io::Error) -> Failure {
    Failure::new(FAILED, format!("{what}: {error}"))
}

fn metadata(file: &File, text: &str) -> Result<Metadata, Failure> {
    file.metadata().map_err(|error| failed(text, &error))
}

fn place(lab: &Lab, text: &str) -> Result<Place, Failure> {
    match text.split_once(':') {
        Some((node, path)) if !node.contains('/') => {
            let node = lab.try_node(node).map_err(failure)?;
            Ok(Place::Node(node, if path.is_empty() { "." } else { path }.into()))
        }
        _ => Ok(Place::Host(text.into())),
    }
}

async fn open(place: &Place, text: &str) -> Result<File, Failure> {
    let file = match place {
        Place::Host(path) => {
            // Opening a FIFO must not wait for its writer.
            let mut options = OpenOptions::new();
            options.read(true).custom_flags(libc::O_NONBLOCK);
            options.open(path).map_err(|error| failed(text, &error))?
        }
        Place::Node(node, path) => match node.open(path, OpenMode::Read).await {
            Ok((file, _)) => file.into(),
            Err(error) => return Err(Failure { code: FAILED, ..failure(error) }),
        },
    };
    let metadata = metadata(&file, text)?;
    if !metadata.is_file() {
        let kind = if metadata.is_dir() { "a folder" } else { "no ordinary file" };
        return Err(Failure::new(USAGE, format!("{text} is {kind}; cp copies single files")));
    }
    Ok(file)
}

/// Opens the copy's file, made if need be but not emptied yet; in a folder, under the source's name.
async fn create(
    place: &Place,
    text: &str,
    name: Option<&Path>,
    mode: u32,
) -> Result<File, Failure> {
    let within = |folder: &Path| name.map(|name| folder.join(name));
    match place {
        Place::Host(path) => {
            let path = if path.is_dir() { within(path).unwrap_or_default() } else { path.clone() };
            let options =
                OpenOptions::new().write(true).create(true).truncate(false).mode(mode).open(&path);
            options.map_err(|error| failed(&path.display().to_string(), &error))
        }
        Place::Node(node, path) => {
            let failed = |error| Failure { code: FAILED, ..failure(error) };
            let (file, folder) = node.open(path, OpenMode::Write(mode)).await.map_err(failed)?;
            match within(path) {
                Some(path) if folder => {
                    let (file, folder) =
                        node.open(&path, OpenMode::Write(mode)).await.map_err(failed)?;
                    if folder {
                        return Err(Failure::new(
                            USAGE,
                            format!("{text}: {} is a folder", path.display()),
                        ));
                    }
                    Ok(file.into())
                }
                _ => Ok(file.into()),
            }
        }
    }
}
