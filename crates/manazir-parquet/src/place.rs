//! Where exported files lie.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// Files by their paths from the manifest on, with `/` between.
pub(crate) trait Place: Debug + Send + Sync {
    /// Where a file is written before it takes its place. The folder for it is there.
    fn part(&self, path: &str) -> Result<PathBuf, Error>;

    /// Gives what was written, and is on disk, its name. It stays when this returns.
    fn publish(&self, part: &Path, path: &str) -> Result<(), Error>;

    /// A whole file; `None` if there is none.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Puts a file in the place of the one of this name, as a whole or not at all.
    fn replace(&self, path: &str, bytes: Vec<u8>) -> Result<(), Error>;

    /// Removes a file; one that is gone already is gone.
    fn remove(&self, path: &str) -> Result<(), Error>;
}

/// A folder of this machine, or one that it shares.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
}

impl Disk {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The new names in the folder of a file are on disk.
    fn sync(&self, path: &Path) -> Result<(), Error> {
        let folder = path.parent().unwrap_or(&self.root);
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| Error::Disk(folder.to_owned(), error))
    }
}

impl Place for Disk {
    fn part(&self, path: &str) -> Result<PathBuf, Error> {
        let part = self.root.join(format!("{path}.part"));
        make_folder_of(&part)?;
        Ok(part)
    }

    fn publish(&self, part: &Path, path: &str) -> Result<(), Error> {
        let path = self.root.join(path);
        fs::rename(part, &path).map_err(|error| Error::Disk(path.clone(), error))?;
        self.sync(&path)
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = self.root.join(path);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::Disk(path, error)),
        }
    }

    fn replace(&self, path: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let part = self.part(path)?;
        let written = File::create(&part).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()
        });
        written.map_err(|error| Error::Disk(part.clone(), error))?;
        self.publish(&part, path)
    }

    fn remove(&self, path: &str) -> Result<(), Error> {
        let path = self.root.join(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::Disk(path, error)),
            _ => Ok(()),
        }
    }
}

/// Makes the folder in which a file is to be.
pub(crate) fn make_folder_of(path: &Path) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|error| Error::Disk(folder.to_owned(), error))
}
