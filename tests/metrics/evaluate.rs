//! `metrics::evaluate`.

use crate::{
    common::{devices, noise},
    models::{Parts, by_hand, loader, random, settings, several},
    oracle,
};
use archetypal::{
    Device, Error, Result,
    data::Loader,
    metrics::{DEFINITIONS, Evaluation, evaluate},
    sae::{Sae, Selection},
};

fn run(sae: &Sae, loader: &Loader) -> Result<Evaluation> {
    pollster::block_on(evaluate(sae, loader, &mut |_| {}))
}

fn near(what: &str, got: f64, expected: f64) {
    let bound = 2e-5 * expected.abs().max(0.05);
    assert!((got - expected).abs() <= bound, "{what}: {got}, expected {expected}");
}

fn compare(got: &Evaluation, parts: &Parts, rows: &[f32]) {
    let expected = oracle::figures(parts, rows);
    near("r2", got.r2.unwrap(), expected.r2);
    near("r2_scalar_mean", got.r2_scalar_mean.unwrap(), expected.r2_scalar_mean);
    near("mse", got.mse, expected.mse);
    near("l0", got.l0, expected.l0);
    near("dead_share", got.dead_share, expected.dead_share);
    let densities = expected.densities;
    assert_eq!(got.density_quantiles.len(), 7);
    for &[q, value] in &got.density_quantiles {
        // With 41 concepts, tenths and quarters are concepts themselves.
        near("density", value, densities[(q * (densities.len() - 1) as f64).round() as usize]);
    }
    near("coherence", got.coherence, expected.coherence);
    near("ood", got.ood, expected.ood);
    let mixing = [got.max_weight_mean, got.weight_entropy_mean, got.relaxation_ratio_mean];
    match expected.mixing {
        None => assert_eq!(mixing, [None; 3]),
        Some(expected) => {
            let names = ["max_weight_mean", "weight_entropy_mean", "relaxation_ratio_mean"];
            for ((name, got), expected) in names.into_iter().zip(mixing).zip(expected) {
                near(name, got.unwrap(), expected);
            }
        }
    }
    near("multiplier", got.multiplier, f64::from(parts.values("dictionary.multiplier")[0]).exp());
}

#[test]
fn as_plain_loops_have_it() {
    let (d, rows) = (13, 57);
    let data: Vec<f32> = noise(rows * d, 7).iter().map(|x| 1.5 * x + 0.3).collect();
    for device in devices("as_plain_loops_have_it") {
        for parts in several(41, d, 10, 4) {
            for batch in [1, 20, 57, 1000] {
                let loader = loader(data.clone(), d, batch);
                let got = run(&parts.on(&device), &loader).unwrap();
                assert_eq!(got.rows, rows);
                compare(&got, &parts, &data);
            }
        }
    }
}

#[test]
fn figures_by_hand() {
    let rows = vec![2.0, 1.0, 0.0, 3.0, -1.0, -1.0, 4.0, 0.0];
    for device in devices("figures_by_hand") {
        let got = run(&by_hand().on(&device), &loader(rows.clone(), 2, 3)).unwrap();
        // Codes (2, 0, 0), (0, 3, 0), none, (4, 0, 0): errors 1, 0, 2, 0.
        assert_eq!(got.mse, 3.0 / 8.0);
        assert_eq!(got.r2, Some(1.0 - 3.0 / 23.5));
        assert_eq!(got.r2_scalar_mean, Some(1.0 - 3.0 / 24.0));
        assert_eq!((got.l0, got.dead_share), (0.75, 1.0 / 3.0));
        let quantiles: Vec<f64> = got.density_quantiles.iter().map(|pair| pair[1]).collect();
        let expected = [0.0, 0.05, 0.125, 0.25, 0.375, 0.45, 0.5];
        for (got, want) in quantiles.iter().zip(expected) {
            assert!((got - want).abs() < 1e-12, "{quantiles:?}");
        }
        near("coherence", got.coherence, 0.5_f64.sqrt());
        near("ood", got.ood, 1.0 - (2.0 + 3.0 / 10.0_f64.sqrt()) / 3.0);
        near("max_weight_mean", got.max_weight_mean.unwrap(), 2.5 / 3.0);
        near("weight_entropy_mean", got.weight_entropy_mean.unwrap(), 2.0_f64.ln() / 3.0);
        assert_eq!((got.relaxation_ratio_mean, got.multiplier), (None, 1.0));
    }
}

#[test]
fn one_row_one_concept_and_constant_data() {
    for device in devices("one_row_one_concept_and_constant_data") {
        let parts = random(settings(1, 3, 2, Selection::TopK { k: 1 }), 5);
        let single = run(&parts.on(&device), &loader(vec![0.5, -0.25, 2.0], 3, 8)).unwrap();
        assert_eq!((single.rows, single.r2, single.coherence), (1, None, 0.0));
        assert!(single.r2_scalar_mean.is_some() && single.mse.is_finite());
        let constant = run(&parts.on(&device), &loader(vec![0.1; 30], 3, 4)).unwrap();
        assert_eq!((constant.r2, constant.r2_scalar_mean), (None, None));
        let zero = run(&parts.on(&device), &loader(vec![0.0; 30], 3, 4)).unwrap();
        assert_eq!((zero.r2, zero.ood), (None, 1.0));
        let json = serde_json::to_value(&constant).unwrap();
        assert!(json["r2"].is_null() && json["mse"].is_number());
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let (d, rows) = (24, 700);
    let data = noise(rows * d, 11);
    for parts in several(60, d, 16, 5) {
        let figures = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let data = data.clone();
            pool.install(|| run(&parts.on(&Device::cpu()), &loader(data, d, 600)).unwrap())
        };
        let one = figures(1);
        for threads in [2, 3] {
            assert_eq!(figures(threads), one);
        }
    }
}

#[test]
fn progress_counts_rows() {
    let sae = by_hand().on(&Device::cpu());
    let mut seen = Vec::new();
    let loader = loader(noise(2 * 10, 1), 2, 4);
    pollster::block_on(evaluate(&sae, &loader, &mut |rows| seen.push(rows))).unwrap();
    assert_eq!(seen, [4, 8, 10]);
}

#[test]
fn refuses_bad_rows_and_wrong_widths() {
    let sae = by_hand().on(&Device::cpu());
    let mut rows = noise(2 * 10, 1);
    rows[2 * 7 + 1] = f32::NAN;
    let error = run(&sae, &loader(rows, 2, 4)).unwrap_err();
    assert!(matches!(error, Error::NotFinite { row: 7, column: 1, .. }), "{error}");
    let error = run(&sae, &loader(noise(3 * 10, 1), 3, 4)).unwrap_err();
    assert!(matches!(error, Error::Shape { .. }), "{error}");
}

#[test]
fn every_figure_has_its_definition() {
    let sae = by_hand().on(&Device::cpu());
    let json = serde_json::to_string(&run(&sae, &loader(noise(20, 1), 2, 4)).unwrap()).unwrap();
    let places: Vec<_> =
        DEFINITIONS.iter().map(|(name, _)| json.find(&format!("\"{name}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{json}");
    let fields: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(fields.as_object().unwrap().len(), DEFINITIONS.len());
    assert!(DEFINITIONS.iter().all(|(_, text)| text.ends_with('.') && !text.contains("  ")));
}
