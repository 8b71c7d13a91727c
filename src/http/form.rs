//! Bodies and queries that are made of fields.

use actix_web::web::Bytes;
use futures_util::stream;
use percent_encoding::percent_decode;

/// The media type of a form.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
/// The media type of a form in parts.
pub(super) const MULTIPART: &str = "multipart/form-data";
/// The most fields of a form or query. One with more is refused: no field is passed over.
const FIELDS: usize = 256;

/// Fields by name, in the order in which they came. The values of one name, in whatever case, are
/// joined with commas (`fixtures/wire`, rule B6).
#[derive(Default)]
pub(super) struct Fields(pub(super) Vec<(String, String)>);

impl Fields {
    /// The fields of a form or a query.
    ///
    /// # Errors
    /// What is wrong with them, in a sentence.
    pub(super) fn urlencoded(encoded: &[u8]) -> Result<Self, String> {
        let mut fields = Self::default();
        for (number, (name, value)) in pairs(encoded).enumerate() {
            if number == FIELDS {
                return Err(format!("more than {FIELDS} fields"));
            }
            fields.add(name, &value);
        }
        Ok(fields)
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
}

/// The value of the one field of that name, as [`Fields`] have it, however many others there are.
pub(super) fn value(encoded: &[u8], name: &str) -> Option<String> {
    let mut values = pairs(encoded)
        .filter(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value);
    let first = values.next()?;
    Some(values.fold(first, |all, value| all + "," + &value))
}

/// Names and values. Plus is a blank, a broken escape stays as it is (rule B6).
fn pairs(encoded: &[u8]) -> impl Iterator<Item = (String, String)> {
    let pairs = encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let mut part = || unescaped(parts.next().unwrap_or_default());
        (part(), part())
    })
}

fn unescaped(part: &[u8]) -> String {
    let spaced: Vec<u8> =
        part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}
