//! What is allocated: nothing to read into borrowing structs but their containers, and one buffer to write.

use allocation_counter::measure;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone)]
struct Row<'a> {
    id: u32,
    name: &'a str,
    note: Option<&'a str>,
    price: f64,
    ok: bool,
}

fn document() -> String {
    let row =
        |id| Row { id, name: "a, b", note: (id % 3 == 0).then_some("n"), price: 9.5, ok: true };
    jsv::to_string(&(0..1000).map(row).collect::<Vec<_>>()).unwrap()
}

#[test]
fn a_struct_that_borrows_is_read_without_allocating() {
    let counted = measure(|| {
        let row: Row =
            jsv::from_str("{id:1,name:\"a, b\",NOTE:x,other:{a:[1]},price:1.5,ok:True}").unwrap();
        assert_eq!((row.name, row.note), ("a, b", Some("x")));
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn a_list_of_them_allocates_its_own_room_and_nothing_else() {
    let text = document();
    let mut rows = Vec::new();
    let read = measure(|| rows = jsv::from_str::<Vec<Row>>(&text).unwrap());
    // The same list, filled by hand, grows by the same steps.
    let by_hand = measure(|| {
        let mut copy = Vec::new();
        for row in &rows {
            copy.push(row.clone());
        }
        assert_eq!(copy.len(), 1000);
    });
    assert_eq!(read.count_total, by_hand.count_total);
}

#[test]
fn writing_fills_one_buffer() {
    let text = document();
    let rows: Vec<Row> = jsv::from_str(&text).unwrap();
    let mut out = Vec::with_capacity(text.len());
    let counted = measure(|| rows.serialize(&mut jsv::Serializer::new(&mut out)).unwrap());
    assert_eq!(counted.count_total, 0);
    assert_eq!(out, text.as_bytes());
}
