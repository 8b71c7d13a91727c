//! The modules for `#[serde(with)]` where serde keeps what it read until it knows what it is for, and in another format.
//!
//! Adding a module: a line in the table.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[track_caller]
fn json_reads_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let json = serde_json::to_string(value).unwrap();
    match serde_json::from_str::<T>(&json) {
        Ok(back) => assert_eq!(back, *value, "{json}"),
        Err(error) => panic!("{error}: {json}"),
    }
}

/// A test for each module: whatever is around them, its members are what they are alone, also those that are null.
macro_rules! modules {
    ($($name:ident: $with:tt, $option:tt, $type:ty, $texts:expr;)*) => {
        $(
            #[test]
            fn $name() {
                #[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
                struct Row {
                    #[serde(with = $with)]
                    plain: $type,
                    #[serde(with = $option, default)]
                    perhaps: Option<$type>,
                }
                #[derive(Serialize, Deserialize, PartialEq, Debug)]
                struct Flat {
                    #[serde(flatten)]
                    row: Row,
                }
                #[derive(Serialize, Deserialize, PartialEq, Debug)]
                #[serde(tag = "kind")]
                enum Tagged {
                    A(Row),
                }
                #[derive(Serialize, Deserialize, PartialEq, Debug)]
                #[serde(untagged)]
                enum Untagged {
                    A(Row),
                }
                for text in $texts {
                    for (more, is_there) in
                        [(format!(",perhaps:{text}"), true), (",perhaps:".to_owned(), false)]
                    {
                        let members = format!("plain:{text}{more}");
                        let text = format!("{{{members}}}");
                        let row: Row = jsv::from_str(&text).unwrap();
                        assert_eq!(row.perhaps.is_some(), is_there, "{text}");
                        let flat = jsv::from_str::<Flat>(&text).unwrap();
                        assert_eq!(flat.row, row, "{text}");
                        let tagged = jsv::from_str::<Tagged>(&format!("{{kind:A,{members}}}"));
                        assert_eq!(tagged.unwrap(), Tagged::A(row.clone()), "{text}");
                        let untagged = jsv::from_str::<Untagged>(&text).unwrap();
                        assert_eq!(untagged, Untagged::A(row.clone()), "{text}");
                        json_reads_back(&row);
                        json_reads_back(&flat);
                        json_reads_back(&Tagged::A(row.clone()));
                        json_reads_back(&Untagged::A(row));
                    }
                }
                // Only an option is null.
                assert!(jsv::from_str::<Flat>("{plain:}").is_err());
                assert!(serde_json::from_str::<Row>(r#"{"plain":null}"#).is_err());
            }
        )*
    };
}

const DATES: [&str; 2] = ["2012-01-02T03:04:05.0000000+02:00", "2012-01-02"];

modules! {
    base64: "jsv::base64", "jsv::base64::option", Vec<u8>, ["AQI=", "[1,2]", "\"\"", "[]"];
    time_utc: "jsv::time::utc", "jsv::time::utc::option", time::OffsetDateTime, DATES;
    time_local: "jsv::time::local", "jsv::time::local::option", time::OffsetDateTime, DATES;
    time_offset: "jsv::time::offset", "jsv::time::offset::option", time::OffsetDateTime, DATES;
    time_duration: "jsv::time::duration", "jsv::time::duration::option", time::Duration, ["P1DT2H"];
    chrono_utc: "jsv::chrono::utc", "jsv::chrono::utc::option", Utc, DATES;
    chrono_local: "jsv::chrono::local", "jsv::chrono::local::option", Zoned, DATES;
    chrono_offset: "jsv::chrono::offset", "jsv::chrono::offset::option", Zoned, DATES;
    chrono_duration:
        "jsv::chrono::duration", "jsv::chrono::duration::option", chrono::TimeDelta, ["-PT0.5S"];
    uuid: "jsv::uuid", "jsv::uuid::option", uuid::Uuid, ["7da74353a40c468e93aa7ff51f4f0e84"];
    decimal: "jsv::decimal", "jsv::decimal::option", rust_decimal::Decimal, ["1.50", "\"-1,000\""];
}

type Utc = chrono::DateTime<chrono::Utc>;
type Zoned = chrono::DateTime<chrono::FixedOffset>;

#[test]
fn base64_is_text_or_a_list_in_other_formats() {
    #[derive(Deserialize, PartialEq, Debug)]
    struct Photo {
        #[serde(with = "jsv::base64")]
        bytes: Vec<u8>,
        #[serde(with = "jsv::base64::option")]
        more: Option<Vec<u8>>,
    }
    let read = |json: &str| serde_json::from_str::<Photo>(json);
    let photo = |bytes: &[u8]| Photo { bytes: bytes.to_vec(), more: Some(bytes.to_vec()) };
    assert_eq!(read(r#"{"bytes":"AQID","more":"AQID"}"#).unwrap(), photo(&[1, 2, 3]));
    assert_eq!(read(r#"{"bytes":[1,2],"more":["1","2"]}"#).unwrap(), photo(&[1, 2]));
    assert_eq!(read(r#"{"bytes":"","more":""}"#).unwrap(), photo(&[]));
    for wrong in [r#""AQ""#, "[256]", "[-1]", r#"["x"]"#, "[null]", "7", "{}"] {
        assert!(read(&format!("{{\"bytes\":{wrong},\"more\":null}}")).is_err(), "{wrong}");
        assert!(read(&format!("{{\"bytes\":[],\"more\":{wrong}}}")).is_err(), "{wrong}");
    }
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Id(u32);

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
enum Colour {
    Red,
    Mixed { red: u8 },
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
struct Nullable {
    #[serde(with = "jsv::nullable")]
    number: Option<i8>,
    #[serde(with = "jsv::nullable")]
    float: Option<f64>,
    #[serde(with = "jsv::nullable")]
    ok: Option<bool>,
    #[serde(with = "jsv::nullable")]
    letter: Option<char>,
    #[serde(with = "jsv::nullable")]
    id: Option<Id>,
    #[serde(with = "jsv::nullable")]
    colour: Option<Colour>,
}

#[test]
fn nullable_reads_the_values_of_other_formats() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    #[serde(tag = "kind")]
    enum Tagged {
        A(Nullable),
    }
    let mut value = Nullable {
        number: Some(-7),
        float: Some(2.0),
        ok: Some(false),
        letter: Some('"'),
        id: Some(Id(7)),
        colour: Some(Colour::Red),
    };
    for colour in [Some(Colour::Red), Some(Colour::Mixed { red: 1 }), None] {
        value.colour = colour;
        json_reads_back(&value);
        json_reads_back(&Tagged::A(value.clone()));
    }
    json_reads_back(&Nullable::default());
    let read = |json: &str| serde_json::from_str::<Nullable>(json);
    let text = r#"{"number":"-7","float":2,"ok":"f","letter":"\"","id":"7","colour":""}"#;
    assert_eq!(read(text).unwrap(), value);
    let tagged = jsv::from_str::<Tagged>("{kind:A,number:-7,float:,ok:\"\",id:7,colour:red}");
    let Tagged::A(tagged) = tagged.unwrap();
    assert_eq!((tagged.number, tagged.float, tagged.ok), (Some(-7), None, None));
    assert_eq!((tagged.id, tagged.colour), (Some(Id(7)), Some(Colour::Red)));
    for wrong in
        [r#""number":128"#, r#""number":1.5"#, r#""ok":1"#, r#""id":"x""#, r#""colour":"blue""#]
    {
        assert!(read(&format!("{{{wrong}}}")).is_err(), "{wrong}");
    }
}
