//! The generated types, as the tools that fetch them check them (`fixtures/wire`, needs
//! 50–57). Whether they compile is for `tests/types/run`.

use std::fs;
use std::path::Path;

use foundry_api::operation::Operations;
use foundry_api::types::{LANGUAGES, verb_of};

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_language_is_as_it_was_read() {
    let app = TestApp::start().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/types");
    let bless = std::env::var_os("BLESS").is_some();
    let mut names = Vec::new();
    for language in LANGUAGES {
        let text = app
            .send("GET", &format!("/types/{}", language.id()), &[], b"")
            .expect(200)
            .text()
            .to_owned();
        let name = format!("{}.txt", language.id());
        let file = folder.join(&name);
        if bless {
            fs::write(&file, &text).unwrap();
        }
        let recorded = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(
            text, recorded,
            "{name} differs; if it should, BLESS=1 tests/run records it anew"
        );
        names.push(name);
    }
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(&name), "{name} is of no language");
    }
}

/// How the document of a language says what a member is called in JSON, where it says so.
fn names_in_json(id: &str, name: &str) -> Option<String> {
    let (first, rest) = name.split_at(1);
    let camel = format!("{}{rest}", first.to_ascii_lowercase());
    let is_camel = camel == name;
    Some(match id {
        // Their client library reads and writes without regard to case.
        "csharp" | "fsharp" | "vbnet" => return None,
        "typescript" => format!(" public {name}?: "),
        "typescript.d" => format!(" {name}?: "),
        "mjs" => format!("\n    {name};\n"),
        "python" => format!("LetterCase.{}", if is_camel { "CAMEL" } else { "PASCAL" }),
        "java" => format!(" {name} = null;"),
        "kotlin" => format!(" var {name}:"),
        "swift" if is_camel => format!(" var {name}:"),
        "swift" => format!(" case {camel} = \"{name}\"\n"),
        "dart" => format!("json['{name}']"),
        "php" => format!("$o['{name}']"),
        "go" => format!("`json:\"{name},omitempty\"`"),
        "ruby" => format!("name: '{name}'"),
        "rust" => format!("rename_all = \"{}Case\"", if is_camel { "camel" } else { "Pascal" }),
        other => panic!("{other} is not among the languages of this test"),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn members_are_called_as_the_service_calls_them_in_json() {
    let mut documents = Vec::new();
    for (case, name) in [("camel", "twoFactorUri"), ("pascal", "TwoFactorUri")] {
        let app = TestApp::signing(&[("FOUNDRY_NAME_CASE", case)]).await;
        assert!(app.generate(&[], "").expect(200).json()[name].is_string(), "{case}");
        let text = |id: &str| {
            app.send("GET", &format!("/types/{id}"), &[], b"").expect(200).text().to_owned()
        };
        documents.push(LANGUAGES.iter().map(|language| text(language.id())).collect::<Vec<_>>());
    }
    for (language, (camel, pascal)) in LANGUAGES.iter().zip(documents[0].iter().zip(&documents[1]))
    {
        let id = language.id();
        let (Some(in_camel), Some(in_pascal)) =
            (names_in_json(id, "twoFactorUri"), names_in_json(id, "TwoFactorUri"))
        else {
            assert_eq!(camel, pascal, "{id}");
            continue;
        };
        assert!(camel.contains(&in_camel) && !camel.contains(&in_pascal), "{id}: {camel}");
        assert!(pascal.contains(&in_pascal), "{id}: {pascal}");
        // Swift keeps the names that its users see.
        assert!(id == "swift" || !pascal.contains(&in_camel), "{id}: {pascal}");
    }
}

/// How the document of each language begins, and the line that ends its options.
fn begins(id: &str) -> (&'static str, &'static str, &'static str, &'static str) {
    match id {
        "fsharp" => ("(* Options:\n", "", "//", "*)"),
        "vbnet" => ("' Options:\n", "'", "''", ""),
        "python" => ("\"\"\" Options:\n", "", "#", "\"\"\""),
        "php" => ("<?php namespace dtos;\n/* Options:\n", "", "//", "*/"),
        "ruby" => ("# Options:\n=begin\n", "", "#", "=end"),
        _ => ("/* Options:\n", "", "//", "*/"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_document_begins_as_its_tools_expect() {
    let app = TestApp::start().await;
    for language in LANGUAGES {
        let id = language.id();
        let reply = app.send("GET", &format!("/types/{id}"), &[], b"").expect(200);
        let media_type =
            if ["mjs", "php"].contains(&id) { "text/javascript" } else { "text/plain" };
        let expected = format!("{media_type}; charset=utf-8");
        assert_eq!(reply.header("Content-Type"), Some(&*expected), "{id}");
        let text = reply.text().to_owned();
        let (open, mark, off, close) = begins(id);
        let rest = text.strip_prefix(open).unwrap_or_else(|| panic!("{id} begins {text:.40}"));
        let mut lines = rest.lines();
        for name in ["Date: 2026-11-18 ", "Version: ", "Tip: ", "BaseUrl: http://test"] {
            let line = lines.next().unwrap();
            assert!(line.starts_with(&format!("{mark}{name}")), "{id}: {line}");
        }
        assert_eq!(lines.next(), Some(mark), "{id}");
        let options: Vec<_> = lines.by_ref().take_while(|line| *line != close).collect();
        assert!(options.iter().all(|line| line.starts_with(&format!("{mark}{off}"))), "{id}");
        assert!(options.contains(&&*format!("{mark}{off}IncludeTypes: ")), "{id}: {options:?}");
        assert!(lines.next().is_some(), "{id}: nothing follows the options");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn options_come_back_as_they_were_given_and_unknown_ones_are_ignored() {
    let app = TestApp::start().await;
    let long = "x".repeat(5000);
    for language in LANGUAGES {
        let id = language.id();
        let query = "IncludeTypes=GenerateTwoFactorAuthenticationKeyRequest.*\
                     &ExcludeTypes=&Package=my.dtos&GlobalNamespace=dtos&ExportAsTypes=true";
        let path = format!("/types/{id}?{query}&{long}={long}");
        let text = app.send("GET", &path, &[], b"").expect(200).text().to_owned();
        let (_, mark, off, _) = begins(id);
        let line = format!("\n{mark}IncludeTypes: GenerateTwoFactorAuthenticationKeyRequest.*\n");
        assert!(text.contains(&line), "{id}: {text}");
        assert!(text.contains(&format!("\n{mark}{off}ExcludeTypes: \n")), "{id}");
        assert!(!text.contains("ExportAsTypes") && !text.contains("xxxx"), "{id}");
        assert!(text.contains("TwoFactorAuthenticationKeyResponse"), "{id}");
        assert!(!text.contains("AuthenticateResponse"), "{id}");
        for (name, value) in language.options() {
            let set = ["Package", "GlobalNamespace"].contains(name);
            let line = format!("\n{mark}{off}{name}: {value}\n");
            assert_eq!(text.contains(&line), !set, "{id} {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_option_cannot_become_code() {
    let app = TestApp::start().await;
    for language in LANGUAGES {
        for value in ["*/alert(1)//", "%22%22%22%0Aevil()", "a%0Aevil()", "=end", "*)evil"] {
            for name in ["IncludeTypes", "GlobalNamespace", "Package", "BaseUrl", "AddNamespaces"] {
                let path = format!("/types/{}?{name}={value}", language.id());
                let text = app.send("GET", &path, &[], b"").expect(200).text().to_owned();
                assert!(!text.contains("evil") && !text.contains("alert"), "{path}: {text}");
            }
        }
        let id = language.id();
        let request =
            format!("GET /types/{id} HTTP/1.1\r\nHost: a*/evil\r\nConnection: close\r\n\r\n");
        assert!(!app.raw(request.as_bytes()).text().contains("evil"), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_request_carries_its_verb_and_what_it_returns() {
    let app = TestApp::start().await;
    for language in LANGUAGES {
        let id = language.id();
        let query = Operations::standard()
            .iter()
            .map(|operation| format!("{}.*", operation.spec().name()))
            .collect::<Vec<_>>()
            .join(",");
        let path = format!("/types/{id}?IncludeTypes={query}&BaseUrl=https://api.example/");
        let text = app.send("GET", &path, &[], b"").expect(200).text().to_owned();
        assert!(text.contains("BaseUrl: https://api.example\n"), "{id}");
        for operation in Operations::standard().iter() {
            let (name, response) = (operation.spec().name(), operation.spec().response.name);
            let verb = verb_of(operation.spec());
            let (first, rest) = verb.split_at(1);
            let pascal = format!("{first}{}", rest.to_ascii_lowercase());
            let named = |word: &str| text.contains(&format!("{word} {name}"));
            assert!(
                ["class", "interface", "struct", "type", "Class"].into_iter().any(named),
                "{id} {name}"
            );
            let verbs = [
                format!("I{pascal}"),
                format!("'{verb}'"),
                format!("Http{pascal}"),
                format!("\"{verb}\""),
            ];
            assert!(verbs.iter().any(|verb| text.contains(verb)), "{id} {name} {verb}");
            let returns = [
                format!("IReturn<{response}>"),
                format!("IReturn[{response}]"),
                format!("IReturn(Of {response})"),
                format!("new {response}()"),
                format!("Return = {response}"),
                format!("Response = {response}"),
                format!("(r {response})"),
                format!("response_type() = {response}"),
            ];
            assert!(returns.iter().any(|returns| text.contains(returns)), "{id} {name} {response}");
        }
    }
}
