//! The OpenAPI document as a page: no script, and nothing that the document does not say.

use serde_json::Value;

use super::super::Site;
use super::super::html::{back, escape, page as html_page};
use super::document;

/// The page of `/openapi`.
#[must_use]
pub fn page(site: &Site<'_>) -> String {
    let document = document(site);
    let title = escape(&site.title());
    let mut body = format!(
        "<h1>{title}</h1>\n{}<h2>OpenAPI</h2>\n<p>{}</p>\n\
         <p><a href=\"{}/openapi.json\">The document as JSON</a></p>\n",
        back(site),
        text(&document["info"]["description"]),
        escape(site.prefix())
    );
    for (path, verbs) in members(&document["paths"]) {
        for (verb, call) in members(verbs) {
            body += &operation(path, verb, call);
        }
    }
    body += "<h2>Ways to authenticate</h2>\n<dl>\n";
    for (name, scheme) in members(&document["components"]["securitySchemes"]) {
        body += &format!("<dt>{}</dt><dd>{}</dd>\n", escape(name), text(&scheme["description"]));
    }
    body += "</dl>\n";
    html_page(site, &format!("OpenAPI - {}", site.title()), &body)
}

fn operation(path: &str, verb: &str, call: &Value) -> String {
    let mut body = format!(
        "<h3><span class=\"verb\">{}</span> <code>{}</code></h3>\n<p>{}.</p>\n",
        escape(&verb.to_ascii_uppercase()),
        escape(path),
        text(&call["summary"])
    );
    if call["security"].is_array() {
        body += "<p>Requires Authentication</p>\n";
    }
    for parameter in call["parameters"].as_array().into_iter().flatten() {
        body += &format!(
            "<p><code>{}</code> ({}): {}</p>\n",
            text(&parameter["name"]),
            text(&parameter["in"]),
            text(&parameter["description"])
        );
    }
    body += &examples("Request", &call["requestBody"]["content"]);
    for (status, reply) in members(&call["responses"]) {
        body += &format!("<h4>{}</h4>\n<p>{}</p>\n", escape(status), text(&reply["description"]));
        body += &examples("Reply", &reply["content"]);
    }
    body
}

/// The examples of every media type, folded until somebody wants them.
fn examples(label: &str, content: &Value) -> String {
    let mut body = String::new();
    for (media_type, described) in members(content) {
        let single = described.get("example").map(|example| ("", example));
        let named = members(&described["examples"])
            .map(|(name, example)| (name.as_str(), &example["value"]));
        for (name, example) in single.into_iter().chain(named) {
            let shown = match example {
                Value::String(text) => text.clone(),
                other => serde_json::to_string_pretty(other).unwrap_or_default(),
            };
            let name = if name.is_empty() { String::new() } else { format!(" {}", escape(name)) };
            body += &format!(
                "<details><summary>{label} in {}{name}</summary>\n<pre tabindex=\"0\">{}</pre>\n\
                 </details>\n",
                escape(media_type),
                escape(&shown)
            );
        }
    }
    body
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}
