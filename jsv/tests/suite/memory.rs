//! What is allocated: nothing to read into borrowing structs but their containers, and one buffer to write.

use std::collections::BTreeMap;

use allocation_counter::measure;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Row<'a> {
    id: u32,
    name: &'a str,
    note: Option<&'a str>,
    price: f64,
    ok: bool,
    tags: Vec<&'a str>,
    meta: BTreeMap<&'a str, u8>,
}

fn document() -> String {
    let row = |id| Row {
        id,
        name: "a, b",
        note: (id % 3 == 0).then_some("n"),
        price: 9.5,
        ok: true,
        tags: ["a", "b:c", "d", "e", "f"][..id as usize % 6].to_vec(),
        meta: (0..u8::try_from(id % 20).unwrap())
            .map(|key| (["x", "y", "z"][usize::from(key % 3)], key))
            .collect(),
    };
    jsv::to_string(&(0..1000).map(row).collect::<Vec<_>>()).unwrap()
}

#[test]
fn a_struct_that_borrows_is_read_without_allocating() {
    let counted = measure(|| {
        let row: Row = jsv::from_str(
            "{id:1,name:\"a, b\",NOTE:x,other:{a:[1]},price:1.5,ok:True,tags:[],meta:}",
        )
        .unwrap();
        assert_eq!((row.name, row.note), ("a, b", Some("x")));
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn containers_of_them_allocate_their_own_room_and_nothing_else() {
    let text = document();
    let mut rows = Vec::new();
    let read = measure(|| rows = jsv::from_str::<Vec<Row>>(&text).unwrap());
    // The same containers, filled by hand, grow by the same steps.
    let by_hand = measure(|| {
        let mut copy = Vec::new();
        for row in &rows {
            let mut tags = Vec::new();
            row.tags.iter().for_each(|tag| tags.push(*tag));
            let mut meta = BTreeMap::new();
            for (name, value) in &row.meta {
                meta.insert(*name, *value);
            }
            copy.push(Row { tags, meta, ..*row });
        }
        assert_eq!(copy.len(), 1000);
    });
    assert!(read.count_total > 1000);
    assert_eq!(read.count_total, by_hand.count_total);
    assert_eq!(read.bytes_total, by_hand.bytes_total);
}

/// What is allocated to read lists of these lengths in a member.
fn read_lists(lengths: impl Iterator<Item = usize>) -> allocation_counter::AllocationInfo {
    #[derive(Serialize, Deserialize)]
    struct Lists {
        lists: Vec<Vec<u64>>,
    }
    let text = jsv::to_string(&Lists { lists: lengths.map(|length| vec![7; length]).collect() });
    let text = text.unwrap();
    measure(|| drop(jsv::from_str::<Lists>(&text).unwrap()))
}

#[test]
fn a_list_gets_the_room_that_the_one_before_it_needed() {
    // The list of them grows to 4, 8, 16, 32, 64 and 128, the first of them to 4, 8 and 16; the others need not grow.
    assert_eq!(read_lists([9; 100].into_iter()).count_total, 6 + 3 + 99);
    // Only the one behind a long one gets more than it needs.
    let counted = read_lists(std::iter::once(1000).chain([5; 100]));
    let (growing, too_much, needed) = (512 + 1024, 1000, 99 * 5);
    let lists = 128 * size_of::<Vec<u64>>() as u64;
    assert!(counted.bytes_max <= (growing + too_much + needed) * 8 + lists, "{counted:?}");
}

#[test]
fn writing_fills_one_buffer() {
    let text = document();
    let rows: Vec<Row> = jsv::from_str(&text).unwrap();
    let mut out = Vec::with_capacity(text.len());
    let counted = measure(|| rows.serialize(&mut jsv::Serializer::new(&mut out)).unwrap());
    assert_eq!(counted.count_total, 0);
    assert_eq!(out, text.as_bytes());
    // Without room to begin with, the one buffer grows as a buffer does.
    let counted = measure(|| assert_eq!(jsv::to_string(&rows).unwrap().len(), text.len()));
    let grown = measure(|| {
        let mut buffer = String::with_capacity(128);
        text.chars().for_each(|character| buffer.push(character));
    });
    assert_eq!(counted.count_total, grown.count_total);
}
