//! `Guid`: `#[serde(with = "jsv::uuid")]` on a [`uuid::Uuid`](::uuid::Uuid).
//!
//! Written as 32 digits in lower case, .NET's form N; read in the forms N, D, B and P, in either case.
//!
//! ```
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Row(#[serde(with = "jsv::uuid")] uuid::Uuid);
//!
//! let row: Row = jsv::from_str("{7DA74353-A40C-468E-93AA-7FF51F4F0E84}").unwrap();
//! assert_eq!(jsv::to_string(&row).unwrap(), "7da74353a40c468e93aa7ff51f4f0e84");
//! ```

use ::uuid::Uuid;

super::helper!(Uuid, "a GUID");

#[expect(clippy::unnecessary_wraps, reason = "other types have values that .NET has not")]
fn write(value: &Uuid) -> Option<String> {
    Some(value.as_simple().to_string())
}

fn read(text: &str) -> Option<Uuid> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Uuid::nil());
    }
    let bare = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let bare = bare.or_else(|| text.strip_prefix('{').and_then(|text| text.strip_suffix('}')));
    let hyphenated = bare.is_some();
    let text = bare.unwrap_or(text);
    let fits = text.len() == 36 || (text.len() == 32 && !hyphenated);
    fits.then(|| Uuid::try_parse(text).ok()).flatten()
}
