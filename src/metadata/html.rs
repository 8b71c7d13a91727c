//! What the pages share: escaping, the head, the style sheet.

use super::Site;

/// The style sheet of the pages.
pub const STYLE: &str = include_str!("page.css");

/// Text as it stands in HTML, in an attribute too.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A whole page. `body` is HTML, `title` is text.
pub(super) fn page(site: &Site<'_>, title: &str, body: &str) -> String {
    let prefix = escape(site.prefix());
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<link rel=\"icon\" href=\"{prefix}/favicon.svg\" type=\"image/svg+xml\">\n\
         <link rel=\"stylesheet\" href=\"{prefix}/metadata.css\">\n</head>\n<body>\n<main>\n{body}</main>\n\
         </body>\n</html>\n",
        escape(title)
    )
}

/// The way back from a page, as a paragraph.
pub(super) fn back(site: &Site<'_>) -> String {
    let prefix = escape(site.prefix());
    format!("<p><a href=\"{prefix}/metadata\">&lt;back to all web services</a></p>\n")
}

/// Links beside each other, one of which is where the reader is.
pub(super) fn tabs(label: &str, links: &[(String, String, bool)]) -> String {
    let links: Vec<String> = links
        .iter()
        .map(|(text, href, here)| {
            let here = if *here { " aria-current=\"page\"" } else { "" };
            format!("<a href=\"{}\"{here}>{}</a>", escape(href), escape(text))
        })
        .collect();
    format!("<nav aria-label=\"{}\">{}</nav>\n", escape(label), links.join("\n"))
}
