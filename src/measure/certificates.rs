//! The CA certificates that builds are to trust, read from the files that a suite or the command line names.
//!
//! They reach every RUN and the bases' layers, so only certificates are copied: never a private key in the same file,
//! and nothing of a file that is something else. Its text is not in messages either.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::error::MeasureError;
use crate::fsx::{self, FileError};

/// Bytes of the largest file that is read; bundles of all public authorities have a quarter of a megabyte.
const MAX_BYTES: u64 = 16 << 20;

/// The certificates of these files as one PEM file, without anything else that the files hold.
pub(super) fn bundle(files: &[PathBuf]) -> Result<Vec<u8>, MeasureError> {
    let mut bundle = Vec::new();
    for path in files {
        let wrong = |problem| MeasureError::NoCertificates { path: path.clone(), problem };
        let text = read(path)?.ok_or_else(|| wrong("it is not a regular file of at most 16 MiB"))?;
        let before = bundle.len();
        for certificate in CertificateDer::pem_slice_iter(&text) {
            let certificate = certificate.map_err(|_| wrong("its PEM is damaged"))?;
            if !is_certificate(&certificate) {
                return Err(wrong("what it calls a certificate is none"));
            }
            append(&mut bundle, &certificate);
        }
        if bundle.len() == before {
            return Err(wrong("it has no `-----BEGIN CERTIFICATE-----`"));
        }
    }
    Ok(bundle)
}

/// The whole file; `None` if it is not a regular one, which may have no end, or too large.
fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let wrap = |source| FileError::new("read", path, source);
    if !std::fs::metadata(path).map_err(wrap)?.is_file() {
        return Ok(None);
    }
    let mut text = Vec::new();
    fsx::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(wrap)?;
    Ok((text.len() as u64 <= MAX_BYTES).then_some(text))
}

/// Lines of 64 characters (RFC 7468, section 2).
fn append(bundle: &mut Vec<u8>, der: &[u8]) {
    bundle.extend_from_slice(b"-----BEGIN CERTIFICATE-----\n");
    for line in STANDARD.encode(der).as_bytes().chunks(64) {
        bundle.extend_from_slice(line);
        bundle.push(b'\n');
    }
    bundle.extend_from_slice(b"-----END CERTIFICATE-----\n");
}

/// Whether it has the outline of a certificate: a SEQUENCE of two SEQUENCEs and a BIT STRING (RFC 5280, section 4.1).
fn is_certificate(der: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    const BIT_STRING: u8 = 0x03;
    let Some((SEQUENCE, mut rest, [])) = element(der) else { return false };
    for wanted in [SEQUENCE, SEQUENCE, BIT_STRING] {
        let Some((tag, content, after)) = element(rest) else { return false };
        if tag != wanted || content.is_empty() {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

/// Tag, content, and what follows the first element of a DER text (X.690, 8.1).
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(digits, _)| digits.len() <= 4)?;
        (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Diagnose as _;
    use crate::exit::Exit;

    const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBhDCCASmgAwIBAgIUWE9pyGROUal+WOW5ju8Ob9OsFLYwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLZXhhbXBsZS5vcmcwIBcNMjYxMTI4MjIyNjUxWhgPMjEyNjEx
MDQyMjI2NTFaMBYxFDASBgNVBAMMC2V4YW1wbGUub3JnMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEEDkTuGw7Maf1Y8zWMmoVARW4mbBwxX+Qr7q4g3NxWsffZyq3
/eFWcJa/N6J19IHMRe1EgNKpzXy3aFQmh+czuaNTMFEwHQYDVR0OBBYEFDaLPPAN
j8Qr9woTc//+W1tCPH5zMB8GA1UdIwQYMBaAFDaLPPANj8Qr9woTc//+W1tCPH5z
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAKmgX1yH9q1bOB+m
qUHCG1v/fPY9oGQ7OvLBsv3epFU7AiEA08WIVl0U2mFz2+hIfujSZwp0XJB/S0EN
2l016NabFds=
-----END CERTIFICATE-----
";

    fn bundled(texts: &[&[u8]]) -> Result<String, MeasureError> {
        let dir = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> = (0..texts.len()).map(|index| dir.path().join(index.to_string())).collect();
        for (file, text) in files.iter().zip(texts) {
            std::fs::write(file, text).unwrap();
        }
        bundle(&files).map(|bundle| String::from_utf8(bundle).unwrap())
    }

    #[test]
    fn only_certificates_are_copied() {
        let key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        let mixed =
            format!("Subject: secret\r\n{key}{}\r\n{key}secret\n{CERTIFICATE}", CERTIFICATE.replace('\n', "\r\n"));
        assert_eq!(bundled(&[CERTIFICATE.as_bytes()]).unwrap(), CERTIFICATE);
        assert_eq!(bundled(&[mixed.as_bytes(), CERTIFICATE.as_bytes()]).unwrap(), CERTIFICATE.repeat(3));
        assert_eq!(bundled(&[]).unwrap(), "");
    }

    #[test]
    fn a_file_of_anything_else_is_refused_and_not_quoted() {
        let pem = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        let wrapped = pem(&STANDARD.encode("root:$6$secret:19000:0:99999:7:::"));
        let nested = pem(&STANDARD.encode(b"\x30\x06\x30\x01s\x03\x01s"));
        let (cut, odd) = (&CERTIFICATE[..200], pem("secret:secret"));
        let texts = ["", "root:$6$secret:19000\n", &wrapped, &nested, cut, &odd, "-----BEGIN secret\n"];
        for text in texts.iter().map(|text| text.as_bytes()).chain([&b"\x30\x82secret\xff"[..]]) {
            let error = bundled(&[CERTIFICATE.as_bytes(), text]).unwrap_err();
            assert!(matches!(error, MeasureError::NoCertificates { .. }), "{error}");
            let said = format!("{} {}", crate::error::chain(&error), error.hint().unwrap());
            assert!(!said.contains("secret"), "{said}");
            assert_eq!(error.exit(), Exit::Unreadable);
        }
        assert!(matches!(bundle(&["/dev/zero".into()]), Err(MeasureError::NoCertificates { .. })));
        assert!(matches!(bundle(&["/none/x.pem".into()]), Err(MeasureError::File(_))));
    }
}
