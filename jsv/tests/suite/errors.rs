//! Every message, with its place.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;

use jsv::Category;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize, Debug)]
#[expect(dead_code, reason = "only its errors are looked at")]
struct Person {
    id: u8,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    boss: Option<Box<Person>>,
    #[serde(default)]
    colour: Option<Colour>,
}

#[derive(Deserialize, Debug)]
#[expect(dead_code, reason = "only its errors are looked at")]
enum Colour {
    Red,
    Mixed(Vec<u8>),
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its errors are looked at")]
struct Strict {
    a: u8,
}

type Lists = BTreeMap<String, Vec<BTreeMap<String, String>>>;

#[track_caller]
fn fails<T: DeserializeOwned + Debug>(text: &str, message: &str, category: Category) {
    let error = jsv::from_str::<T>(text).unwrap_err();
    assert_eq!((error.to_string().as_str(), error.classify()), (message, category), "{text:?}");
    assert!(error.line() > 0 && error.column() > 0, "{text:?}");
}

/// The second part of the text begins with the quote or bracket that leads the original's count astray.
#[track_caller]
fn astray<T: DeserializeOwned + Debug>(before: &str, after: &str) {
    let message = "unquoted text with an unbalanced quote or bracket inside another value";
    let place = format!("at line 1 column {}", before.len() + 1);
    fails::<T>(&format!("{before}{after}"), &format!("{message} {place}"), Category::Syntax);
}

#[test]
fn what_is_not_closed_is_said_where_it_was_opened() {
    use Category::Eof;
    fails::<Person>("{id:1,name:\"a}", "`\"` is not closed at line 1 column 12", Eof);
    fails::<Person>("{id:1", "`{` is not closed at line 1 column 1", Eof);
    fails::<Vec<u8>>("[1,2", "`[` is not closed at line 1 column 1", Eof);
    fails::<Person>("{id:1,boss:{id:2}", "`{` is not closed at line 1 column 1", Eof);
    fails::<Person>("{id:1,name:{a:b}", "`{` is not closed at line 1 column 1", Eof);
    fails::<Person>("{id:1,other:[[],name:a}", "`[` is not closed at line 1 column 13", Eof);
}

#[test]
fn a_text_that_ends_in_a_name_was_cut_off() {
    use Category::{Eof, Syntax};
    let name = "expected a name and `:` at line 1 column";
    fails::<Person>("{\"id\"", "expected `:` at line 1 column 6", Eof);
    fails::<Person>("{id:1,", &format!("{name} 7"), Eof);
    fails::<Person>("{id:1,na", &format!("{name} 7"), Eof);
    fails::<Person>("{na", &format!("{name} 2"), Eof);
    fails::<BTreeMap<u8, u8>>("{1:1,2", &format!("{name} 6"), Eof);
    fails::<BTreeMap<String, u8>>("a:1,b", &format!("{name} 5"), Eof);
    fails::<Person>("{\n\tid: 1,\n\t\"name\" ", "expected `:` at line 3 column 9", Eof);
    fails::<Colour>("{Mixed", &format!("{name} 2"), Eof);
    // Here the name is at an end, and so is the text of a map in a list.
    fails::<Person>("{id:1,name}", &format!("{name} 7"), Syntax);
    fails::<Vec<BTreeMap<String, u8>>>("[a]", &format!("{name} 2"), Syntax);
    let error = std::io::Error::from(jsv::from_str::<Person>("{na").unwrap_err());
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
}

#[test]
fn what_stands_in_the_wrong_place_is_said() {
    use Category::Syntax;
    fails::<Person>("[1]", "expected `{` at line 1 column 1", Syntax);
    fails::<Person>("{id:1,name}", "expected a name and `:` at line 1 column 7", Syntax);
    fails::<Person>("{id:1,\"name\"a}", "expected `:` at line 1 column 13", Syntax);
    // A name may be text in braces; what is missing behind it is the colon.
    fails::<jsv::Value>("[{a:b,{}]", "expected `:` at line 1 column 9", Syntax);
    fails::<Person>(
        "{id:1,name:\"a\"b}",
        "text after a quoted or bracketed value at line 1 column 15",
        Syntax,
    );
    fails::<Person>(
        "{id:1,boss:{id:2}x}",
        "text after a quoted or bracketed value at line 1 column 18",
        Syntax,
    );
    fails::<Vec<String>>(
        "[\"a\" ,b]",
        "text after a quoted or bracketed value at line 1 column 5",
        Syntax,
    );
    fails::<Person>("{id:1}x", "text after the end of the document at line 1 column 7", Syntax);
    fails::<Person>(
        "{id:1}\n {id:2}",
        "text after the end of the document at line 2 column 2",
        Syntax,
    );
    fails::<BTreeMap<String, u8>>("a:1}", "`}` closes nothing at line 1 column 4", Syntax);
    fails::<(u8, u8)>("[1,2,3]", "expected the end of the list at line 1 column 6", Syntax);
    fails::<()>("x", "expected no text at line 1 column 1", Syntax);
    fails::<Colour>("{}", "expected the name of a variant at line 1 column 3", Syntax);
    fails::<Colour>("{Mixed:[1],Red:}", "expected `}` at line 1 column 12", Syntax);
    fails::<Colour>("Mixed", "expected `{Variant:value}` at line 1 column 1", Syntax);
}

#[test]
fn what_the_original_would_lose_is_refused() {
    use Category::Syntax;
    fails::<Person>(
        "{id:1,boss:{id:2,name:a\"b},name:c}",
        "unquoted text with an unbalanced quote or bracket inside another value at line 1 column 24",
        Syntax,
    );
    // Not those that have a partner, nor those of which a count has shown that they do no harm.
    let boss = "{id:1,boss:{id:2,name:x\"y\"z,boss:{id:3,";
    astray::<Person>(&format!("{boss}name:q"), "\"}}}");
    astray::<Person>(&format!("{boss}other:a\",name:a\",boss:{{id:4,name:b"), "\"}}}}");
    astray::<Lists>("{IS:[{A:a\"b\"c},{A:d", "\"e}]}");
    astray::<Lists>("{IS:[{A:a\",B:b\"c},{A:d", "\"e}]}");
    astray::<Lists>("{IS:[{A:a", "]b},{A:d[e},{A:]}]}");
    fails::<Person>(
        "{id,name:a}",
        "member `name` is part of another name at line 1 column 5",
        Syntax,
    );
}

/// Also where its name stands in quotes.
#[test]
fn a_member_hidden_in_another_name_is_said() {
    for (text, line, column) in [
        ("{id:1,x,\"name\":a}", 1, 9),
        ("{id:1,x}\"name\":a}", 1, 9),
        ("{id:1,x, \"NAME\" :a}", 1, 10),
        ("{\n\tid: 1,\n\tx,\n\t\"name\": a\n}", 4, 2),
    ] {
        let message =
            format!("member `name` is part of another name at line {line} column {column}");
        fails::<Person>(text, &message, Category::Syntax);
    }
    assert!(jsv::from_str::<Person>("{id:1,\"x,name\":a}").unwrap().name.is_none());
}

#[test]
fn what_does_not_fit_its_type_is_shown() {
    use Category::Data;
    fails::<Person>("{id:256}", "invalid number `256` at line 1 column 5", Data);
    fails::<Person>("{id:1,boss:{id:x}}", "invalid number `x` at line 1 column 16", Data);
    fails::<Vec<bool>>("[true,yes]", "invalid bool `yes` at line 1 column 7", Data);
    fails::<char>("ab", "invalid character `ab` at line 1 column 1", Data);
    fails::<Vec<f64>>("[1.2.3]", "invalid number `1.2.3` at line 1 column 2", Data);
    fails::<Person>("{name:a}", "missing field `id` at line 1 column 1", Data);
    fails::<Person>("{id:1,id:2}", "duplicate field `id` at line 1 column 7", Data);
    fails::<Person>("{id:1,name:id,ID:2}", "duplicate field `id` at line 1 column 15", Data);
    fails::<Person>("{id:1,\n\t\"id\" : 2}", "duplicate field `id` at line 2 column 2", Data);
    fails::<Vec<Person>>("[{name:id:}]", "missing field `id` at line 1 column 2", Data);
    fails::<Person>(
        "{id:1,colour:blue}",
        "unknown variant `blue`, expected `Red` or `Mixed` at line 1 column 14",
        Data,
    );
    for (text, name, column) in [
        ("{z:1}", "z", 2),
        ("{a:1,\"z\"\"q\":1}", "z\"q", 6),
        ("{a:1,\"z,\":1}", "z,", 6),
        ("{a:1, z :1}", "z", 6),
        ("{a:1, \"z\" :1}", "z", 6),
        ("{a:1,z\"\"q:1}", "z\"\"q", 6),
    ] {
        let message = format!("unknown field `{name}`, expected `a` at line 1 column {column}");
        fails::<Strict>(text, &message, Data);
    }
    fails::<Vec<u8>>(
        "[01234567890123456789012345678901234567890123456789]",
        "invalid number `0123456789012345678901234567890123456789…` at line 1 column 2",
        Data,
    );
}

#[test]
fn lines_and_columns_count_characters() {
    let text = "{\n\tid: 1,\n\tname: é\"x\n\t\"boss\": {id: ä}\n}";
    let error = jsv::from_str::<Person>("{\n\tid: 1,\n\tname: é,\n\tboss: {id: ä}\n}").unwrap_err();
    assert_eq!((error.line(), error.column()), (4, 13));
    assert_eq!(error.offset(), Some("{\n\tid: 1,\n\tname: é,\n\tboss: {id: ".len()));
    assert!(jsv::from_str::<Person>(text).is_err());
}

/// What does not fit is said where it stands, not where the line before it ends.
#[test]
fn layout_is_not_taken_for_what_is_wrong() {
    #[track_caller]
    fn stands_at<T: DeserializeOwned + Debug>(text: &str, place: (usize, usize)) {
        let error = jsv::from_str::<T>(text).expect_err(text);
        assert_eq!((error.line(), error.column()), place, "{error} in {text:?}");
    }
    #[derive(Deserialize, Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Name {
        A,
    }
    #[derive(Deserialize, Debug)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    enum Untagged {
        List(Vec<String>),
        Map(BTreeMap<String, String>),
    }
    #[derive(Deserialize, Debug)]
    #[serde(transparent)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Bytes(#[serde(with = "jsv::base64")] Vec<u8>);
    #[derive(Deserialize, Debug)]
    #[serde(transparent)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Time(#[serde(with = "jsv::time::utc")] time::OffsetDateTime);
    #[derive(Deserialize, Debug)]
    #[serde(transparent)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Id(#[serde(with = "jsv::uuid")] uuid::Uuid);
    #[derive(Deserialize, Debug)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Holds<T> {
        member: T,
    }
    macro_rules! stands {
        ($($type:ty),*) => {
            $(
                stands_at::<Holds<$type>>("{\n\tmember: \n\t\t!!\n}", (3, 3));
                stands_at::<Holds<$type>>("{\n\tmember:\t\"!!\"\n}", (2, 10));
                stands_at::<Holds<Option<$type>>>("{\n\tmember: !!\n}", (2, 10));
                stands_at::<Vec<$type>>("[\n\t!!\n]", (2, 2));
                stands_at::<BTreeMap<String, $type>>("{\n\tname : !!\n}", (2, 9));
            )*
        };
    }
    stands!(
        bool,
        u8,
        f64,
        char,
        Name,
        std::net::Ipv4Addr,
        std::num::NonZeroU8,
        Untagged,
        Bytes,
        Time,
        Id
    );
    stands_at::<Holds<std::num::NonZeroU8>>("{\n\tmember: 0\n}", (2, 10));
    macro_rules! named {
        ($($type:ty),*) => {
            $(stands_at::<BTreeMap<$type, u8>>("{\n\t!!: 1\n}", (2, 2));)*
        };
    }
    named!(bool, i32, char, Name, std::net::Ipv4Addr);
    stands_at::<BTreeMap<i32, i32>>("{\n\t1: 1,\n\tx: 1\n}", (3, 2));
    stands_at::<Strict>("{\n\ta: 1,\n\tb: 1\n}", (3, 2));
    stands_at::<Strict>("{\n\ta: 1,\n\t\"b\": 1\n}", (3, 2));
}

