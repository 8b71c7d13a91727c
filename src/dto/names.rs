//! The names of members on the wire, folded from the Rust names when the program is compiled.
//!
//! A member `organisation_id` is `OrganisationId` in XML and `organisationId` in JSON and JSV.
//! Folding in constants means that no name is ever spelled twice and none is made at run time.

/// How many bytes [`pascal`] makes of `snake`.
#[must_use]
pub const fn pascal_len(snake: &str) -> usize {
    let bytes = snake.as_bytes();
    let mut length = 0;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'_' {
            length += 1;
        }
        at += 1;
    }
    length
}

/// `organisation_id` → `OrganisationId`. `N` is [`pascal_len`] of the same text.
#[must_use]
pub const fn pascal<const N: usize>(snake: &str) -> [u8; N] {
    let bytes = snake.as_bytes();
    let mut folded = [0; N];
    let (mut at, mut to, mut starts) = (0, 0, true);
    while at < bytes.len() {
        if bytes[at] == b'_' {
            starts = true;
        } else {
            folded[to] = if starts { bytes[at].to_ascii_uppercase() } else { bytes[at] };
            starts = false;
            to += 1;
        }
        at += 1;
    }
    folded
}

/// `OrganisationId` → `organisationId`, as ServiceStack's `ToCamelCase` folds: the leading run of
/// capitals is lowered, except the last one before a lower-case letter (`URLPath` → `urlPath`).
#[must_use]
pub const fn camel<const N: usize>(pascal: [u8; N]) -> [u8; N] {
    let mut folded = pascal;
    let mut at = 0;
    while at < N && folded[at].is_ascii_uppercase() {
        if at > 0 && at + 1 < N && pascal[at + 1].is_ascii_lowercase() {
            break;
        }
        folded[at] = folded[at].to_ascii_lowercase();
        at += 1;
    }
    folded
}

/// `OrganisationId` → `organisation_id`, for the languages that spell names so. It undoes
/// [`pascal`].
#[must_use]
pub fn snake(pascal: &str) -> String {
    let mut folded = String::with_capacity(pascal.len() + 4);
    for letter in pascal.chars() {
        if letter.is_ascii_uppercase() && !folded.is_empty() {
            folded.push('_');
        }
        folded.push(letter.to_ascii_lowercase());
    }
    folded
}

/// The text of a folded name.
///
/// # Panics
/// In a constant, when the name is not UTF-8: folding ASCII letters keeps it so.
#[must_use]
pub const fn text(bytes: &'static [u8]) -> &'static str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("a folded name is UTF-8"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold_camel<const N: usize>(name: &[u8; N]) -> String {
        String::from_utf8(camel(*name).to_vec()).unwrap()
    }

    #[test]
    fn names_fold_as_the_original_folds_them() {
        assert_eq!(&pascal::<14>("organisation_id"), b"OrganisationId");
        assert_eq!(pascal_len("organisation_id"), 14);
        assert_eq!(snake("OrganisationId"), "organisation_id");
        assert_eq!(fold_camel(b"OrganisationId"), "organisationId");
        assert_eq!(fold_camel(b"URLPath"), "urlPath");
        assert_eq!(fold_camel(b"ID"), "id");
        assert_eq!(fold_camel(b"HTMLTag2"), "htmlTag2");
        assert_eq!(fold_camel(b"Snake_Case"), "snake_Case");
    }
}
