//! What there is: the operations, and the languages that their types are written in.

use super::Site;
use super::html::{back, escape, page, tabs};
use crate::operation::Access;
use crate::types::LANGUAGES;

/// The page of `/metadata`.
#[must_use]
pub fn index(site: &Site<'_>) -> String {
    let prefix = escape(site.prefix());
    let mut body = format!("<h1>{}</h1>\n<h2>Operations</h2>\n", escape(&site.title()));
    body += "<ul class=\"operations\">\n";
    for operation in site.operations.iter() {
        let spec = operation.spec();
        let name = spec.name();
        body += &format!("<li>\n<h3>{}</h3>\n<p>{}.", escape(name), escape(spec.summary));
        if spec.access == Access::SignedIn {
            body += " Requires Authentication.";
        }
        body += "</p>\n";
        for route in spec.routes {
            let verbs = route.verbs.join(" ");
            body += &format!(
                "<p><span class=\"verb\">{}</span> <code>{}</code></p>\n",
                escape(&verbs),
                escape(route.path)
            );
        }
        let formats: Vec<_> = site
            .data_formats()
            .map(|format| {
                let name_of_format = format.name();
                let href = format!("{}/{name_of_format}/metadata?op={name}", site.prefix());
                (name_of_format.to_ascii_uppercase(), href, false)
            })
            .collect();
        body += &tabs(&format!("{name} by format"), &formats);
        body += "</li>\n";
    }
    body += "</ul>\n<h2>For your program</h2>\n<p>The types of requests and responses, as \
             <a href=\"https://servicestack.net\" rel=\"noreferrer\">ServiceStack</a> clients \
             expect them:</p>\n";
    body += &types(site);
    body += &format!(
        "<p><a href=\"{prefix}/openapi\">OpenAPI 3.1</a> (<a href=\"{prefix}/openapi.json\">JSON</a>), \
         <a href=\"{prefix}/types/metadata.json\">types as JSON</a>, \
         <a href=\"{prefix}/metadata/app.json\">description of the service as JSON</a></p>\n\
         <h2>For people</h2>\n<p><a href=\"{prefix}/enrol\">Set up your authenticator app</a></p>\n"
    );
    page(site, &site.title(), &body)
}

/// The page of `/types`.
#[must_use]
pub fn languages(site: &Site<'_>) -> String {
    let title = escape(&site.title());
    let body = format!("<h1>{title}</h1>\n{}<h2>Types</h2>\n{}", back(site), types(site));
    page(site, &site.title(), &body)
}

fn types(site: &Site<'_>) -> String {
    let links: Vec<_> = LANGUAGES
        .iter()
        .map(|language| {
            let href = format!("{}/types/{}", site.prefix(), language.id());
            (language.title().to_owned(), href, false)
        })
        .collect();
    tabs("Types by language", &links)
}
