//! One training step of RA-TopK, whole, on the CPU and on a GPU if there is one.
//!
//! `cargo bench --bench step`. Sizes are d/K/N/B/k; the throughput printed counts rows. `ARCHETYPAL_ADAPTER` names an
//! adapter, a software one too; without it only a real GPU is taken. Every step ends with a wait for the device.

use archetypal::{
    Device,
    sae::RaTopKSae,
    train::{DataFacts, Path, TrainSettings, Trainer},
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pollster::block_on;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

/// d, K, N, B, k.
const SIZES: [[usize; 5]; 2] = [[384, 4096, 1024, 1024, 16], [768, 10_000, 2_000, 1024, 20]];

fn devices() -> Vec<Device> {
    let mut devices = vec![Device::cpu()];
    #[cfg(feature = "gpu")]
    {
        let adapter = std::env::var("ARCHETYPAL_ADAPTER").ok();
        let options = archetypal::device::GpuOptions { adapter, ..Default::default() };
        devices.extend(block_on(Device::gpu(&options)));
    }
    devices
}

fn values(len: usize, seed: u64) -> Vec<f32> {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    (0..len).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect()
}

fn trainer(device: &Device, [d, concepts, n, batch, k]: [usize; 5]) -> Trainer {
    let points = values(n * d, 1);
    let sae = RaTopKSae::builder(d, concepts, &points).top_k(k).build(device).unwrap();
    let settings = TrainSettings { epochs: 1, batch_size: batch, ..Default::default() };
    // More rows than any run reaches, so that no epoch ends within the measurement.
    let data = DataFacts { rows: batch << 30, row_variance: d as f64 };
    Trainer::new(sae.into_inner(), settings, data).unwrap()
}

fn step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("step");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for device in devices() {
        for size in SIZES {
            let [d, _, _, batch, _] = size;
            let mut trainer = trainer(&device, size);
            let x = values(batch * d, 2);
            group.throughput(Throughput::Elements(batch as u64));
            let size = size.map(|n| n.to_string()).join("/");
            let path: Path = trainer.progress().path;
            let id = BenchmarkId::new(format!("{} {path:?}", device.name()), size);
            group.bench_function(id, |bencher| {
                bencher.iter(|| {
                    block_on(trainer.step(&x)).unwrap();
                    block_on(device.sync()).unwrap();
                    trainer.take_events();
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);