/// A place in a message is one of this document only if it was found by this reader.
#[test]
fn a_place_in_another_document_is_not_taken_for_one_in_this() {
    struct Json;
    impl<'de> Deserialize<'de> for Json {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let text = String::deserialize(from)?;
            serde_json::from_str::<u8>(&text).map_err(serde::de::Error::custom).map(|_| Json)
        }
    }
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Holds {
        id: u8,
        json: Json,
    }
    let text = "{\n\tid: 1,\n\n\tjson: x\n}";
    let error = jsv::from_str::<Holds>(text).err().unwrap();
    assert_eq!(error.to_string(), "expected value at line 1 column 1 at line 4 column 8");
    assert_eq!((error.line(), error.column(), error.offset()), (4, 8, text.find('x')));
    assert_eq!(error.classify(), Category::Data);
    // Nor where there is no document at all.
    let error: jsv::Error = serde::de::Error::custom("x at line 3 column 4");
    assert_eq!((error.line(), error.to_string().as_str()), (0, "x at line 3 column 4"));
}

/// The place of an error is counted from that of the one before, which may stand on either side of it.
#[test]
fn errors_that_a_type_passes_over_have_their_places() {
    thread_local!(static NOTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) });
    #[expect(clippy::unnecessary_wraps, reason = "serde asks for a result")]
    fn noted<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: Deserialize<'de> + Default,
        D: serde::Deserializer<'de>,
    {
        Ok(T::deserialize(from).unwrap_or_else(|error| {
            NOTED.with_borrow_mut(|noted| noted.push(error.to_string()));
            T::default()
        }))
    }
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Row {
        #[serde(deserialize_with = "noted")]
        a: u8,
        b: u8,
    }
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Element {
        #[serde(deserialize_with = "noted")]
        row: Option<Row>,
    }
    let text = "\u{feff}[{é:é,a:x},{é:\"\n\",a:y},\n{a:1},{é:é,\n\n a:z,b:2},{é:,a:é}]";
    let rows = jsv::from_str::<Vec<Element>>(text).unwrap();
    assert_eq!(
        rows.iter().map(|element| element.row.is_some()).collect::<Vec<_>>(),
        [false, false, false, true, false]
    );
    assert_eq!(
        NOTED.take(),
        [
            "invalid number `x` at line 1 column 9",
            "missing field `b` at line 1 column 2",
            "invalid number `y` at line 2 column 5",
            "missing field `b` at line 1 column 12",
            "missing field `b` at line 3 column 1",
            "invalid number `z` at line 5 column 4",
            "invalid number `é` at line 5 column 17",
            "missing field `b` at line 5 column 11",
        ]
    );
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let error = jsv::from_slice::<Vec<String>>(b"[a,\n\xff]").unwrap_err();
    assert_eq!(error.to_string(), "text is not UTF-8 at line 2 column 1");
    assert!(error.is_syntax());
}

