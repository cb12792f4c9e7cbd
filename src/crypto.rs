//! The one file that names the cryptographic libraries: aws-lc-rs, and argon2 for passphrases alone.
//!
//! Everything else asks for a digest, a keyed hash, a derived key or a sealed box by these names.

use aws_lc_rs::signature::{self, Ed25519KeyPair, KeyPair as _};
use aws_lc_rs::{aead, constant_time, digest, hkdf, hmac, rand};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

/// A 256-bit secret that is wiped from memory when dropped.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; 32]>);

impl SecretKey {
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub fn generate() -> Self {
        Self::from_bytes(random())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A sub-key for one purpose (HKDF-SHA-256, RFC 5869), so that no key serves two ends.
    pub fn derive(&self, purpose: &str) -> SecretKey {
        struct Len32;
        impl hkdf::KeyType for Len32 {
            fn len(&self) -> usize {
                32
            }
        }
        let mut out = [0_u8; 32];
        let pseudo_random_key = hkdf::Salt::new(hkdf::HKDF_SHA256, b"twoface").extract(&self.0[..]);
        let filled = pseudo_random_key.expand(&[purpose.as_bytes()], Len32).and_then(|okm| okm.fill(&mut out));
        // 32 bytes are far below HKDF's limit of 255 blocks, the only error there is; a zero key must never result.
        if filled.is_err() {
            out = random();
        }
        SecretKey::from_bytes(out)
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// Bytes from the operating system's generator. A machine without one cannot run this program.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    if rand::fill(&mut bytes).is_err() {
        // Continuing would hand out guessable credentials.
        std::process::abort();
    }
    bytes
}

pub fn sha256(data: &[u8]) -> [u8; 32] {
    array(digest::digest(&digest::SHA256, data).as_ref())
}

/// SHA-256 of bytes that come in parts.
pub struct Hasher(digest::Context);

impl Hasher {
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    pub fn finish(self) -> [u8; 32] {
        array(self.0.finish().as_ref())
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }
}

/// HMAC-SHA-256.
pub fn keyed_hash(key: &SecretKey, data: &[u8]) -> [u8; 32] {
    array(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), data).as_ref())
}

/// Comparison whose time does not depend on where the inputs differ.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// The box could not be opened: another key, another address, or altered bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAuthentic;

/// AES-256-GCM with a random 96-bit nonce: `nonce || ciphertext || tag`.
/// `address` is authenticated with it, so that a box moved elsewhere does not open.
pub fn seal(key: &SecretKey, address: &[u8], plain: &[u8]) -> Result<Vec<u8>, NotAuthentic> {
    let key = aead::RandomizedNonceKey::new(&aead::AES_256_GCM, key.as_bytes()).map_err(|_| NotAuthentic)?;
    let mut body = plain.to_vec();
    let nonce = key.seal_in_place_append_tag(aead::Aad::from(address), &mut body).map_err(|_| NotAuthentic)?;
    let mut sealed = Vec::with_capacity(aead::NONCE_LEN + body.len());
    sealed.extend_from_slice(nonce.as_ref());
    sealed.extend_from_slice(&body);
    Ok(sealed)
}

/// The inverse of [`seal`].
pub fn open(key: &SecretKey, address: &[u8], sealed: &[u8]) -> Result<Vec<u8>, NotAuthentic> {
    let (nonce, body) = sealed.split_at_checked(aead::NONCE_LEN).ok_or(NotAuthentic)?;
    let key = aead::RandomizedNonceKey::new(&aead::AES_256_GCM, key.as_bytes()).map_err(|_| NotAuthentic)?;
    let nonce = aead::Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotAuthentic)?;
    let mut body = body.to_vec();
    let length = key.open_in_place(nonce, aead::Aad::from(address), &mut body).map_err(|_| NotAuthentic)?.len();
    body.truncate(length);
    Ok(body)
}

/// An Ed25519 key (RFC 8032).
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// The same seed gives the same key.
    pub fn from_seed(seed: &SecretKey) -> Option<SigningKey> {
        Ed25519KeyPair::from_seed_unchecked(seed.as_bytes()).ok().map(SigningKey)
    }

    /// A private key as `openssl genpkey -algorithm ed25519` writes it (PKCS #8, RFC 8410).
    pub fn from_pem(text: &[u8]) -> Option<SigningKey> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(text).ok()?;
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()).ok().map(SigningKey)
    }

    pub fn public(&self) -> [u8; 32] {
        array(self.0.public_key().as_ref())
    }

    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.0.sign(message).as_ref());
        signature
    }
}

/// Whether the holder of this public key signed the message.
pub fn verify(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    signature::UnparsedPublicKey::new(&signature::ED25519, public).verify(message, signature).is_ok()
}

/// A key from a passphrase: argon2id with 64 MiB, three passes and four lanes, the second choice of RFC 9106 (section 4).
pub fn stretch(passphrase: &[u8], salt: &[u8; 16]) -> Option<SecretKey> {
    let params = argon2::Params::new(64 * 1024, 3, 4, Some(32)).ok()?;
    let mut key = Zeroizing::new([0_u8; 32]);
    argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
        .hash_password_into(passphrase, salt, &mut key[..])
        .ok()?;
    Some(SecretKey(key))
}

fn array(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0_u8; 32];
    out.copy_from_slice(bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_matches_rfc_4231_case_2() {
        let mut key = [0_u8; 32];
        key[..4].copy_from_slice(b"Jefe");
        // HMAC pads short keys with zeros, so a zero-extended key is the same key.
        let tag = keyed_hash(&SecretKey::from_bytes(key), b"what do ya want for nothing?");
        assert_eq!(
            crate::domain::hex::encode(&tag),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_sealed_box_opens_only_at_its_own_address_with_its_own_key() {
        let key = SecretKey::generate();
        let sealed = seal(&key, b"users/1", b"plain").unwrap();
        assert_eq!(open(&key, b"users/1", &sealed).unwrap(), b"plain");
        assert_eq!(open(&key, b"users/2", &sealed), Err(NotAuthentic));
        assert_eq!(open(&SecretKey::generate(), b"users/1", &sealed), Err(NotAuthentic));
        let mut altered = sealed.clone();
        altered[14] ^= 1;
        assert_eq!(open(&key, b"users/1", &altered), Err(NotAuthentic));
        assert_eq!(open(&key, b"users/1", &sealed[..11]), Err(NotAuthentic));
    }

    #[test]
    fn derived_keys_differ_by_purpose_and_repeat() {
        let key = SecretKey::from_bytes([7; 32]);
        assert_eq!(key.derive("a").as_bytes(), key.derive("a").as_bytes());
        assert_ne!(key.derive("a").as_bytes(), key.derive("b").as_bytes());
    }
}
