//! How fast this crate reads and writes, in `criterion`'s statistics; for comparing two versions of it. How it
//! compares with JSON is the matter of `ratio.rs`.
//!
//! Adding a document: see `corpus`.

#![expect(
    clippy::struct_field_names,
    dead_code,
    reason = "the corpus names its members, and has each document in JSON too"
)]

#[path = "corpus/mod.rs"]
mod corpus;

use std::hint::black_box;

use corpus::{
    Borrowed, Customer, CustomerOrders, Northwind, Order, OrderDetail, Reply, document,
    each_document,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

type One<T> = T;

fn throughput(criterion: &mut Criterion) {
    macro_rules! measure {
        ($name:literal, $type:ident, $shape:ident) => {
            let text = document($name).jsv;
            let value: $shape<$type<String>> = jsv::from_str(&text).expect("the document fits");
            let mut group = criterion.benchmark_group($name);
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function("read", |bencher| {
                bencher.iter(|| jsv::from_str::<$shape<$type<String>>>(black_box(&text)));
            });
            group.bench_function("read borrowed", |bencher| {
                bencher.iter(|| jsv::from_str::<$shape<$type<Borrowed>>>(black_box(&text)));
            });
            group.bench_function("write", |bencher| {
                bencher.iter(|| jsv::to_string(black_box(&value)));
            });
            group.finish();
        };
    }
    each_document!(measure);
}

criterion_group!(benches, throughput);
criterion_main!(benches);
