//! Each type of serde's data model has one text, and the text reads back as the value.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[track_caller]
#[expect(clippy::unwrap_used, reason = "a test")]
fn is_written<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, text: &str) {
    assert_eq!(jsv::to_string(value).unwrap(), text);
    assert_eq!(jsv::from_str::<T>(text).unwrap(), *value, "{text}");
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Person {
    id: i32,
    name: Option<String>,
    tags: Option<Vec<Option<String>>>,
    boss: Option<Box<Person>>,
    ok: bool,
    score: f64,
}

#[test]
fn structs_leave_out_what_is_null() {
    is_written(&Person::default(), "{Id:0,Ok:False,Score:0}");
    let person = Person {
        id: -7,
        name: Some("a \"b\", c".to_owned()),
        tags: Some(vec![Some(String::new()), None, Some("x".to_owned())]),
        boss: Some(Box::default()),
        ok: true,
        score: 1e17,
    };
    is_written(
        &person,
        "{Id:-7,Name:\"a \"\"b\"\", c\",Tags:[\"\",,x],Boss:{Id:0,Ok:False,Score:0},Ok:True,Score:1E+17}",
    );
}

#[test]
fn members_match_without_case_in_any_order() {
    let expected = Person { id: 1, name: Some("a".to_owned()), ok: true, ..Person::default() };
    for text in [
        "{ok:1,NAME:a,Id:1}",
        "{ Id :1,\"name\":a,ok:true,unknown:{a:[b]}}",
        "{Id:1,Name:a,Ok:y,Boss:}",
    ] {
        assert_eq!(jsv::from_str::<Person>(text).unwrap(), expected, "{text}");
    }
}

#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Point {
    x: i8,
    y: i8,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Shape {
    Empty,
    Dot(Point),
    Line(Point, Point),
    Round { at: Point, radius: Option<u8> },
}

#[test]
fn enums_are_names_or_maps_of_one() {
    is_written(&Shape::Empty, "Empty");
    is_written(&Shape::Dot(Point { x: 1, y: 2 }), "{Dot:{x:1,y:2}}");
    is_written(
        &Shape::Line(Point { x: 1, y: 2 }, Point { x: 3, y: 4 }),
        "{Line:[{x:1,y:2},{x:3,y:4}]}",
    );
    is_written(&Shape::Round { at: Point { x: 1, y: 2 }, radius: None }, "{Round:{at:{x:1,y:2}}}");
    is_written(&vec![Some(Shape::Empty), None], "[Empty,]");
}

#[test]
fn maps_have_keys_of_many_types() {
    is_written(&BTreeMap::from([(1u8, "a".to_owned())]), "{1:a}");
    is_written(&BTreeMap::from([(true, 'a')]), "{True:a}");
    is_written(&BTreeMap::from([('"', 1i128)]), "{\"\"\"\":1}");
    is_written(&BTreeMap::from([(Point { x: 1, y: 2 }, Shape::Empty)]), "{{x:1,y:2}:Empty}");
    is_written(&BTreeMap::from([(String::new(), String::new())]), "{\"\":\"\"}");
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Held {
    c: char,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Wrapped {
    Letter(char),
}

/// It would close a list that is inside something. Anywhere else the original writes it bare, and reads it.
#[test]
fn a_bracket_as_a_character_is_quoted_in_an_inner_list() {
    let held = || Held { c: ']' };
    is_written(&held(), "{c:]}");
    is_written(&vec![held()], "[{c:]}]");
    is_written(&BTreeMap::from([(1, held())]), "{1:{c:]}}");
    is_written(&vec![vec![held()], vec![]], "[[{c:\"]\"}],[]]");
    is_written(&BTreeMap::from([(1, vec![held()])]), "{1:[{c:\"]\"}]}");
    is_written(&vec![vec![BTreeMap::from([(1, ']')])]], "[[{1:\"]\"}]]");
    is_written(&vec![vec![Wrapped::Letter(']')]], "[[{Letter:\"]\"}]]");
    is_written(&(vec![1], held()), "[[1],{c:]}]");
}

#[test]
fn a_list_of_one_is_not_an_empty_list() {
    is_written(&Vec::<Option<String>>::new(), "[]");
    is_written(&vec![None::<String>], "[\u{b}]");
    is_written(&vec![" ".to_owned()], "[\" \"]");
    is_written(&vec!["\u{b}".to_owned()], "[\"\u{b}\"]");
}

/// A member that is null is left out, whatever its type. Derived code gives up on a unit that is not there.
#[test]
fn what_is_written_as_nothing_reads_back() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Nothing {
        value: jsv::Value,
        #[serde(default)]
        unit: (),
        #[serde(default)]
        phantom: std::marker::PhantomData<u8>,
        option: Option<jsv::Value>,
    }
    let nothing =
        |value| Nothing { value, unit: (), phantom: std::marker::PhantomData, option: None };
    is_written(&nothing(jsv::Value::Null), "{}");
    is_written(&nothing(jsv::Value::Text("a".to_owned())), "{value:a}");
    is_written(&nothing(jsv::Value::List(vec![jsv::Value::Null; 2])), "{value:[,]}");
    is_written(&vec![nothing(jsv::Value::Null)], "[{}]");
    // Of other formats, too.
    let json = serde_json::from_str::<jsv::Value>("{\"a\":[null,1,\"b\"]}").unwrap();
    assert_eq!(jsv::to_string(&json).unwrap(), "{a:[,1,b]}");
}

/// A reader drops the mark in front of a document, as the original does; its writer does not mind.
#[test]
fn a_document_that_begins_with_a_byte_order_mark_keeps_it() {
    is_written(&"\u{feff}a".to_owned(), "\"\u{feff}a\"");
    is_written(&'\u{feff}', "\"\u{feff}\"");
    is_written(&vec!["\u{feff}a".to_owned()], "[\u{feff}a]");
    assert_eq!(jsv::from_str::<String>("\u{feff}a").unwrap(), "a");
    let error = jsv::from_str::<Vec<u8>>("\u{feff}[x]").unwrap_err();
    assert_eq!((error.column(), error.offset()), (2, Some(4)));
}

/// A person, read by way of a trait object.
#[derive(Debug)]
struct Erased;

impl<'de> Deserialize<'de> for Erased {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut from = <dyn erased_serde::Deserializer>::erase(from);
        let person = erased_serde::deserialize::<Person>(&mut from);
        person.map(|_| Erased).map_err(serde::de::Error::custom)
    }
}

/// Other crates hand `&mut Deserializer` and `&mut Serializer` around as trait objects.
#[test]
fn the_reader_and_writer_work_erased() {
    let mut out = Vec::new();
    let value: &dyn erased_serde::Serialize = &Person::default();
    value
        .erased_serialize(&mut <dyn erased_serde::Serializer>::erase(&mut jsv::Serializer::new(
            &mut out,
        )))
        .unwrap();
    assert_eq!(out, b"{Id:0,Ok:False,Score:0}");
    let mut de = jsv::Deserializer::new("{Id:1,Boss:{Id:x}}");
    let error =
        erased_serde::deserialize::<Person>(&mut <dyn erased_serde::Deserializer>::erase(&mut de));
    assert_eq!(error.unwrap_err().to_string(), "invalid number `x` at line 1 column 16");
    let error = jsv::from_str::<Erased>("{Id:1,\nBoss:{Id:x}}").unwrap_err();
    assert_eq!(error.to_string(), "invalid number `x` at line 2 column 10");
    assert_eq!(error.offset(), Some(16));
}
