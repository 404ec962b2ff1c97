//! Which models a device takes.

use ed25519_compact::{PublicKey as Point, Signature};

use crate::Rejection;
use crate::digest::sha512;
use crate::header::{Header, KeyId, SEAL_BYTES, SealKind};

/// The public key of an Ed25519 pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// The first 8 bytes of its SHA-512.
    pub fn id(&self) -> KeyId {
        crate::bytes::take(&sha512(&self.0), 0)
    }
}

/// Which models a device takes. Chosen when the firmware is built: what is not named is not linked.
pub trait Trust {
    /// Whether a model must be signed.
    fn signed(&self) -> bool;

    /// Whether a header is sealed right.
    ///
    /// # Errors
    /// [`Rejection::Seal`], [`Rejection::Key`] or [`Rejection::Signature`].
    fn check(&self, header: &Header, seal: &[u8; SEAL_BYTES]) -> Result<(), Rejection>;
}

/// Any whole model: for makers, where nobody else has the line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unsigned;

impl Trust for Unsigned {
    fn signed(&self) -> bool {
        false
    }

    fn check(&self, header: &Header, seal: &[u8; SEAL_BYTES]) -> Result<(), Rejection> {
        match header.seal {
            SealKind::Ed25519 => Err(Rejection::Seal { signed: false }),
            SealKind::Digest if sha512(&header.message()) == *seal => Ok(()),
            SealKind::Digest => Err(Rejection::Signature),
        }
    }
}

/// Models signed by one of some keys.
#[derive(Clone, Copy, Debug)]
pub struct Signed<K>(pub K);

impl<K: AsRef<[PublicKey]>> Trust for Signed<K> {
    fn signed(&self) -> bool {
        true
    }

    fn check(&self, header: &Header, seal: &[u8; SEAL_BYTES]) -> Result<(), Rejection> {
        if header.seal != SealKind::Ed25519 {
            return Err(Rejection::Seal { signed: true });
        }
        let mut keys = self.0.as_ref().iter();
        let key = keys.find(|key| key.id() == header.key).ok_or(Rejection::Key(header.key))?;
        Point::new(key.0).verify(header.message(), &Signature::new(*seal)).map_err(|_| Rejection::Signature)
    }
}

/// One or the other, by what a firmware's [`Info`](crate::Info) says.
#[derive(Clone, Copy, Debug)]
pub enum Either<K> {
    /// Any whole model.
    Unsigned,
    /// Models signed by one of some keys.
    Signed(K),
}

impl<K: AsRef<[PublicKey]>> Trust for Either<K> {
    fn signed(&self) -> bool {
        matches!(self, Either::Signed(_))
    }

    fn check(&self, header: &Header, seal: &[u8; SEAL_BYTES]) -> Result<(), Rejection> {
        match self {
            Either::Unsigned => Unsigned.check(header, seal),
            Either::Signed(keys) => Signed(keys).check(header, seal),
        }
    }
}
