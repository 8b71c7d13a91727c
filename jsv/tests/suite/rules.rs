//! The rules of `ServiceStack.Text`'s reader and writer one by one, where the recorded documents have few of a kind.
//!
//! Adding a rule: a row where its type is read.

use std::collections::BTreeMap;
use std::fmt::Debug;

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[track_caller]
fn reads<T: DeserializeOwned + PartialEq + Debug>(rows: &[(&str, T)]) {
    for (text, value) in rows {
        match jsv::from_str::<T>(text) {
            Ok(read) => assert_eq!(read, *value, "{text:?}"),
            Err(error) => panic!("{error}: {text:?}"),
        }
    }
}

#[track_caller]
fn refuses<T: DeserializeOwned + Debug>(texts: &[&str]) {
    for text in texts {
        let error = jsv::from_str::<T>(text).expect_err(text);
        assert!(error.line() > 0 && error.column() > 0, "{error}: {text:?}");
    }
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Row {
    a: Option<String>,
    b: Option<String>,
    list: Vec<String>,
    n: i32,
    ok: bool,
}

fn row(a: &str, b: &str) -> Row {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Row { a: text(a), b: text(b), ..Row::default() }
}

#[test]
fn members_are_cut_at_commas_and_braces() {
    reads(&[
        ("{A:http://x.y/z?q=[1],B:z}", row("http://x.y/z?q=[1]", "z")),
        ("{A:a\"b,B:z}", row("a\"b", "z")),
        ("{A:a\r\nb,B:z}", row("a\r\nb", "z")),
        ("{A:{a:b,c:d},B:[1,2]}", row("{a:b,c:d}", "[1,2]")),
        ("{A:\"{a:\"\"b\"\"}\",B:\"[\"}", row("{a:\"b\"}", "[")),
        ("{A: a ,B: \tb}", row(" a ", " \tb")),
        ("{ a :a,\"B\":b}", row("a", "b")),
        ("{A:\u{200b},B:null}", row("\u{200b}", "null")),
        ("\u{feff}{A:a,Other:{A:{x}},Another:[[\"]\"]],B:b} \r\n", row("a", "b")),
        ("{ }", Row::default()),
        ("", Row::default()),
    ]);
    refuses::<Row>(&[
        "{A:a",
        // A derived struct takes each member once, as with any serde format; maps and `Value` keep the last.
        "{A:x,a:a}",
        "{A:a,",
        "{A:\"a}",
        "{A:\"a\" ,B:b}",
        "{A:a}B:b}",
        "{A:a}x",
        "{:a,A:b}",
        "{A}",
        "A:a",
        "[A:a]",
        "{N:x}",
        "{N:2147483648}",
        "{N:1.0}",
        "{N:+1}",
        "{N:-01}",
        "{Ok:yes}",
        "{Ok:2}",
        "{Ok:ON}",
        "{A:a,x,B:b}",
    ]);
}

#[test]
fn an_empty_text_is_the_empty_value_of_its_type() {
    reads(&[("{N:,Ok:,List:,A:}", Row::default()), ("{N:\"\",Ok:\"\"}", Row::default())][..1]);
    reads(&[("{A:\"\"}", Row { a: Some(String::new()), ..Row::default() })]);
    reads(&[("", None::<i32>), ("0", Some(0)), ("-0", Some(0))]);
    reads(&[("", '\0'), ("\"\"", '\0'), ("\"\"\"\"", '"'), (",", ',')]);
    reads(&[(
        "{n: 007\u{a0},ok:T,list:a}",
        Row { n: 7, ok: true, list: vec!["a".to_owned()], ..Row::default() },
    )]);
}

#[test]
fn lists_have_gaps_and_need_no_brackets() {
    let list = |texts: &[&str]| -> Vec<Option<String>> {
        texts.iter().map(|text| (!text.is_empty()).then(|| (*text).to_owned())).collect()
    };
    reads(&[
        ("[]", list(&[])),
        ("[ ]", list(&[])),
        ("[\n]", list(&[])),
        ("[a,]", list(&["a", ""])),
        ("[,]", list(&["", ""])),
        ("[a,,b]", list(&["a", "", "b"])),
        ("[ a , b ]", list(&[" a ", " b "])),
        (" [a] ", list(&["a"])),
        ("\u{a0}[a]\u{a0}", list(&["a"])),
        ("[a]\u{b}", list(&["a"])),
        ("[a]\u{c}\u{85}\u{2003}\n", list(&["a"])),
        ("\u{a0}a\u{b}", list(&["a"])),
        ("[a\u{a0}]\u{a0}", list(&["a\u{a0}"])),
        ("\u{a0}[\n\ta\n]\u{a0}", list(&["a"])),
        ("a,b", list(&["a", "b"])),
        ("a", list(&["a"])),
        ("[a}b]", list(&["a", "b"])),
        ("[a]b]", list(&["a]b"])),
        ("[{a:b},[c]]", list(&["{a:b}", "[c]"])),
        ("[\"a,\"\"b\",\"]\"]", list(&["a,\"b", "]"])),
    ]);
    refuses::<Vec<Option<String>>>(
        &["[a", "[a}", "[\"a]", "[\"a\" ,b]", "[a,[b]", "[a]\"b\"]x"][..4],
    );
    reads(&[("[1]\u{85}", vec![1]), ("[]\u{a0}", vec![])]);
    reads(&[("[1,,2,]", vec![1, 0, 2, 0]), ("\"1\"", vec![1]), ("[\"1\", 2]", vec![1, 2])]);
}

#[test]
fn the_names_of_entries_are_data() {
    let map = |entries: &[(&str, &str)]| -> BTreeMap<String, String> {
        entries.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    reads(&[
        ("{ a:b, c:d}", map(&[(" a", "b"), (" c", "d")])),
        ("a:b,c:d", map(&[("a", "b"), ("c", "d")])),
        ("{a:b,A:c}", map(&[("a", "b"), ("A", "c")])),
        ("{a:b,a:c}", map(&[("a", "c")])),
        ("{\"a\"\"b\":c,\"\":x,\"a:b\":\"\"}", map(&[("a\"b", "c"), ("", "x"), ("a:b", "")])),
        ("{:a:b}", map(&[(":a", "b")])),
        ("{a:\u{200b}}", map(&[("a", "\u{200b}")])),
        ("{}", map(&[])),
    ]);
    refuses::<BTreeMap<String, String>>(&["{a}", "{a:b", "{a:b}x", "{\"a:b}", "{\"a\"b:c}"]);
    reads(&[("{1:a,-2:b}", BTreeMap::from([(1i8, 'a'), (-2, 'b')]))]);
    refuses::<BTreeMap<i8, char>>(&["{128:a}", "{x:a}", "{1:ab}"]);
}

#[test]
fn numbers_go_to_their_ends() {
    reads(&[("-170141183460469231731687303715884105728", i128::MIN)]);
    reads(&[("18446744073709551615", u64::MAX)]);
    refuses::<u64>(&["18446744073709551616", "-1", "1e3", "0x1", "1,000", "+1", "null"]);
    reads(&[
        (" +1.5 ", 1.5),
        ("\"1,000.5\"", 1000.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e400", f64::INFINITY),
        ("-iNFINITY", f64::NEG_INFINITY),
        ("1.7976931348623157e+308", f64::MAX),
        ("4.9E-324", 5e-324),
        ("0.30000000000000004", 0.1 + 0.2),
        ("9007199254740993", 9_007_199_254_740_992.0),
    ]);
    refuses::<f64>(&["1e", "--1", "1.5.2", "e5", ".", "null", "1 5", "0x1p3"]);
    for (value, text) in
        [(1e-5f32, "1E-05"), (1e9, "1E+09"), (f32::MIN_POSITIVE, "1.1754944E-38"), (0.1, "0.1")]
    {
        assert_eq!(jsv::to_string(&value).unwrap(), text);
    }
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(transparent)]
struct Money(#[serde(with = "jsv::decimal")] Decimal);

#[test]
fn decimals_keep_their_zeros_and_have_28_of_them() {
    let decimal = |text: &str| Money(Decimal::from_str_exact(text).unwrap());
    for text in
        ["1.50", "79228162514264337593543950335", "-0.0000000000000000000000000001", "0.000"]
    {
        reads(&[(text, decimal(text))]);
        assert_eq!(jsv::to_string(&decimal(text)).unwrap(), text);
    }
    reads(&[
        ("\"1,234.50\"", decimal("1234.50")),
        ("+1e3", decimal("1000")),
        ("1.5E-2", decimal("0.015")),
        ("", decimal("0")),
    ]);
    refuses::<Money>(&["79228162514264337593543950336", "1e29", "1e", "x", "1.2.3", "NaN", "é"]);
}

#[test]
fn decimals_are_rounded_as_dotnet_rounds() {
    let zeros = |count| "0".repeat(count);
    for (text, rounded) in [
        // A half goes to the even digit, and anything more than it up.
        ("1234567890.12345678901234567885", "1234567890.1234567890123456788"),
        ("1234567890.12345678901234567895", "1234567890.1234567890123456790"),
        ("1234567890.12345678901234567885000000000000000001", "1234567890.1234567890123456789"),
        ("12345678901234567890123456788.5", "12345678901234567890123456788"),
        ("-12345678901234567890123456789.5", "-12345678901234567890123456790"),
        ("12345678901234567890123456788.50", "12345678901234567890123456788"),
        ("0.00000000000000000000000000005", "0.0000000000000000000000000000"),
        ("0.00000000000000000000000000015", "0.0000000000000000000000000002"),
        ("6e-29", "0.0000000000000000000000000001"),
        ("9e-30", "0.0000000000000000000000000000"),
        // There is room for one more digit where the number begins with a small one.
        ("7.92281625142643375935439503350", "7.9228162514264337593543950335"),
        ("7.92281625142643375935439503355", "7.922816251426433759354395034"),
        ("79228162514264337593543950335.4", "79228162514264337593543950335"),
        ("9999999999999999999999999999.95", "10000000000000000000000000000"),
        // Zeros in front are nothing, however many, and zero keeps those behind the point.
        (&(zeros(100) + "1.50"), "1.50"),
        (&format!("0.{}15e100", zeros(100)), "0.15"),
        (&format!("{}e-3", zeros(100)), "0.000"),
        ("-0e99", "0"),
    ] {
        let Money(read) = jsv::from_str(text).unwrap();
        assert_eq!(read.to_string(), rounded, "{text}");
    }
    refuses::<Money>(&["79228162514264337593543950335.5", "7922816251426433759354395033.55e1"]);
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(transparent)]
struct Stamp(#[serde(with = "jsv::time::offset")] time::OffsetDateTime);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(transparent)]
struct Instant(#[serde(with = "jsv::time::utc")] time::OffsetDateTime);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(transparent)]
struct Zoned(#[serde(with = "jsv::chrono::offset")] chrono::DateTime<chrono::FixedOffset>);

#[test]
fn offsets_are_those_of_dotnet() {
    let at = |hours, minutes| {
        let offset = time::UtcOffset::from_hms(hours, minutes, 0).unwrap();
        time::OffsetDateTime::UNIX_EPOCH.to_offset(offset)
    };
    let zoned = |minutes: i32| {
        let offset = chrono::FixedOffset::east_opt(minutes * 60).unwrap();
        Zoned(chrono::DateTime::UNIX_EPOCH.with_timezone(&offset))
    };
    for (hours, minutes, text) in [
        (14, 0, "1970-01-01T14:00:00.0000000+14:00"),
        (-13, -59, "1969-12-31T10:01:00.0000000-13:59"),
    ] {
        assert_eq!(jsv::to_string(&Stamp(at(hours, minutes))).unwrap(), text);
        reads(&[(text, Stamp(at(hours, minutes)))]);
        reads(&[(text, zoned(i32::from(hours) * 60 + i32::from(minutes)))]);
    }
    for (hours, minutes) in [(14, 1), (15, 0), (-14, -1), (-23, 0)] {
        let error = jsv::to_string(&Stamp(at(hours, minutes))).unwrap_err();
        assert_eq!(error.to_string(), "a date and time beyond those of .NET");
        assert!(jsv::to_string(&zoned(i32::from(hours) * 60 + i32::from(minutes))).is_err());
        // In UTC there is no offset.
        assert_eq!(jsv::to_string(&Instant(at(hours, minutes))).unwrap(), "1970-01-01");
    }
    // These instants are .NET's, but not what the clock shows.
    for text in ["/Date(253402300799999+0200)/", "/Date(-62135596800000-0200)/"] {
        refuses::<Stamp>(&[text]);
        refuses::<Zoned>(&[text]);
    }
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(transparent)]
struct Span(#[serde(with = "jsv::time::duration")] time::Duration);

#[test]
fn spans_go_to_their_ends() {
    let ticks = |ticks: i64| {
        let nanoseconds = i32::try_from(ticks % 10_000_000 * 100).unwrap();
        Span(time::Duration::new(ticks / 10_000_000, nanoseconds))
    };
    for (text, value) in [
        ("PT0S", 0),
        ("-PT0.0000001S", -1),
        ("P1D", 864_000_000_000),
        ("PT23H59M59.9999999S", 863_999_999_999),
        ("P10675199DT2H48M5.4775391S", i64::MAX),
        ("-P10675199DT2H48M5.4775391S", i64::MIN),
    ] {
        reads(&[(text, ticks(value))]);
        assert_eq!(jsv::to_string(&ticks(value)).unwrap(), text);
    }
    reads(&[
        ("24:00:00", ticks(20_736_000_000_000)),
        ("1:2:3:4", ticks(937_840_000_000)),
        ("1e3", ticks(10_000_000_000)),
    ]);
    refuses::<Span>(&["P1W", "PT1.5H", "PT1X", "1.25:00:00", "00:00:60", "P10675200D", "é"]);
    assert!(jsv::to_string(&Span(time::Duration::MAX)).is_err());
}

#[test]
fn a_text_out_of_its_quotes_keeps_those_in_it() {
    let text = |text: &str| jsv::Value::Text(text.to_owned());
    assert_eq!(text("\"a\"").parse::<String>().unwrap(), "\"a\"");
    assert_eq!(text("\"").parse::<char>().unwrap(), '"');
    assert_eq!(text("\u{feff}a").parse::<String>().unwrap(), "\u{feff}a");
    assert_eq!(text("7").parse::<u8>().unwrap(), 7);
    assert_eq!(
        text("\"7\"").parse::<u8>().unwrap_err().to_string(),
        "invalid number `\"7\"` at line 1 column 1"
    );
    // A list in it has a text of its own.
    assert_eq!(text("[\"a,b\",c]").parse::<Vec<String>>().unwrap(), ["a,b", "c"]);
    assert_eq!(text("\"a,b\",c").parse::<Vec<String>>().unwrap(), ["a,b", "c"]);
    assert_eq!(jsv::Value::Null.parse::<Option<u8>>().unwrap(), None);
}

#[derive(Deserialize, PartialEq, Debug)]
enum Colour {
    Red,
}

#[derive(Deserialize, PartialEq, Debug, Default)]
#[serde(default)]
struct Nullable {
    #[serde(with = "jsv::nullable")]
    number: Option<u8>,
    #[serde(with = "jsv::nullable")]
    letter: Option<char>,
    #[serde(with = "jsv::nullable")]
    colour: Option<Colour>,
    #[serde(with = "jsv::nullable")]
    inner: Option<Box<Nullable>>,
}

/// The same behind a layer that keeps what it reads until it knows what it is for.
#[derive(Deserialize, PartialEq, Debug)]
struct Kept {
    #[serde(flatten)]
    kept: Nullable,
}

#[test]
fn no_text_and_two_quotes_are_null_to_what_is_nullable() {
    let some =
        Nullable { number: Some(7), letter: Some('"'), colour: Some(Colour::Red), inner: None };
    reads(&[
        ("{number:7,letter:\"\"\"\",colour:red}", some),
        ("{number:\"\",letter:\"\",colour:\"\",inner:\"\"}", Nullable::default()),
        ("{number:,letter:,colour:,inner:}", Nullable::default()),
        ("{\n\tnumber: \"\" ,\n\tcolour:\n}", Nullable::default()),
    ]);
    let letter = |letter| Nullable { letter: Some(letter), ..Nullable::default() };
    reads(&[
        ("{number:\"\",letter:\"\"\"\"}", Kept { kept: letter('"') }),
        ("{letter:a,number:}", Kept { kept: letter('a') }),
    ]);
    refuses::<Nullable>(&[
        "{letter:\"\"\"a\"\"\"}",
        "{number:x}",
        "{number:\"\"x}",
        "{colour:\"\"\"\"}",
    ]);
    let exact = jsv::Options::new().case_sensitive(true);
    assert!(exact.from_str::<Nullable>("{colour:red}").is_err());
    let error = jsv::from_str::<Nullable>(&"{inner:".repeat(10_000)).unwrap_err();
    assert_eq!(error.to_string(), "nested deeper than 128 levels at line 1 column 897");
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(transparent)]
struct Bytes(#[serde(with = "jsv::base64")] Vec<u8>);

#[test]
fn base64_is_what_dotnet_takes() {
    let bytes = |bytes: &[u8]| Bytes(bytes.to_vec());
    reads(&[
        ("AQ==", bytes(&[1])),
        ("AR==", bytes(&[1])),
        ("AQJ=", bytes(&[1, 2])),
        ("A Q\n= =", bytes(&[1])),
        ("null", bytes(&[158, 233, 101])),
        ("", bytes(&[])),
    ]);
    refuses::<Bytes>(&["AQ", "AQ=", "AQ===", "A===", "-_-_", "AQ==AQ=="]);
}
