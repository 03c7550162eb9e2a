//! Response bodies within a size limit, and gzip.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

/// The value of `Accept-Encoding`.
pub const ACCEPTED: &str = "gzip";

/// Why a response body cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is larger than allowed.
    #[error("the response is larger than {0} bytes (--max-response)")]
    TooLarge(u64),
    /// Its coding is not supported.
    #[error("unsupported content coding {0}")]
    Coding(String),
    /// It is not gzip, damaged, or truncated.
    #[error("the gzip body of the response is damaged")]
    Damaged,
}

/// Decodes a body chunk by chunk, so that neither a wrong length nor a compressed bomb exceeds the limit.
#[derive(Debug)]
pub struct BodyReader(Decoder);

#[derive(Debug)]
enum Decoder {
    Plain(Limited),
    /// The decoder, and whether any byte was received.
    Gzip(Box<MultiGzDecoder<Limited>>, bool),
}

/// A buffer with a maximum size.
#[derive(Debug)]
struct Limited {
    bytes: Vec<u8>,
    limit: u64,
}

impl Limited {
    fn has_room(&self, more: usize) -> bool {
        u64::try_from(self.bytes.len() + more).is_ok_and(|length| length <= self.limit)
    }
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.has_room(bytes.len()) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BodyReader {
    /// Creates a reader for a body with these headers, of `length` bytes if known, and at most `limit` bytes when
    /// decoded.
    ///
    /// # Errors
    /// [`BodyError::Coding`] for any coding but a single gzip; [`BodyError::TooLarge`].
    pub fn new(headers: &HeaderMap, length: Option<u64>, limit: u64) -> Result<Self, BodyError> {
        let values = headers.get_all(CONTENT_ENCODING).into_iter();
        let values: Vec<String> =
            values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
        let codings = values.iter().flat_map(|value| value.split(',')).map(str::trim);
        let codings: Vec<&str> =
            codings.filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity")).collect();
        let limited = Limited { bytes: Vec::new(), limit };
        let is_gzip =
            |coding: &str| coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip");
        match codings.as_slice() {
            [] if length.is_some_and(|length| length > limit) => Err(BodyError::TooLarge(limit)),
            [] => Ok(Self(Decoder::Plain(limited))),
            [coding] if is_gzip(coding) => {
                Ok(Self(Decoder::Gzip(Box::new(MultiGzDecoder::new(limited)), false)))
            }
            codings => Err(BodyError::Coding(shown(&codings.join(", ")))),
        }
    }

    /// Adds the next chunk.
    ///
    /// # Errors
    /// If the body is too large or damaged.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), BodyError> {
        match &mut self.0 {
            Decoder::Plain(limited) => {
                let limit = limited.limit;
                limited.write_all(chunk).map_err(|error| fault(&error, limit))
            }
            Decoder::Gzip(decoder, any) => {
                *any |= !chunk.is_empty();
                let limit = decoder.get_ref().limit;
                decoder.write_all(chunk).map_err(|error| fault(&error, limit))
            }
        }
    }

    /// Returns the decoded body.
    ///
    /// # Errors
    /// If a gzip body is truncated.
    pub fn finish(self) -> Result<Vec<u8>, BodyError> {
        match self.0 {
            Decoder::Plain(limited) => Ok(limited.bytes),
            Decoder::Gzip(_, false) => Ok(Vec::new()),
            Decoder::Gzip(decoder, true) => {
                let limit = decoder.get_ref().limit;
                decoder.finish().map(|limited| limited.bytes).map_err(|error| fault(&error, limit))
            }
        }
    }
}

fn fault(error: &io::Error, limit: u64) -> BodyError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => BodyError::TooLarge(limit),
        _ => BodyError::Damaged,
    }
}

/// A server's text for a message: short, and without control characters.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use reqwest::header::HeaderValue;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(codings: &[&str], body: &[u8], limit: u64, chunk: usize) -> Result<Vec<u8>, BodyError> {
        let mut headers = HeaderMap::new();
        for coding in codings {
            headers.append(CONTENT_ENCODING, HeaderValue::from_str(coding).unwrap());
        }
        let mut reader = BodyReader::new(&headers, None, limit)?;
        for chunk in body.chunks(chunk) {
            reader.push(chunk)?;
        }
        reader.finish()
    }

    #[test]
    fn gzip_members_are_joined() {
        let body = [gzip(b"{\"a\":"), gzip(b""), gzip(b"1}")].concat();
        for chunk in [1, 7, 1000] {
            for codings in
                [&["gzip"][..], &["x-gzip"], &["GZIP"], &["identity, gzip"], &["identity", "X-Gzip"]]
            {
                assert_eq!(read(codings, &body, 7, chunk).unwrap(), b"{\"a\":1}", "{codings:?}");
            }
        }
        assert_eq!(read(&["gzip"], b"", 0, 1).unwrap(), b"", "an empty body is not coded");
        assert_eq!(read(&["identity"], b"x", 1, 1).unwrap(), b"x");
    }

    #[test]
    fn gzip_bomb_is_stopped_at_the_limit() {
        let bomb = gzip(&vec![0; 10 << 20]);
        assert!(matches!(read(&["gzip"], &bomb, 1000, 4096), Err(BodyError::TooLarge(1000))));
        assert!(matches!(read(&[], &[0; 11], 10, 3), Err(BodyError::TooLarge(10))));
        assert!(matches!(BodyReader::new(&HeaderMap::new(), Some(11), 10), Err(BodyError::TooLarge(10))));
    }

    #[test]
    fn damaged_gzip_is_an_error() {
        let whole = gzip(b"some text");
        let (cut, _) = whole.split_at(whole.len() - 3);
        let mut wrong = whole.clone();
        if let Some(byte) = wrong.get_mut(12) {
            *byte ^= 0xff;
        }
        for body in [cut, &wrong, b"{\"plain\":1}", &[&whole[..], b"rest"].concat()] {
            assert!(matches!(read(&["gzip"], body, 100, 5), Err(BodyError::Damaged)), "{body:?}");
        }
    }

    #[test]
    fn unsupported_coding_is_named() {
        for (coding, named) in
            [("br", "br"), ("zstd", "zstd"), ("deflate", "deflate"), ("gzip, br", "gzip, br")]
        {
            let error = read(&[coding], b"", 10, 1).unwrap_err().to_string();
            assert_eq!(error, format!("unsupported content coding {named}"));
        }
    }
}
