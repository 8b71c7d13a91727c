//! What a client wants of the generated types, and the comment that repeats it.

use super::{Code, Language};
use crate::config;
use crate::dto::Case;

/// How the options stand at the top of a document. Each tool looks for the exact text
/// (`fixtures/wire`, need 52).
pub struct Comment {
    /// The first line or lines; `{namespace}` stands for the global namespace.
    pub open: &'static str,
    /// What each line begins with.
    pub line: &'static str,
    /// What an option that was not asked for begins with.
    pub off: &'static str,
    /// The last line.
    pub close: &'static str,
    /// What `{namespace}` is when none is asked for.
    pub namespace: &'static str,
}

impl Comment {
    /// `/* … */`, as most languages have it.
    pub const STAR: Self =
        Self { open: "/* Options:", line: "", off: "//", close: "*/", namespace: "" };
}

/// The options that every language heeds, with their defaults.
const COMMON: &[(&str, &str)] = &[("IncludeTypes", ""), ("ExcludeTypes", "")];

/// The longest value of an option, in characters. What is longer is no value (need 55).
const VALUE_MAX: usize = 512;

/// The options of one request.
pub struct Options {
    base_url: String,
    date: String,
    known: Vec<(&'static str, &'static str)>,
    given: Vec<(&'static str, String)>,
    /// How members are spelled in JSON. The host decides that, not the client. A language in which the
    /// name of a member is its name in JSON follows it; the others say what the name is there.
    pub case: Case,
    /// Whether this is the listing of a metadata page. The page of the original shows the bare
    /// types: no comments, no routes, no interface of the client library but the verb's.
    pub listing: bool,
}

impl Options {
    /// What the query asks of `language`. Unknown options, and values that could end the comment
    /// they are repeated in, are ignored.
    #[must_use]
    pub fn of(
        language: &dyn Language,
        query: &[(String, String)],
        base_url: &str,
        date: &str,
        case: Case,
    ) -> Self {
        let known: Vec<_> = language.options().iter().chain(COMMON).copied().collect();
        let find = |name: &str| {
            let given = query.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
            given.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
        };
        let given = known
            .iter()
            .filter_map(|(name, _)| {
                let value = find(name).filter(|value| is_value(name, value))?;
                Some((*name, value.to_owned()))
            })
            .collect();
        let asked = find("BaseUrl").filter(|url| url.len() <= VALUE_MAX).and_then(config::base_url);
        let base_url = asked.unwrap_or_else(|| base_url.to_owned());
        Self { base_url, date: date.to_owned(), known, given, case, listing: false }
    }

    /// The same for one type and all it leads to, as a metadata page lists them.
    #[must_use]
    pub fn listing_of(language: &dyn Language, type_name: &str, case: Case) -> Self {
        let query = [("IncludeTypes".to_owned(), format!("{type_name}.*"))];
        Self { listing: true, ..Self::of(language, &query, "", "", case) }
    }

    /// The value of an option: what was asked for, or the default.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        let given = self.given.iter().find(|(known, _)| *known == name);
        given.map_or_else(
            || {
                let known = self.known.iter().find(|(known, _)| *known == name);
                known.map_or("", |(_, default)| default)
            },
            |(_, value)| value.as_str(),
        )
    }

    /// Whether an option says yes.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).eq_ignore_ascii_case("true")
    }

    /// Whether documentation is written.
    #[must_use]
    pub fn comments(&self) -> bool {
        !self.listing && self.is_on("AddDescriptionAsComments")
    }

    /// The namespace asked for, or that one.
    #[must_use]
    pub fn namespace_or<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        Some(self.get(name)).filter(|value| !value.is_empty()).unwrap_or(default)
    }

    /// Writes the comment at the top.
    pub(super) fn write(&self, language: &dyn Language, out: &mut Code) {
        let comment = language.comment();
        let namespace = self.namespace_or("GlobalNamespace", comment.namespace);
        out.line(comment.open.replace("{namespace}", namespace));
        let line = comment.line;
        out.line(format!("{line}Date: {}", self.date));
        out.line(format!("{line}Version: {}", env!("CARGO_PKG_VERSION")));
        let off = comment.off;
        out.line(format!(
            "{line}Tip: To override a DTO option, remove \"{off}\" prefix before updating"
        ));
        out.line(format!("{line}BaseUrl: {}", self.base_url));
        out.line(line);
        for (name, default) in &self.known {
            match self.given.iter().find(|(given, _)| given == name) {
                Some((_, value)) => out.line(format!("{line}{name}: {value}")),
                None => out.line(format!("{line}{off}{name}: {default}")),
            }
        }
        out.line(comment.close);
        out.blank();
    }
}

/// Whether a value may stand in the comment, and in the code where it becomes a name.
fn is_value(name: &str, value: &str) -> bool {
    let list = name.ends_with("Types") || name == "AddNamespaces";
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.".contains(c) || list && ", *".contains(c);
    value.len() <= VALUE_MAX
        && value.chars().all(fits)
        && !value.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_can_leave_the_comment() {
        for value in ["*/", "a */ b", "\"\"\"", "a\nb", "=end\n", "a;b", "*)", "1a", "<b>"] {
            assert!(!is_value("GlobalNamespace", value), "{value}");
        }
        for value in ["*/", "\"\"\"", "a\nb", "*)", "a/b"] {
            assert!(!is_value("IncludeTypes", value), "{value}");
        }
        assert!(is_value("IncludeTypes", "Authenticate.*, Other"));
        assert!(is_value("Package", "com.example.dtos"));
    }
}
