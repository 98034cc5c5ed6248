//! How long the door takes, against P: the same parser filling a plain struct from the same bytes.

mod p;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tidegate::stages::decode::{Door, decode};

fn door(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    group.bench_function("P", |b| b.iter(|| black_box(p::parse(black_box(p::EVENT)))));
    let door = Door::default();
    group.bench_function("decode", |b| {
        b.iter(|| black_box(decode(black_box(p::EVENT), &door).is_ok()));
    });
    // P again: the machine drifts between two speeds, so a figure is a pair from one run.
    group.bench_function("P again", |b| b.iter(|| black_box(p::parse(black_box(p::EVENT)))));
    group.finish();
}

criterion_group!(benches, door);
criterion_main!(benches);
