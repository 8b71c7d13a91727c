//! Request bodies that are compressed: `Content-Encoding: gzip | deflate | br | zstd`, or several of
//! them, undone last first (RFC 9110 section 8.4).
//!
//! What comes out is bounded by the same limit as what goes in, and never held beyond it, so a small
//! body cannot become a large one. To add a coding: add a line to [`decoder`].

use std::io::Read;

use actix_web::web::{Bytes, BytesMut};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// The most codings that are undone.
const CODINGS: usize = 4;
/// Brotli's own buffer, in bytes.
const BUFFER: usize = 4096;
/// The widest window that zstd may ask for, in bytes.
const WINDOW: u64 = 8 * 1024 * 1024;

/// Why a body was not decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Undecodable {
    /// A coding that is not known here, or too many of them.
    Unknown,
    /// It is not what its coding says, or ends early.
    Broken,
    /// It is over the limit.
    TooLarge,
}

/// The body without its codings; `codings` is the header's value.
pub(super) fn decoded(codings: &str, body: Bytes, limit: usize) -> Result<Bytes, Undecodable> {
    let named: Vec<&str> = codings
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
        .collect();
    if named.len() > CODINGS {
        return Err(Undecodable::Unknown);
    }
    named.iter().rev().try_fold(body, |body, coding| Ok(undo(coding, &body, limit)?.freeze()))
}

fn undo(coding: &str, body: &[u8], limit: usize) -> Result<BytesMut, Undecodable> {
    if coding.eq_ignore_ascii_case("deflate") {
        return deflate(body, limit);
    }
    let mut reader = decoder(coding, body)?;
    read(&mut *reader, limit)
}

fn decoder<'b>(coding: &str, body: &'b [u8]) -> Result<Box<dyn Read + 'b>, Undecodable> {
    match coding.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => Ok(Box::new(MultiGzDecoder::new(body))),
        "br" => Ok(Box::new(brotli_decompressor::Decompressor::new(body, BUFFER))),
        "zstd" => ruzstd::decoding::StreamingDecoder::new_with_max_window_size(body, WINDOW)
            .map(|decoder| Box::new(decoder) as Box<dyn Read + 'b>)
            .map_err(|_| Undecodable::Broken),
        _ => Err(Undecodable::Unknown),
    }
}

/// `deflate` means zlib's format (RFC 9110 section 8.4.1.2), but many send the bare stream.
fn deflate(body: &[u8], limit: usize) -> Result<BytesMut, Undecodable> {
    match read(&mut ZlibDecoder::new(body), limit) {
        Err(Undecodable::Broken) => read(&mut DeflateDecoder::new(body), limit),
        outcome => outcome,
    }
}

fn read(reader: &mut dyn Read, limit: usize) -> Result<BytesMut, Undecodable> {
    let mut out = BytesMut::new();
    let mut chunk = [0; BUFFER];
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => return Ok(out),
            Ok(read) if out.len() + read > limit => return Err(Undecodable::TooLarge),
            Ok(read) => out.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Err(Undecodable::Broken),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const TEXT: &[u8] = b"{\"OrganisationId\":\"a a a a a a a a\"}";
    /// [`TEXT`] in brotli, as its reference encoder writes it.
    const BROTLI: &[u8] = &[
        0x1B, 0x23, 0x00, 0xF8, 0x8D, 0x93, 0xA5, 0x1E, 0x61, 0x15, 0x52, 0x2D, 0x02, 0x12, 0xB6,
        0xB7, 0x75, 0x92, 0xC8, 0xFA, 0x24, 0x1E, 0x92, 0x44, 0x13, 0x0C, 0xED, 0xF2, 0xD8, 0x60,
        0xAD, 0x0C,
    ];

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        ruzstd::encoding::compress_to_vec(text, level)
    }

    fn decode(codings: &str, body: &[u8], limit: usize) -> Result<Vec<u8>, Undecodable> {
        decoded(codings, body.to_vec().into(), limit).map(|body| body.to_vec())
    }

    #[test]
    fn every_coding_is_undone_whatever_its_case() {
        for (coding, body) in [
            ("gzip", gzip(TEXT)),
            ("X-Gzip", gzip(TEXT)),
            ("deflate", zlib(TEXT)),
            ("Deflate", raw(TEXT)),
            ("br", BROTLI.to_vec()),
            ("zstd", zstd(TEXT)),
            ("identity", TEXT.to_vec()),
            ("", TEXT.to_vec()),
            ("deflate, gzip", gzip(&zlib(TEXT))),
        ] {
            assert_eq!(decode(coding, &body, 1000).unwrap(), TEXT, "{coding}");
        }
    }

    #[test]
    fn what_is_broken_or_cut_short_is_refused() {
        for (coding, body) in [
            ("gzip", gzip(TEXT)),
            ("deflate", raw(TEXT)),
            ("br", BROTLI.to_vec()),
            ("zstd", zstd(TEXT)),
        ] {
            let cut = &body[..body.len() - 3];
            assert_eq!(decode(coding, cut, 1000), Err(Undecodable::Broken), "{coding}, cut");
            assert_eq!(decode(coding, b"xx", 1000), Err(Undecodable::Broken), "{coding}");
        }
        assert_eq!(decode("compress", TEXT, 1000), Err(Undecodable::Unknown));
        let many = "identity,gzip,gzip,gzip,gzip,gzip";
        assert_eq!(decode(many, TEXT, 1000), Err(Undecodable::Unknown));
    }

    #[test]
    fn a_small_body_does_not_become_a_large_one() {
        let large = vec![b' '; 4_000_000];
        for (coding, body) in
            [("gzip", gzip(&large)), ("deflate", raw(&large)), ("zstd", zstd(&large))]
        {
            assert!(body.len() < 65536, "{coding}: {}", body.len());
            assert_eq!(decode(coding, &body, 65536), Err(Undecodable::TooLarge), "{coding}");
        }
        assert_eq!(decode("gzip, gzip", &gzip(&gzip(&large)), 65536), Err(Undecodable::TooLarge));
    }
}
