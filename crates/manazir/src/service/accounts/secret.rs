//! The secret of the installation: given, or made at the first start and kept in a file that only we read.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use manazir_auth::keys::ServerSecret;

use crate::config::Accounts;

/// Its name in the data directory.
const FILE: &str = "secret";

/// The secret that the environment or a file gives, or that of the data directory.
pub(super) fn of(config: &Accounts, data: &Path) -> Result<ServerSecret> {
    if let Some(text) = &config.secret {
        return ServerSecret::parse(text).context("`MANAZIR_SECRET`");
    }
    if let Some(path) = &config.secret_file {
        return read(path);
    }
    let path = data.join(FILE);
    if !path.exists() {
        write(&path)?;
    }
    read(&path)
}

/// A new secret and its text.
pub(super) fn made() -> Result<(ServerSecret, String)> {
    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy)?;
    let text = entropy.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((ServerSecret::from_entropy(entropy)?, text))
}

fn read(path: &Path) -> Result<ServerSecret> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("read the secret in {}", path.display()))?;
    ServerSecret::parse(&text).with_context(|| path.display().to_string())
}

/// Whole or not at all: a start that is killed leaves no half of a secret.
fn write(path: &Path) -> Result<()> {
    let whole = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&whole)
        .with_context(|| format!("make {}", whole.display()))?;
    writeln!(file, "{}", made()?.1)?;
    file.sync_all()?;
    // Another process that was faster keeps its own.
    let placed = std::fs::hard_link(&whole, path);
    std::fs::remove_file(&whole)?;
    match placed {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => bail!(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn bb_w4_it_is_made_once_for_our_eyes_and_never_weak() {
        let folder = tempfile::tempdir().unwrap();
        let config = Accounts::default();
        let text = |path: &Path| std::fs::read_to_string(path).unwrap();
        of(&config, folder.path()).unwrap();
        let path = folder.path().join(FILE);
        let first = text(&path);
        of(&config, folder.path()).unwrap();
        assert_eq!(text(&path), first);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        let given = Accounts { secret: Some("secret".to_owned()), ..Accounts::default() };
        let refused = format!("{:#}", of(&given, folder.path()).unwrap_err());
        assert!(refused.contains("MANAZIR_SECRET") && refused.contains("can be guessed"), "{refused}");
        std::fs::write(&path, "0".repeat(64)).unwrap();
        assert!(of(&config, folder.path()).is_err());
    }
}
