//! The QR code of a response that holds an `otpauth://` URI: as a picture of its own, `image/svg+xml`
//! or `image/png`, and inside the page of [`Html`](super::Html).
//!
//! Always black on white with a margin of four modules (ISO/IEC 18004 section 6.3.8), on dark pages
//! too: scanners want it so. A response without such a URI, above all a refusal, is not shown by
//! these formats; negotiation goes on to the next acceptable one, and at last to JSON.

use std::fmt::Write as _;

use fast_qr::ECL;
use fast_qr::qr::{QRBuilder, QRCode, QRCodeError};
use serde_json::Value;

use super::{Format, Host, MediaType, Unwritable, tree};
use crate::dto::AnyDto;

/// The QR code as SVG. It is only written.
pub struct Svg;

/// The QR code as PNG. It is only written.
pub struct Png;

impl Format for Svg {
    fn name(&self) -> &'static str {
        "svg"
    }

    fn media_types(&self) -> &'static [MediaType] {
        const { &[MediaType::plain("image/svg+xml")] }
    }

    fn shows(&self, body: &dyn AnyDto) -> bool {
        Code::of(body).is_some()
    }

    fn is_data(&self) -> bool {
        false
    }

    fn write(&self, body: &dyn AnyDto, _: Host, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        let code = Code::of(body).ok_or_else(|| nothing_to_show("svg"))?;
        out.extend_from_slice(code.svg().as_bytes());
        Ok(())
    }

    /// Should a browser open the picture as a page, nothing in it runs or loads.
    fn head(&self, _: &str) -> Vec<(&'static str, String)> {
        vec![("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'".to_owned())]
    }
}

impl Format for Png {
    fn name(&self) -> &'static str {
        "png"
    }

    fn media_types(&self) -> &'static [MediaType] {
        const { &[MediaType::plain("image/png")] }
    }

    fn shows(&self, body: &dyn AnyDto) -> bool {
        Code::of(body).is_some()
    }

    fn is_data(&self) -> bool {
        false
    }

    fn write(&self, body: &dyn AnyDto, _: Host, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        let code = Code::of(body).ok_or_else(|| nothing_to_show("png"))?;
        code.png(out).map_err(|error| Unwritable { format: "png", reason: error.to_string() })
    }
}

fn nothing_to_show(format: &'static str) -> Unwritable {
    Unwritable { format, reason: "there is no otpauth URI in it".to_owned() }
}

/// The empty modules around the code.
const MARGIN: usize = 4;
/// The pixels of a module's side.
const SCALE: usize = 8;

/// The QR code of an `otpauth://` URI.
pub(super) struct Code(QRCode);

impl Code {
    /// The code of the URI that a response holds, if it holds one.
    pub(super) fn of(body: &dyn AnyDto) -> Option<Self> {
        // A list of keys has no one code.
        if body.is_list() {
            return None;
        }
        let value = tree(body, Host::default(), "qr").ok()?;
        Self::encode(otpauth(&value)?).ok()
    }

    /// The code of `uri`; the error says that it is too long for one.
    pub(super) fn encode(uri: &str) -> Result<Self, QRCodeError> {
        QRBuilder::new(uri).ecl(ECL::M).build().map(Self)
    }

    /// Modules along a side, the margin included.
    fn side(&self) -> usize {
        self.0.size + 2 * MARGIN
    }

    fn is_dark(&self, column: usize, row: usize) -> bool {
        let inside = MARGIN..MARGIN + self.0.size;
        inside.contains(&column)
            && inside.contains(&row)
            && self.0.data[(row - MARGIN) * self.0.size + column - MARGIN].value()
    }

