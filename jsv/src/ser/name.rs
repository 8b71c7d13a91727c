//! Member names in the case that was asked for.
//!
//! Adding a case: a variant of [`NameCase`] and an arm in [`write`].

use super::Buffer;
use crate::{NameCase, Options, scan};

/// Writes a member's name in the case that the options ask for.
#[inline(never)]
pub(super) fn write<B: Buffer>(out: &mut B, name: &str, options: Options) {
    let name = match options.name_case {
        NameCase::AsDeclared => name,
        NameCase::Camel if is_snake(name) => &join(name, false),
        NameCase::Camel => &camel(name),
        NameCase::Pascal => &join(name, true),
    };
    // White space at its ends would be taken for layout.
    let exposed = options.indented && name.trim().len() < name.len();
    if scan::needs_quotes(name.as_bytes()) || name.is_empty() || exposed {
        quoted(out, name);
    } else {
        out.put(name);
    }
}

/// `ServiceStack` writes names raw; one that would break the text is quoted instead.
#[cold]
fn quoted<B: Buffer>(out: &mut B, name: &str) {
    out.put_ascii(b'"');
    out.put(&name.replace('"', "\"\""));
    out.put_ascii(b'"');
}

/// A name as Rust writes fields: `organisation_id`.
fn is_snake(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.contains('_')
}

/// The first letter in lower case, and those capitals behind it that another one follows, or nothing.
fn camel(name: &str) -> String {
    let bytes = name.as_bytes();
    let run = bytes.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let starts_word = run > 1 && run < bytes.len();
    let (run, rest) = name.split_at(run - usize::from(starts_word));
    run.to_ascii_lowercase() + rest
}

/// Without underscores, the letter after each in upper case.
fn join(name: &str, mut capital: bool) -> String {
    let mut joined = String::with_capacity(name.len());
    for character in name.chars() {
        if character != '_' {
            joined.push(if capital { character.to_ascii_uppercase() } else { character });
        }
        capital = character == '_';
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn writes(case: NameCase, name: &str, expected: &str) {
        let mut out = String::new();
        write(&mut out, name, Options::new().name_case(case));
        assert_eq!(out, expected);
    }

    #[test]
    fn camel_case_folds_as_servicestack_does() {
        for (name, expected) in [
            ("OrganisationId", "organisationId"),
            ("URLPath", "urlPath"),
            ("ID", "id"),
            ("IPAddress", "ipAddress"),
            ("HTMLTag2", "htmlTag2"),
            ("Snake_Case", "snake_Case"),
            ("AB2", "aB2"),
            ("MD5Hash", "mD5Hash"),
            ("SHA256", "shA256"),
            ("AB_C", "aB_C"),
            ("A1", "a1"),
            ("IDÉ", "iDÉ"),
            ("aLower", "aLower"),
            ("X", "x"),
            ("organisation_id", "organisationId"),
            ("ÉCole", "ÉCole"),
        ] {
            writes(NameCase::Camel, name, expected);
        }
    }

    #[test]
    fn pascal_case_joins_words() {
        writes(NameCase::Pascal, "organisation_id", "OrganisationId");
        writes(NameCase::Pascal, "id", "Id");
        writes(NameCase::Pascal, "URLPath", "URLPath");
    }

    #[test]
    fn a_name_that_would_break_the_text_is_quoted() {
        writes(NameCase::AsDeclared, "a:b", "\"a:b\"");
        writes(NameCase::AsDeclared, "q\"q", "\"q\"\"q\"");
        writes(NameCase::AsDeclared, "", "\"\"");
    }
}
