//! Certificates to trust in addition to the system's.

use std::fs;
use std::io;
use std::path::Path;

use reqwest::Certificate;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{PemObject, SectionKind};

use crate::model::io_advice;

/// Why a certificate file is invalid.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum TrustError {
    #[error("cannot read it: {}", io_advice(.0))]
    Read(io::Error),
    #[error("the file is empty; it must contain the certificate of the issuer as PEM")]
    Empty,
    #[error("it contains a private key, but no certificate; use the certificate of the issuer as PEM")]
    PrivateKey,
    #[error("it contains {0}, but no certificate; use the certificate of the issuer as PEM")]
    OtherSection(&'static str),
    #[error("it is a certificate in DER format; convert it: openssl x509 -inform der -in FILE -out FILE.pem")]
    Der,
    #[error(
        "it contains no PEM certificate; a PEM file has lines like -----BEGIN CERTIFICATE-----, and Base64 between them"
    )]
    NoPem,
    #[error("certificate {0} in it is damaged; check that it was copied completely")]
    Damaged(usize),
}

/// Reads the PEM certificates in the file at `path`.
///
/// # Errors
/// [`TrustError`] with what the file contains instead.
pub fn trusted(path: &Path) -> Result<Vec<Certificate>, TrustError> {
    let bytes = fs::read(path).map_err(TrustError::Read)?;
    parse(&bytes)?
        .iter()
        .enumerate()
        .map(|(index, der)| Certificate::from_der(der).map_err(|_| TrustError::Damaged(index + 1)))
        .collect()
}

fn parse(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(TrustError::Empty);
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut found = Vec::new();
    let mut other = None;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes) {
        match section {
            Ok((SectionKind::Certificate, der)) => {
                let der = CertificateDer::from(der);
                if webpki::anchor_from_trusted_cert(&der).is_err() {
                    return Err(TrustError::Damaged(found.len() + 1));
                }
                found.push(der.into_owned());
            }
            Ok((kind, _)) => other = Some(kind),
            Err(_) => return Err(TrustError::Damaged(found.len() + 1)),
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    Err(match other {
        Some(SectionKind::RsaPrivateKey | SectionKind::PrivateKey | SectionKind::EcPrivateKey) => {
            TrustError::PrivateKey
        }
        Some(SectionKind::PublicKey) => TrustError::OtherSection("a public key"),
        Some(SectionKind::Csr) => TrustError::OtherSection("a certificate signing request"),
        Some(SectionKind::Crl) => TrustError::OtherSection("a revocation list"),
        _ if webpki::anchor_from_trusted_cert(&CertificateDer::from(bytes)).is_ok() => TrustError::Der,
        _ => TrustError::NoPem,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_certificate_file_is_described() {
        let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let pem = key.cert.pem();
        let (half, _) = pem.split_at(pem.len() / 2);
        let says = |bytes: &[u8]| parse(bytes).unwrap_err().to_string();
        assert!(says(b"").contains("is empty"));
        assert!(says(b" \r\n").contains("is empty"));
        assert!(says(key.signing_key.serialize_pem().as_bytes()).contains("private key"));
        assert!(says(key.cert.der()).contains("openssl x509 -inform der"));
        assert!(says(b"hello").contains("no PEM certificate"));
        assert!(says(half.as_bytes()).contains("damaged"));
        let rubbish = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(says(rubbish.as_bytes()).contains("certificate 1 in it is damaged"));
        assert!(says((pem.clone() + rubbish).as_bytes()).contains("certificate 2"));
        assert_eq!(parse((key.signing_key.serialize_pem() + &pem).as_bytes()).unwrap().len(), 1);
        assert_eq!(parse(format!("\u{feff}{pem}").replace('\n', "\r\n").as_bytes()).unwrap().len(), 1);
    }
}
