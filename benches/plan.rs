//! The pure middle at the size of a large ISP: 200,000 clients, every power changed.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use gateway_core::sync::{Grouping, Limits, Past, Rails, Reading, ReadingTime, Rules, Sides, batch, plan};
use gateway_core::{
    Client, ClientCode, Dbm, Implantation, Onu, PowerReading, RecordId, Status, SyncedClient,
};
use jiff::Timestamp;

const CLIENTS: u32 = 200_000;
const VALUES: u32 = 2_200;

fn code(n: u32) -> ClientCode {
    ClientCode::new(&(n + 10_000).to_string()).expect("a code")
}

fn clients() -> Vec<SyncedClient> {
    let id = |kind: u32, n: u32| RecordId::new(&format!("{kind:08x}{n:016x}")).expect("an identifier");
    (0..CLIENTS)
        .map(|n| SyncedClient {
            client: Client {
                id: id(1, n),
                code: code(n),
                status: Some(Status::Ok),
                implantation: Implantation::Implanted,
                onu: Onu::default(),
                onu_known: true,
            },
            property: Some(id(2, n)),
            read_power: Dbm::from_f64(-40.0).ok(),
        })
        .collect()
}

fn readings() -> Vec<Reading> {
    (0..CLIENTS)
        .map(|n| Reading {
            code: code(n),
            power: PowerReading::from_number(-8.0 - f64::from(n.wrapping_mul(7_919) % VALUES) / 100.0)
                .expect("a power"),
            serial: None,
            pppoe_user: None,
            mac: None,
            updated_at: ReadingTime::Unsaid,
        })
        .collect()
}

fn planned((clients, readings): (Vec<SyncedClient>, Vec<Reading>)) -> gateway_core::sync::Plan {
    let sides = Sides { clients, readings, ..Sides::default() };
    plan(sides, &Rules::default(), &Limits::default(), &Past::default(), Rails::Hold, Timestamp::UNIX_EPOCH)
}

fn middle(c: &mut Criterion) {
    let (clients, readings) = (clients(), readings());
    let mut group = c.benchmark_group("200,000 clients");
    group.sample_size(10);
    group.bench_function("plan", |b| {
        b.iter_batched(|| (clients.clone(), readings.clone()), planned, BatchSize::PerIteration);
    });
    let plan = planned((clients.clone(), readings.clone()));
    assert_eq!(plan.changes.len(), CLIENTS as usize);
    let grouping = Grouping::ByValue { largest: 2_000 };
    group.bench_function("batch", |b| b.iter(|| batch(black_box(&plan.changes), grouping, |_| false)));
    println!("{} changes are {} calls", plan.changes.len(), batch(&plan.changes, grouping, |_| false).len());
    group.finish();
}

criterion_group!(benches, middle);
criterion_main!(benches);