    /// One path of horizontal runs on a white ground.
    pub(super) fn svg(&self) -> String {
        let side = self.side();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
             width=\"{pixels}\" height=\"{pixels}\" shape-rendering=\"crispEdges\" role=\"img\" \
             aria-label=\"QR code\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/>\
             <path d=\"",
            pixels = side * SCALE
        );
        for row in 0..side {
            let mut column = 0;
            while column < side {
                let run = (column..side).take_while(|column| self.is_dark(*column, row)).count();
                if run > 0 {
                    let _ = write!(svg, "M{column} {row}h{run}v1h-{run}z");
                }
                column += run.max(1);
            }
        }
        svg.push_str("\"/></svg>");
        svg
    }

    fn png(&self, out: &mut Vec<u8>) -> Result<(), png::EncodingError> {
        let side = self.side() * SCALE;
        let size = u32::try_from(side).unwrap_or(u32::MAX);
        let mut rows = Vec::with_capacity(side * side.div_ceil(8));
        for y in 0..side {
            // SCALE is the number of bits in a byte: a module is one byte of a row.
            let dark = |column| if self.is_dark(column, y / SCALE) { 0x00 } else { 0xFF };
            rows.extend((0..self.side()).map(dark));
        }
        let mut encoder = png::Encoder::new(out, size, size);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        encoder.write_header()?.write_image_data(&rows)
    }
}

/// The member that is an `otpauth://` URI, whatever its name.
pub(super) fn otpauth(value: &Value) -> Option<&str> {
    let members = value.as_object()?.values();
    members.filter_map(Value::as_str).find(|text| text.starts_with("otpauth://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dto::{ErrorResponse, SERVICE_STACK};

    crate::dto! {
        struct Key in SERVICE_STACK {
            pub name: Option<String>,
            pub uri: Option<String>,
        }
    }

    const URI: &str = "otpauth://totp/Foundry:a?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=F";

    fn key(uri: &str) -> Key {
        Key { name: Some("n".into()), uri: Some(uri.into()) }
    }

    fn written(format: &dyn Format, uri: &str) -> Vec<u8> {
        let mut out = Vec::new();
        format.write(&key(uri), Host::default(), &mut out).unwrap();
        out
    }

    /// The modules that a picture shows, margin included, true for dark.
    fn from_png(bytes: &[u8]) -> Vec<Vec<bool>> {
        let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(info.width, info.height);
        assert_eq!(info.bit_depth, png::BitDepth::One);
        let rows = pixels.chunks(info.line_size).step_by(SCALE);
        rows.map(|row| row.iter().map(|byte| *byte == 0).collect()).collect()
    }

    fn from_svg(svg: &str) -> Vec<Vec<bool>> {
        let number = |text: &str| text.parse::<usize>().unwrap();
        let (_, rest) = svg.split_once("viewBox=\"0 0 ").unwrap();
        let side = number(rest.split(' ').next().unwrap());
        let mut modules = vec![vec![false; side]; side];
        let path = svg.rsplit_once(" d=\"").unwrap().1.split('"').next().unwrap();
        for run in path.split_terminator('z') {
            let (place, run) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
            let (column, row) = place.split_once(' ').unwrap();
            let length = number(run.split('v').next().unwrap());
            modules[number(row)][number(column)..][..length].fill(true);
        }
        modules
    }

    #[test]
    fn both_pictures_show_the_code_of_the_uri_inside_its_margin() {
        let code = Code::encode(URI).unwrap();
        let side = code.side();
        let expected: Vec<Vec<bool>> = (0..side)
            .map(|row| (0..side).map(|column| code.is_dark(column, row)).collect())
            .collect();
        assert_eq!(from_png(&written(&Png, URI)), expected);
        assert_eq!(from_svg(&String::from_utf8(written(&Svg, URI)).unwrap()), expected);
        assert_ne!(from_png(&written(&Png, &URI.replace("a?", "b?"))), expected);
        let edge = |at: &[bool]| at.iter().all(|dark| !dark);
        assert!(expected[..MARGIN].iter().all(|row| edge(row)), "no margin");
        // The finder pattern's upper left corner.
        assert!(expected[MARGIN][MARGIN..MARGIN + 7].iter().all(|dark| *dark));
    }

    #[test]
    fn what_has_no_code_is_not_shown() {
        let long = format!("{URI}&x={}", "y".repeat(4000));
        for format in [&Svg as &dyn Format, &Png] {
            assert!(format.shows(&key(URI)));
            assert!(!format.shows(&key("https://example.com")));
            assert!(!format.shows(&key(&long)));
            assert!(!format.shows(&vec![key(URI)]));
            assert!(!format.shows(&ErrorResponse::default()));
        }
    }
}
