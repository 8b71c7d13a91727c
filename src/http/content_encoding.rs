//! Request bodies that are compressed: `Content-Encoding: gzip | deflate | br | zstd`, or several of
//! them, undone last first (RFC 9110 section 8.4).
//!
//! What comes out is bounded by the same limit as what goes in, and never held beyond it, so a small
//! body cannot become a large one. Nothing of what goes in is passed over: what follows the end that a
//! coding marks is an error. To add a coding: add a line to [`undo`].

use std::io::Read;

use actix_web::web::{Bytes, BytesMut};
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// The most codings that are undone.
const CODINGS: usize = 4;
/// How much is decoded at once, in bytes.
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
    let mut out = Out { bytes: BytesMut::new(), limit };
    match coding.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => out.take(&mut MultiGzDecoder::new(body))?,
        "deflate" => deflate(body, &mut out)?,
        "br" => brotli(body, &mut out)?,
        "zstd" => zstd(body, &mut out)?,
        _ => return Err(Undecodable::Unknown),
    }
    Ok(out.bytes)
}

/// `deflate` means zlib's format (RFC 9110 section 8.4.1.2), but many send the bare stream. Which it
/// is says zlib's header (RFC 1950 section 2.2), which no writer of a bare stream begins with: it would
/// be a stored block whose padding is not zero.
fn deflate(body: &[u8], out: &mut Out) -> Result<(), Undecodable> {
    let is_zlib = matches!(body, [method, flags, ..]
        if method & 0x8F == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0);
    let rest = if is_zlib {
        let mut decoder = ZlibDecoder::new(body);
        out.take(&mut decoder)?;
        decoder.into_inner()
    } else {
        let mut decoder = DeflateDecoder::new(body);
        out.take(&mut decoder)?;
        decoder.into_inner()
    };
    if rest.is_empty() { Ok(()) } else { Err(Undecodable::Broken) }
}

fn brotli(body: &[u8], out: &mut Out) -> Result<(), Undecodable> {
    let memory = StandardAlloc::default;
    let mut state = BrotliState::new_strict(memory(), memory(), memory());
    let (mut left, mut at, mut total) = (body.len(), 0, 0);
    let mut chunk = [0; BUFFER];
    loop {
        let (mut room, mut end) = (BUFFER, 0);
        let result = BrotliDecompressStream(
            &mut left, &mut at, body, &mut room, &mut end, &mut chunk, &mut total, &mut state,
        );
        out.add(&chunk[..end])?;
        match result {
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::ResultSuccess if left == 0 => return Ok(()),
            _ => return Err(Undecodable::Broken),
        }
    }
}

/// One frame or several, some of which may be there to be skipped (RFC 8878 section 3).
fn zstd(mut body: &[u8], out: &mut Out) -> Result<(), Undecodable> {
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(WINDOW);
    loop {
        match StreamingDecoder::new_with_decoder(&mut body, &mut decoder) {
            Ok(mut frame) => out.take(&mut frame)?,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let rest = usize::try_from(length).ok().and_then(|length| body.get(length..));
                body = rest.ok_or(Undecodable::Broken)?;
            }
            Err(_) => return Err(Undecodable::Broken),
        }
        if body.is_empty() {
            return Ok(());
        }
    }
}

/// What comes out of a coding, up to the limit.
struct Out {
    bytes: BytesMut,
    limit: usize,
}

impl Out {
    /// All that a reader gives.
    fn take(&mut self, reader: &mut dyn Read) -> Result<(), Undecodable> {
        let mut chunk = [0; BUFFER];
        loop {
            match reader.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(read) => self.add(&chunk[..read])?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Undecodable::Broken),
            }
        }
    }

    fn add(&mut self, chunk: &[u8]) -> Result<(), Undecodable> {
        if self.bytes.len() + chunk.len() > self.limit {
            return Err(Undecodable::TooLarge);
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
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
    fn nothing_is_passed_over_that_follows_the_end() {
        let whole = [
            ("gzip", gzip(TEXT)),
            ("deflate", zlib(TEXT)),
            ("deflate", raw(TEXT)),
            ("br", BROTLI.to_vec()),
            ("zstd", zstd(TEXT)),
        ];
        for (coding, body) in &whole {
            for more in [&b"x"[..], b"\0", b"{\"OrganisationId\":\"a\"}", &[0; 2 * BUFFER]] {
                let body = [body, more].concat();
                assert_eq!(decode(coding, &body, 1000), Err(Undecodable::Broken), "{coding}");
            }
        }
        // A whole stream after a whole stream is more of the same only where its RFC says so.
        for (coding, body) in &whole {
            let expected = if ["gzip", "zstd"].contains(coding) {
                Ok([TEXT, TEXT].concat())
            } else {
                Err(Undecodable::Broken)
            };
            assert_eq!(decode(coding, &[&body[..], body].concat(), 1000), expected, "{coding}");
        }
        // The header of another method, or one of zlib's that does not add up, is a bare stream's.
        for header in [[0x79, 0x9C], [0x78, 0x9D], [0x88, 0x1C]] {
            let mut body = zlib(TEXT);
            body[..2].copy_from_slice(&header);
            assert_eq!(decode("deflate", &body, 1000), Err(Undecodable::Broken), "{header:?}");
        }
    }

    #[test]
    fn frames_of_zstd_are_read_one_after_another_and_some_are_skipped() {
        let skipped = |magic: u8, length: u32, content: &[u8]| {
            [&[magic, 0x2A, 0x4D, 0x18], &length.to_le_bytes()[..], content].concat()
        };
        let (first, second) = TEXT.split_at(10);
        let (note, empty) = (skipped(0x50, 4, b"note"), skipped(0x5F, 0, b""));
        let body = [note.clone(), zstd(first), empty.clone(), zstd(second), note.clone()].concat();
        assert_eq!(decode("zstd", &body, 1000).unwrap(), TEXT);
        assert_eq!(decode("zstd", &note, 1000).unwrap(), b"");
        for broken in
            [skipped(0x50, 5, b"note"), skipped(0x60, 0, b""), skipped(0x50, u32::MAX, b"")]
        {
            let body = [zstd(TEXT), broken].concat();
            assert_eq!(decode("zstd", &body, 1000), Err(Undecodable::Broken));
        }
        // Each of them is small, all together are not.
        let many = zstd(&[b' '; 1000]).repeat(100);
        assert_eq!(decode("zstd", &many, 65536), Err(Undecodable::TooLarge));
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
