//! How long a masked decision takes to write, against P.

mod p;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tidegate::domain::{Body, EventTime, FieldSet, Message, Seq};
use tidegate::stages::decode::{Door, decode};
use tidegate::stages::mask::{Answer, Masked, Profile, Shown, render, show};

fn way_out(c: &mut Criterion) {
    let decoded = decode(p::EVENT, &Door::default()).expect("the bench event is a valid event");
    let Message::Event(event) = decoded.message else { return };
    let body = Body { score: 640, points: 35, ..Body::default() };
    let answer = Answer {
        malformed: FieldSet::EMPTY,
        malformed_attributes: &[],
        seq: Seq(1_234_567),
        body: &body,
        reasons: &[("K2_DEVICE_BURST", "Many payments from one device in ten minutes.")],
        bundle: "3f9a01c2",
        semantics: 1,
        received_at: EventTime::MIN,
        score_band_name: "medium",
    };
    let mut group = c.benchmark_group("mask");
    group.bench_function("P", |b| b.iter(|| black_box(p::parse(black_box(p::EVENT)))));
    for name in Profile::SHIPPED {
        let profile = Profile::shipped(name).expect("it stands in the list of the shipped");
        let (mut shown, mut out) = (Shown::new(), Masked::new());
        group.bench_function(name, |b| {
            b.iter(|| {
                show(black_box(&event), &profile, &mut shown);
                render(&shown, &answer, &mut out);
                black_box(out.as_bytes().len())
            });
        });
    }
    group.bench_function("P again", |b| b.iter(|| black_box(p::parse(black_box(p::EVENT)))));
    group.finish();
}

criterion_group!(benches, way_out);
criterion_main!(benches);
