//! Bodies and queries that are made of fields.

use actix_web::web::Bytes;
use futures_util::stream;
use percent_encoding::percent_decode;

/// The media type of a form.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
/// The media type of a form in parts.
pub(super) const MULTIPART: &str = "multipart/form-data";
/// The most fields of a form or query that are read.
const FIELDS: usize = 256;

/// Fields by name, in the order in which they came. The values of one name, in whatever case, are
/// joined with commas (`fixtures/wire`, rule B6).
#[derive(Default)]
pub(super) struct Fields(pub(super) Vec<(String, String)>);

impl Fields {
    /// The fields of a form or a query. Plus is a blank, a broken escape stays as it is (rule B6).
    pub(super) fn urlencoded(encoded: &[u8]) -> Self {
        let mut fields = Self::default();
        let pairs = encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        for pair in pairs.take(FIELDS) {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let name = unescaped(parts.next().unwrap_or_default());
            let value = unescaped(parts.next().unwrap_or_default());
            fields.add(name, &value);
        }
        fields
    }

    /// The fields of a body in parts. Files are skipped; a part's own type does not matter.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub(super) async fn multipart(content_type: &str, body: Bytes) -> Result<Self, String> {
        let said = |error: multer::Error| error.to_string();
        let boundary = multer::parse_boundary(content_type).map_err(said)?;
        let whole = stream::iter([Ok::<_, std::io::Error>(body)]);
        let mut parts = multer::Multipart::new(whole, boundary);
        let mut fields = Self::default();
        let mut count = 0;
        while let Some(part) = parts.next_field().await.map_err(said)? {
            count += 1;
            if count > FIELDS {
                return Err(format!("more than {FIELDS} parts"));
            }
            let name = part.name().filter(|_| part.file_name().is_none()).map(str::to_owned);
            let value = part.bytes().await.map_err(said)?;
            if let Some(name) = name {
                fields.add(name, &String::from_utf8_lossy(&value));
            }
        }
        Ok(fields)
    }

    fn add(&mut self, name: String, value: &str) {
        match self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            Some((_, values)) => {
                values.push(',');
                values.push_str(value);
            }
            None => self.0.push((name, value.to_owned())),
        }
    }

    /// The value of the field of that name, whatever its case.
    pub(super) fn take(self, name: &str) -> Option<String> {
        let mut fields = self.0.into_iter();
        fields.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

fn unescaped(part: &[u8]) -> String {
    let spaced: Vec<u8> =
        part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}
