//! Reading messages: a typical one, and one status text of growing length.

use std::hint::black_box;

use aye::Message;
use criterion::{BenchmarkId, Criterion, Throughput};

const TYPICAL: &[u8] = b"READY=1\nSTATUS=listening on 3000\nMAINPID=4711";

/// The lengths, in bytes, at which the growth is measured.
pub(crate) const LENGTHS: [usize; 5] = [16, 64, 256, 1024, 4096];

pub(crate) fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    group.bench_function("typical", |bencher| {
        bencher.iter(|| Message::parse(black_box(TYPICAL)).expect("a message"))
    });
    for length in LENGTHS {
        let message = [b"STATUS=", &b"all is well and green; "[..].repeat(200)[..]].concat();
        let message = &message[..length];
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_with_input(BenchmarkId::from_parameter(length), message, |bencher, message| {
            bencher.iter(|| Message::parse(black_box(message)).expect("a message"));
        });
    }
    group.finish();
}
