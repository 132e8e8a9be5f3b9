//! What is stored is compressed (zstd), then encrypted (age), and hashed on both sides.

use std::io::{self, Read, Write};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::{
    error::Damage,
    hash::Hash,
    keys::{MakingKeys, ReadingKeys},
    manifest::Object,
};

/// More costs more time than the network or the disk gives back: levels were tried on a shop's data and on sysbench's.
const LEVEL: i32 = 1;

type Encryptor = age::stream::StreamWriter<Vec<u8>>;

/// An object in the making.
pub(crate) struct Packer {
    inner: zstd::Encoder<'static, Encryptor>,
    plain: Sha256,
    plain_bytes: u64,
}

/// An object ready to be stored.
pub(crate) struct Packed {
    pub(crate) bytes: Bytes,
    pub(crate) sha256: Hash,
    pub(crate) plain_bytes: u64,
    pub(crate) plain_sha256: Hash,
}

impl Packer {
    pub(crate) fn new(keys: &MakingKeys) -> io::Result<Self> {
        let recipients = keys.recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
        let mut inner = zstd::Encoder::new(encryptor.wrap_output(Vec::new())?, LEVEL)?;
        inner.include_checksum(true)?;
        Ok(Self { inner, plain: Sha256::new(), plain_bytes: 0 })
    }

    pub(crate) fn write(&mut self, plain: &[u8]) -> io::Result<()> {
        self.plain.update(plain);
        self.plain_bytes += plain.len() as u64;
        self.inner.write_all(plain)
    }

    pub(crate) fn finish(self) -> io::Result<Packed> {
        let bytes = self.inner.finish()?.finish()?;
        Ok(Packed {
            sha256: Hash::of(&bytes),
            bytes: bytes.into(),
            plain_bytes: self.plain_bytes,
            plain_sha256: Hash(self.plain.finalize().into()),
        })
    }
}

/// A small object at once.
pub(crate) fn pack(keys: &MakingKeys, plain: &[u8]) -> io::Result<Packed> {
    let mut packer = Packer::new(keys)?;
    packer.write(plain)?;
    packer.finish()
}

/// Decrypts and decompresses piece by piece, and tells at the end whether it was what the manifest says.
pub(crate) struct Unpacker {
    inner: Box<dyn Read + Send>,
    plain: Sha256,
    plain_bytes: u64,
}

/// Of plain text, at a time.
pub(crate) const PIECE: usize = 256 * 1024;

impl Unpacker {
    /// Compares the stored bytes with what the manifest says of them before any of them is interpreted.
    pub(crate) fn new(object: &Object, stored: Bytes, keys: &ReadingKeys) -> Result<Self, Damage> {
        if stored.len() as u64 != object.bytes {
            return Err(Damage::Length { expected: object.bytes, found: stored.len() as u64 });
        }
        let found = Hash::of(&stored);
        if found != object.sha256 {
            return Err(Damage::Changed { expected: object.sha256, found });
        }
        let decryptor =
            age::Decryptor::new(io::Cursor::new(stored)).map_err(|error| Damage::Unreadable(error.to_string()))?;
        let identity: &dyn age::Identity = &keys.identity;
        let plain = decryptor.decrypt(std::iter::once(identity)).map_err(|error| Damage::Locked(error.to_string()))?;
        let inner = zstd::Decoder::new(plain).map_err(|error| Damage::Unreadable(error.to_string()))?;
        Ok(Self { inner: Box::new(inner), plain: Sha256::new(), plain_bytes: 0 })
    }

    /// The next piece; none when that was all.
    pub(crate) fn next(&mut self, object: &Object) -> Result<Option<Bytes>, Damage> {
        let mut piece = Vec::with_capacity(PIECE);
        let read = (&mut self.inner).take(PIECE as u64).read_to_end(&mut piece);
        read.map_err(|error| Damage::Unreadable(error.to_string()))?;
        if piece.is_empty() {
            let found = Hash(std::mem::take(&mut self.plain).finalize().into());
            let same = found == object.plain_sha256 && self.plain_bytes == object.plain_bytes;
            return if same { Ok(None) } else { Err(Damage::Content { expected: object.plain_sha256, found }) };
        }
        self.plain.update(&piece);
        self.plain_bytes += piece.len() as u64;
        Ok(Some(piece.into()))
    }
}

/// A small object at once.
pub(crate) fn unpack(object: &Object, stored: Bytes, keys: &ReadingKeys) -> Result<Vec<u8>, Damage> {
    let mut unpacker = Unpacker::new(object, stored, keys)?;
    let mut plain = Vec::new();
    while let Some(piece) = unpacker.next(object)? {
        plain.extend_from_slice(&piece);
    }
    Ok(plain)
}
