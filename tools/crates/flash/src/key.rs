//! Keys, in files that nobody else can read.

use anyhow::{Context, Result, bail, ensure};
use ed25519_compact::{KeyPair, Seed};
use elman_slots::PublicKey;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A pair of keys: the secret one signs models, the public one is in the firmware.
pub struct Key(KeyPair);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", id_text(&self.public().id()))
    }
}

impl Key {
    /// A new pair, by the system's random numbers.
    pub fn new() -> Key {
        Key(KeyPair::generate())
    }

    /// The pair of a seed of 32 bytes.
    ///
    /// # Errors
    /// Where the seed is all zeros.
    pub fn of_seed(seed: [u8; 32]) -> Result<Key> {
        Ok(Key(KeyPair::try_from_seed(Seed::new(seed)).context("the seed")?))
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        PublicKey(*self.0.pk)
    }

    /// The signature over a message, as RFC 8032 has it.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        *self.0.sk.sign(message, None)
    }

    /// Writes the pair to a new file in PEM, which its owner alone can read, and the public key to one next to it that ends in
    /// `.pub`; the path of that.
    ///
    /// # Errors
    /// Where one of them is there already: a key is never overwritten.
    pub fn write(&self, path: &Path) -> Result<PathBuf> {
        let public = public_path(path);
        ensure!(!public.exists(), "{} is there already: a key is never overwritten", public.display());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options
            .open(path)
            .with_context(|| format!("{}: no new file; a key is never overwritten", path.display()))?;
        file.write_all(self.0.sk.to_pem().as_bytes()).with_context(|| path.display().to_string())?;
        std::fs::write(&public, self.0.pk.to_pem()).with_context(|| public.display().to_string())?;
        Ok(public)
    }

    /// Reads a pair.
    ///
    /// # Errors
    /// Where there is none, or where others than its owner can read the file.
    pub fn read(path: &Path) -> Result<Key> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path)?.permissions());
            ensure!(
                mode & 0o077 == 0,
                "{} can be read by others than its owner, its mode is {:o}: `chmod 600` it, or make a new key",
                path.display(),
                mode & 0o777
            );
        }
        match KeyPair::from_pem(&text) {
            Ok(pair) => Ok(Key(pair)),
            Err(e) => bail!("{} has no secret Ed25519 key in PEM: {e}", path.display()),
        }
    }
}

impl Default for Key {
    fn default() -> Self {
        Key::new()
    }
}

/// Where the public key of a file is.
pub fn public_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

/// Reads a public key in PEM.
///
/// # Errors
/// Where there is none.
pub fn read_public(path: &Path) -> Result<PublicKey> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    match ed25519_compact::PublicKey::from_pem(&text) {
        Ok(key) => Ok(PublicKey(*key)),
        Err(e) => bail!("{} has no public Ed25519 key in PEM: {e}", path.display()),
    }
}

/// A key id as it is shown.
pub fn id_text(id: &[u8; 8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
