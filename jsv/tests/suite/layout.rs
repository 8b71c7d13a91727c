//! Indented text: read as it is shown on a host's metadata pages, and written so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
struct Reply {
    response_status: Option<Status>,
    two_factor_uri: Option<String>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
struct Status {
    error_code: Option<String>,
    errors: Vec<Fault>,
    meta: Option<BTreeMap<String, String>>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
struct Fault {
    field_name: Option<String>,
    meta: Option<BTreeMap<String, String>>,
}

/// The sample of a metadata page, its placeholders replaced.
const SAMPLE: &str = "{
\tresponseStatus: 
\t{
\t\terrorCode: Not Found,
\t\terrors: 
\t\t[
\t\t\t{
\t\t\t\tfieldName: \"a: b\",
\t\t\t\tmeta: 
\t\t\t\t{
\t\t\t\t\tString: String
\t\t\t\t}
\t\t\t}
\t\t]
\t},
\ttwoFactorUri: otpauth://totp/a:b?secret=C
}";

fn sample() -> Reply {
    let meta = Some(BTreeMap::from([("String".to_owned(), "String".to_owned())]));
    Reply {
        response_status: Some(Status {
            error_code: Some("Not Found".to_owned()),
            errors: vec![Fault { field_name: Some("a: b".to_owned()), meta }],
            meta: None,
        }),
        two_factor_uri: Some("otpauth://totp/a:b?secret=C".to_owned()),
    }
}

#[test]
fn the_sample_of_a_metadata_page_is_read() {
    assert_eq!(jsv::from_str::<Reply>(SAMPLE).unwrap(), sample());
    let lines = SAMPLE.replace('\n', "\r\n");
    assert_eq!(jsv::from_str::<Reply>(&lines).unwrap(), sample());
    let more = SAMPLE.replace(": ", " :\n\t").replace(',', "\n,") + "\n";
    assert_eq!(
        jsv::from_str::<Reply>(&format!("\n {more}"))
            .unwrap()
            .response_status
            .unwrap()
            .errors
            .len(),
        1
    );
}

/// The sample again, for a reader that knows no types.
#[test]
fn values_of_no_type_are_read_through_the_layout() {
    let value: jsv::Value = jsv::from_str(&format!("\n{SAMPLE}\n")).unwrap();
    let error = &value["responseStatus"]["errors"][0];
    assert_eq!(error["fieldName"].as_text(), Some("a: b"));
    assert_eq!(error["meta"]["String"].as_text(), Some("String"));
    assert_eq!(jsv::to_string(&value).unwrap(), jsv::to_string(&sample()).unwrap());
    let lists: jsv::Value = jsv::from_str("[\n\t[\n\t\ta, ,\n\t\t[]\n\t],\n\t,\n\t{}\n]").unwrap();
    assert_eq!(jsv::to_string(&lists).unwrap(), "[[a,,[]],,{}]");
}

#[test]
fn indented_text_reads_back() {
    let options = jsv::Options::new().indented(true);
    let text = options.to_string(&sample()).unwrap();
    assert_eq!(jsv::from_str::<Reply>(&text).unwrap(), sample());
    assert_eq!(
        text,
        SAMPLE
            .replace(" \n", "\n")
            .replace("responseStatus:", "responseStatus: ")
            .replace("errors:", "errors: ")
            .replace("meta:", "meta: ")
            .replace("otpauth://totp/a:b?secret=C", "\"otpauth://totp/a:b?secret=C\"")
    );
}

#[test]
fn indented_text_keeps_what_looks_like_layout() {
    let options = jsv::Options::new().indented(true);
    let value = [
        Some(" a ".to_owned()),
        None,
        Some(String::new()),
        Some("\t".to_owned()),
        Some("b\nc".to_owned()),
    ];
    for length in 0..=value.len() {
        let text = options.to_string(&value[..length]).unwrap();
        assert_eq!(jsv::from_str::<Vec<Option<String>>>(&text).unwrap(), value[..length], "{text}");
    }
    let alone = options.to_string(&[None::<u8>]).unwrap();
    assert_eq!(jsv::from_str::<Vec<Option<u8>>>(&alone).unwrap(), [None]);
    let map = BTreeMap::from([(" a ".to_owned(), BTreeMap::<String, String>::new())]);
    let text = options.to_string(&map).unwrap();
    assert_eq!(jsv::from_str::<BTreeMap<String, BTreeMap<String, String>>>(&text).unwrap(), map);
}

#[test]
fn bytes_are_read_through_the_layout() {
    #[derive(Deserialize, PartialEq, Debug)]
    struct Photo {
        #[serde(with = "jsv::base64")]
        bytes: Vec<u8>,
        #[serde(with = "jsv::base64::option", default)]
        more: Option<Vec<u8>>,
    }
    for bytes in ["[1,2]", "\n\t[\n\t\t1,\n\t\t2\n\t]", "AQI=", "\"AQI=\""] {
        let text = format!("{{\n\tbytes: {bytes},\n\tmore: {bytes}\n}}");
        let photo = Photo { bytes: vec![1, 2], more: Some(vec![1, 2]) };
        assert_eq!(jsv::from_str::<Photo>(&text).unwrap(), photo, "{text}");
    }
}

#[test]
fn indented_text_keeps_names_of_one_blank() {
    let options = jsv::Options::new().indented(true);
    let map: BTreeMap<char, u8> =
        [' ', '\t', '\n', '\u{c}', '\u{a0}', ':', 'a'].map(|name| (name, 1)).into();
    let text = options.to_string(&map).unwrap();
    assert_eq!(jsv::from_str::<BTreeMap<char, u8>>(&text).unwrap(), map, "{text}");
}

#[test]
fn indented_text_keeps_names_that_begin_or_end_with_blanks() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Blanks {
        #[serde(rename = " a", default)]
        before: Option<u8>,
        #[serde(rename = "b\t", default)]
        behind: Option<u8>,
        #[serde(rename = "\u{a0}c ", default)]
        both: Option<u8>,
        #[serde(rename = "d e")]
        between: u8,
    }
    let blanks = Blanks { before: Some(1), behind: Some(2), both: Some(3), between: 4 };
    for case in [jsv::NameCase::AsDeclared, jsv::NameCase::Camel] {
        let options = jsv::Options::new().indented(true).name_case(case);
        let text = options.to_string(&blanks).unwrap();
        let expected = "{\n\t\" a\": 1,\n\t\"b\t\": 2,\n\t\"\u{a0}c \": 3,\n\td e: 4\n}";
        assert_eq!(text, expected);
        assert_eq!(jsv::from_str::<Blanks>(&text).unwrap(), blanks);
    }
}

/// Only what lays documents out is layout.
#[test]
fn other_white_space_is_text_in_a_formatted_document() {
    let text = "{\n\ta\u{c} : \u{c}x\u{c} ,\n\t\u{b}b: y\u{a0}\n}";
    let value: BTreeMap<String, String> = jsv::from_str(text).unwrap();
    let expected = [("a\u{c}", "\u{c}x\u{c}"), ("\u{b}b", "y\u{a0}")];
    assert_eq!(value, expected.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
    let value: Vec<BTreeMap<String, String>> = jsv::from_str("[\n\ta:x\u{c}\n]").unwrap();
    assert_eq!(value[0]["a"], "x\u{c}");
    assert_eq!(jsv::from_str::<Vec<String>>("[\n\tx\u{c}\n,\ty]").unwrap(), ["x\u{c}", "y"]);
}

#[test]
fn a_line_break_elsewhere_is_text() {
    assert_eq!(jsv::from_str::<Vec<String>>("[a\n,b]").unwrap(), ["a\n", "b"]);
    assert_eq!(jsv::from_str::<Vec<String>>("[\"a,\n\", b]").unwrap(), ["a,\n", " b"]);
    assert_eq!(jsv::from_str::<String>("{\n}").unwrap(), "{\n}");
}
