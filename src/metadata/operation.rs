//! One operation: its routes, its members or its types, and samples in one format. For the format
//! JSV and the language C# it is the original's page (`fixtures/metadata/seed.txt`).

use super::html::{back, escape, page, tabs};
use super::{Site, sample};
use crate::dto::{FieldDef, Kind, TypeDef};
use crate::format::Format;
use crate::operation::{Access, Spec};
use crate::types::{LANGUAGES, Language, Model, Options, listing, sentence, verb_of};

/// The page of `/{format}/metadata?op=`. Without a language it has tables of the members instead of
/// types.
#[must_use]
pub fn operation(
    site: &Site<'_>,
    format: &dyn Format,
    spec: &'static Spec,
    language: Option<&dyn Language>,
) -> String {
    let name = spec.name();
    let mut body = format!("<h1>{}</h1>\n{}<h2>{name}</h2>\n", escape(&site.title()), back(site));
    body += &format_tabs(site, format, name, language);
    if spec.access == Access::SignedIn {
        body += "<div class=\"access\">Requires Authentication</div>\n";
    }
    body += &routes(spec);
    body += &language_tabs(site, format, name, language);
    body += &match language {
        None => members(site, spec),
        Some(language) => types(site, name, language),
    };
    body += &overriding(format);
    body += &samples(site, format, spec);
    page(site, &format!("{name} - {}", site.title()), &body)
}

fn format_tabs(
    site: &Site<'_>,
    here: &dyn Format,
    op: &str,
    language: Option<&dyn Language>,
) -> String {
    let lang = language.map_or(String::new(), |language| format!("&lang={}", language.id()));
    let links: Vec<_> = site
        .data_formats()
        .map(|format| {
            let name = format.name();
            let href = format!("{}/{name}/metadata?op={op}{lang}", site.prefix());
            (name.to_ascii_uppercase(), href, name == here.name())
        })
        .collect();
    tabs("Format", &links)
}

fn language_tabs(
    site: &Site<'_>,
    format: &dyn Format,
    op: &str,
    here: Option<&dyn Language>,
) -> String {
    let base = format!("{}/{}/metadata?op={op}", site.prefix(), format.name());
    let mut links = vec![("Metadata".to_owned(), base.clone(), here.is_none())];
    for language in LANGUAGES {
        let href = format!("{base}&lang={}", language.id());
        let chosen = here.is_some_and(|here| here.id() == language.id());
        links.push((language.title().to_owned(), href, chosen));
    }
    tabs("Language", &links)
}

fn routes(spec: &Spec) -> String {
    let rows: String = spec
        .routes
        .iter()
        .map(|route| {
            let verbs = route.verbs.join(", ");
            format!("<tr><th scope=\"row\">{verbs}</th><td>{}</td></tr>\n", escape(route.path))
        })
        .collect();
    format!(
        "<table class=\"routes\">\n<caption>The following routes are available for this \
         service:</caption>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}

/// The members of the request and of the response, and of the types these are made of.
fn members(site: &Site<'_>, spec: &'static Spec) -> String {
    let options = Options::listing_of(LANGUAGES[0], spec.name(), site.host.case);
    let model = Model::of(site.operations, &options, |_| false);
    let mut types: Vec<_> = model.types.iter().map(|declared| declared.def).collect();
    types.reverse();
    types.into_iter().filter(|def| !def.fields.is_empty()).map(|def| table(def, spec)).collect()
}

fn table(def: &'static TypeDef, spec: &Spec) -> String {
    let rows: String = def
        .fields
        .iter()
        .map(|field| {
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                field.name,
                place(def, field, spec),
                escape(&kind(field.kind)),
                if field.required { "Yes" } else { "No" },
                escape(&sentence(field.doc))
            )
        })
        .collect();
    format!(
        "<div class=\"scroll\"><table class=\"members\">\n<caption>{} Parameters:</caption>\n\
         <thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Parameter</th>\
         <th scope=\"col\">Data Type</th><th scope=\"col\">Required</th>\
         <th scope=\"col\">Description</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n",
        def.name
    )
}

/// Where a member goes in a request: into the path, the query or the body. Members of other types
/// have the place of what they are part of.
fn place(def: &TypeDef, field: &FieldDef, spec: &Spec) -> &'static str {
    if def.name != spec.request.name {
        return "form";
    }
    let segment = format!("{{{}}}", field.name);
    let in_path = |path: &str| path.split('/').any(|part| part.eq_ignore_ascii_case(&segment));
    if spec.routes.iter().any(|route| in_path(route.path)) {
        "path"
    } else if spec.verbs.iter().all(|verb| *verb == "GET") {
        "query"
    } else {
        "body"
    }
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::String => "string".into(),
        Kind::Bool => "bool".into(),
        Kind::Int32 => "int".into(),
        Kind::List(item) => format!("List<{}>", self::kind(*item)),
        Kind::Dictionary => "Dictionary<string, string>".into(),
        Kind::Object(def) => def.name.into(),
    }
}

fn types(site: &Site<'_>, name: &str, language: &dyn Language) -> String {
    let options = Options::listing_of(language, name, site.host.case);
    let model = Model::of(site.operations, &options, |def| language.has(def));
    let code = listing(language, &model, &options);
    let (id, title) = (language.id(), escape(language.title()));
    let prefix = escape(site.prefix());
    format!(
        "<pre tabindex=\"0\"><code>{}</code></pre>\n\
         <p><a href=\"{prefix}/types/{id}?IncludeTypes={name}.*\">{title} {name} DTOs</a></p>\n",
        escape(&code)
    )
}

/// How to get another format.
fn overriding(format: &dyn Format) -> String {
    let name = format.name();
    let jsonp = if name == "json" {
        "<p>To embed the response in a <b>jsonp</b> callback, append <b>?callback=myCallback</b></p>\n"
    } else {
        ""
    };
    format!(
        "<p>To override the Content-type in your clients, use the HTTP <b>Accept</b> Header, append \
         the <b>.{name}</b> suffix or <b>?format={name}</b></p>\n{jsonp}"
    )
}

fn samples(site: &Site<'_>, format: &dyn Format, spec: &'static Spec) -> String {
    let verb = verb_of(spec);
    let path = spec.routes.first().map_or_else(
        || format!("/{}/reply/{}", format.name(), spec.name()),
        |route| route.path.to_owned(),
    );
    // A format that is only written is asked for by a request in the default one.
    let sent = if format.reads() { format } else { site.formats.default() };
    let (asked, sent_as) = (format.media_types()[0].name, sent.media_types()[0].name);
    let (prefix, host) = (site.prefix(), site.host_name());
    let mut request = format!("{verb} {prefix}{path} HTTP/1.1 \nHost: {host} \nAccept: {asked}\n");
    if verb != "GET" {
        let body = sample::text(sent, spec.request, site.host);
        request += &format!("Content-Type: {sent_as}\nContent-Length: length\n\n{body}");
    }
    let reply = format!(
        "HTTP/1.1 200 OK\nContent-Type: {}\nContent-Length: length\n\n{}",
        format.label(),
        sample::text(format, spec.response, site.host)
    );
    format!(
        "<h3>HTTP + {}</h3>\n<p>The following are sample HTTP requests and responses. The \
         placeholders shown need to be replaced with actual values.</p>\n\
         <pre tabindex=\"0\">{}</pre>\n<pre tabindex=\"0\">{}</pre>\n",
        format.name().to_ascii_uppercase(),
        escape(&request),
        escape(&reply)
    )
}
