//! The folder that `labnet run --report` writes into.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process,
};

use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, exit::USAGE, runtime::block_on};

/// The page's name.
const PAGE: &str = "index.html";
/// What every page has that labnet wrote, in its first lines; manuals can't write it.
const MADE: &str = "<meta name=\"generator\" content=\"labnet ";
/// How many bytes of a page are looked at for that.
const HEAD: u64 = 4096;
/// How the line of a page begins that leads to a recording. In what comes from manuals and programs, `<` is escaped.
const LINE: &str = "<div><dt>Recording of ";
const LINK: &str = "<a href=\"";
const RECORDING: &str = ".pcapng";

/// From now on, signals that end programs end this one no more: what is left takes a moment, and is to be whole.
fn undisturbed() {
    let caught = block_on(async {
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()]
            .map(|kind| signal(kind).is_ok())
    });
    // Who can't have it so has a report that can be disturbed.
    drop(caught);
}

/// A folder in which a report comes to be: it is whole, or nothing of it is there. An earlier one stays until then.
pub(super) struct ReportFolder {
    folder: PathBuf,
    /// Whether it was made for this report.
    made: bool,
    /// The files so far by their names, under others that hide them.
    written: Vec<String>,
    /// How many of them have their names.
    shown: usize,
    finished: bool,
}

/// A page that nobody knows to be a report is not overwritten.
///
/// # Errors
///
/// If there is one in the folder.
pub(super) fn check(folder: &Path) -> Result<(), Failure> {
    let page = folder.join(PAGE);
    match fs::metadata(&page) {
        Ok(metadata) if metadata.is_file() && (metadata.len() == 0 || is_report(&page)) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::new(
            USAGE,
            format!("cannot write the report into {}: {error}", folder.display()),
        )),
        Ok(_) => Err(Failure::new(
            USAGE,
            format!("{} is there and is no report: it is not overwritten", page.display()),
        )),
    }
}

fn is_report(page: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(page).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    read.is_ok() && String::from_utf8_lossy(&head).contains(MADE)
}

impl ReportFolder {
    /// Makes it, if it isn't there.
    ///
    /// # Errors
    ///
    /// If it can't be made.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        undisturbed();
        let made = !folder.exists();
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), made, written: Vec::new(), shown: 0, finished: false })
    }

    fn hidden(&self, name: &str) -> PathBuf {
        self.folder.join(format!(".{name}.{}", process::id()))
    }

    /// Adds a file, which `write` fills.
    ///
    /// # Errors
    ///
    /// If it can't be written whole.
    pub(super) fn add(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        self.written.push(name.to_owned());
        let mut file = File::create(self.hidden(name))?;
        write(&mut file)?;
        // On some file systems a full disk is told no earlier.
        file.sync_all()
    }

    /// Adds the page, shows all, and takes away the recordings of the report that was there before.
    ///
    /// # Errors
    ///
    /// If something can't be written.
    pub(super) fn finish(mut self, page: &str) -> io::Result<PathBuf> {
        self.add(PAGE, |file| io::Write::write_all(file, page.as_bytes()))?;
        let file = self.folder.join(PAGE);
        let before = recordings(&file);
        for name in &self.written {
            fs::rename(self.hidden(name), self.folder.join(name))?;
            self.shown += 1;
        }
        self.finished = true;
        for name in before.iter().filter(|name| !self.written.contains(name)) {
            // Nobody misses one that has gone before, and one that can't go is no reason to have no report.
            let _ = fs::remove_file(self.folder.join(name));
        }
        Ok(file)
    }
}

impl Drop for ReportFolder {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        for (place, name) in self.written.iter().enumerate() {
            // The page comes last: without it, nothing leads to the others. Where one isn't there, all is well.
            let _ = fs::remove_file(match place < self.shown {
                true => self.folder.join(name),
                false => self.hidden(name),
            });
        }
        if self.made {
            // Not if somebody else has put something there.
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

/// The files beside a report that it leads to: recordings in its own folder, by names without a way. What is no report, or
/// can't be read, leads to none.
fn recordings(page: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if !is_report(page) {
        return names;
    }
    let Ok(file) = File::open(page) else { return names };
    for line in BufReader::new(file).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        let Some((_, rest)) = line.strip_prefix(LINE).and_then(|line| line.split_once(LINK)) else {
            continue;
        };
        let name = rest.split('"').next().unwrap_or_default();
        if name.ends_with(RECORDING) && !name.starts_with('.') && !name.contains('/') {
            names.insert(name.to_owned());
        }
    }
    names
}