#[test]
fn a_failing_reader_or_writer_is_passed_on() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("unplugged"))
        }
    }
    impl std::io::Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("unplugged"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let read = jsv::from_reader::<_, u8>(Broken).unwrap_err();
    let written = jsv::to_writer(Broken, &1).unwrap_err();
    for error in [read, written] {
        assert!(error.is_io());
        assert_eq!(error.to_string(), "unplugged");
        assert_eq!((error.line(), error.column(), error.offset()), (0, 0, None));
    }
}

#[test]
fn what_has_no_text_is_refused_in_writing() {
    let key = BTreeMap::from([(vec![1u8], 1)]);
    let error = jsv::to_string(&key).unwrap_err();
    assert_eq!(error.to_string(), "a map key that is a list cannot be written as JSV");
    let null = BTreeMap::from([(None::<u8>, 1)]);
    let error = jsv::to_string(&null).unwrap_err();
    assert_eq!(error.to_string(), "a map key that is null cannot be written as JSV");
    assert!(error.is_data());
    let deep = jsv::Options::new().depth_limit(1);
    let error = deep.to_string(&[[1]]).unwrap_err();
    assert_eq!(error.to_string(), "nested deeper than 1 level");
}

#[test]
fn what_is_debugged_is_one_line() {
    let error = jsv::from_str::<Person>("{id:x}").unwrap_err();
    assert_eq!(
        format!("{error:?}"),
        "Error(Invalid { found: \"x\", expected: \"number\" }, line: 1, column: 5)"
    );
    let error = std::io::Error::from(jsv::from_str::<Person>("{").unwrap_err());
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
}
