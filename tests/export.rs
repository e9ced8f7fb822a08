//! Models for other programs, by arithmetic: what SAELens would compute in float64 from the exported files is what the model
//! computes here.

mod common;

use archetypal::{
    Device, Error,
    data::{Normalizer, TensorFile},
    export::{Activation, SaeLens, saelens},
    sae::{
        DictionaryKind, EncoderKind, Kernel, Normalization, Sae, SaeSettings, Selection, StateDict,
        Thresholds,
    },
};
use pollster::block_on;

const D: usize = 7;
const K: usize = 19;
const N: usize = 11;
const ROWS: usize = 40;

const TOP_K: Selection = Selection::TopK { k: 4 };
const BATCH_TOP_K: Selection = Selection::BatchTopK { k: 4, momentum: 0.9 };

const fn jump(thresholds: Thresholds) -> Selection {
    Selection::Jump { kernel: Kernel::Silverman, bandwidth: 1e-3, thresholds }
}

/// A model whose every tensor is random, in eval mode, for rows that are neither centred nor scaled.
fn model(device: &Device, encoder: EncoderKind, selection: Selection, archetypal: bool) -> Sae {
    let dictionary = match archetypal {
        true => DictionaryKind::Archetypal { nb_points: N, delta: 0.5 },
        false => DictionaryKind::Free { normalization: Normalization::L2 },
    };
    let settings = SaeSettings {
        input_shape: D,
        nb_concepts: if encoder == EncoderKind::Identity { D } else { K },
        selection,
        dictionary,
        use_multiplier: true,
        encoder,
        encoder_bias: encoder == EncoderKind::Tied,
    };
    let points = if archetypal { common::noise(N * D, 1) } else { Vec::new() };
    let mut state = StateDict::initial(&settings, points, 5).unwrap();
    let set = [
        ("dictionary.multiplier", 0.3, 0.0),
        ("dictionary.Relax", 0.0, 0.2),
        ("encoder.bias", 0.1, 0.2),
        ("thresholds", -2.0, 0.5),
        ("direct_thresholds", 0.2, 0.1),
        ("running_threshold", 0.25, 0.0),
    ];
    for (seed, (name, middle, spread)) in (2..).zip(set) {
        let Some(values) = state.values_mut(name) else { continue };
        let noise = common::noise(values.len(), seed);
        values.iter_mut().zip(noise).for_each(|(value, noise)| *value = middle + spread * noise);
    }
    let mut sae = Sae::new(device, settings, &state).unwrap();
    sae.project();
    let shift = common::noise(D, 20).iter().map(|noise| 3.0 * noise).collect();
    let scale = common::noise(D, 21).iter().map(|noise| 2.0 + 1.5 * noise).collect();
    sae.set_normalizer(Normalizer::from_parts(shift, scale).unwrap()).unwrap();
    sae.eval().unwrap();
    sae
}

/// x M + b in float64, with M [inner, cols].
fn affine(x: &[f64], m: &[f32], b: &[f32], inner: usize) -> Vec<f64> {
    let cols = b.len();
    let mut out = Vec::new();
    for row in x.chunks_exact(inner) {
        out.extend((0..cols).map(|j| {
            let product = |(i, x): (usize, &f64)| x * f64::from(m[i * cols + j]);
            f64::from(b[j]) + row.iter().enumerate().map(product).sum::<f64>()
        }));
    }
    out
}

/// SAELens's own `encode`: TopKSAE or JumpReLUSAE.
fn encode(exported: &SaeLens, x: &[f64]) -> Vec<f64> {
    let mut codes = affine(x, &exported.w_enc, &exported.b_enc, exported.d_in);
    for row in codes.chunks_exact_mut(exported.d_sae) {
        match &exported.activation {
            Activation::TopK(k) => {
                let mut sorted = row.to_vec();
                sorted.sort_by(|a, b| b.total_cmp(a));
                let least = sorted[k - 1];
                row.iter_mut().filter(|z| **z < least).for_each(|z| *z = 0.0);
            }
            Activation::JumpRelu(thresholds) => {
                let pairs = row.iter_mut().zip(thresholds);
                pairs.filter(|(z, t)| **z <= f64::from(**t)).for_each(|(z, _)| *z = 0.0);
            }
        }
        row.iter_mut().for_each(|z| *z = z.max(0.0));
    }
    codes
}

fn holds(device: &Device, encoder: EncoderKind, selection: Selection, archetypal: bool) {
    let what = format!("{} {selection:?}", encoder.name());
    let sae = model(device, encoder, selection, archetypal);
    let rows: Vec<f32> = common::noise(ROWS * D, 30).iter().map(|noise| 2.0 * noise).collect();
    let x: Vec<f64> = rows.iter().map(|&x| x.into()).collect();
    let codes = sae.encode(&rows).unwrap().codes;
    let decoded = block_on(sae.decode(&codes)).unwrap();
    let codes = block_on(codes.into_dense(device).unwrap().read()).unwrap();
    let active = codes.iter().filter(|&&z| z != 0.0).count();
    assert!(active > ROWS && active < ROWS * K, "{what}: {active} codes");

    let exported = block_on(saelens(&sae)).unwrap();
    let theirs = encode(&exported, &x);
    common::check::close(&format!("{what}: codes"), &codes, &theirs, 2e-6);
    let theirs = affine(&theirs, &exported.w_dec, &exported.b_dec, exported.d_sae);
    common::check::close(&format!("{what}: rows"), &decoded, &theirs, 5e-6);
}

fn every_kind(device: &Device) {
    for encoder in [EncoderKind::Linear, EncoderKind::Tied, EncoderKind::Untied] {
        for selection in [TOP_K, BATCH_TOP_K, jump(Thresholds::Reference), jump(Thresholds::Direct)]
        {
            for archetypal in [true, false] {
                holds(device, encoder, selection, archetypal);
            }
        }
    }
}

#[test]
fn exported_matrices_give_our_codes_and_rows() {
    every_kind(&Device::cpu());
}

#[test]
fn exported_matrices_give_our_codes_and_rows_on_the_gpu() {
    if let Some(device) = common::gpu("exported_matrices_give_our_codes_and_rows_on_the_gpu", None)
    {
        every_kind(&device);
    }
}

#[test]
fn a_code_at_its_threshold_stays() {
    let device = Device::cpu();
    let sae = model(&device, EncoderKind::Linear, BATCH_TOP_K, false);
    let Activation::JumpRelu(thresholds) = block_on(saelens(&sae)).unwrap().activation else {
        panic!("batch top-k is exported with thresholds");
    };
    assert_eq!(thresholds.len(), K);
    assert!(thresholds.iter().all(|&t| t < 0.25 && t.next_up() == 0.25));
}

#[test]
fn the_files_are_what_saelens_reads() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::cpu();
    for (selection, architecture) in [(TOP_K, "topk"), (jump(Thresholds::Reference), "jumprelu")] {
        let exported =
            block_on(saelens(&model(&device, EncoderKind::Tied, selection, true))).unwrap();
        let out = folder.path().join(architecture);
        exported.save(&out).unwrap();
        let text = std::fs::read_to_string(out.join("cfg.json")).unwrap();
        let config: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(config, exported.config());
        assert_eq!(config["architecture"], architecture);
        assert_eq!((&config["d_in"], &config["d_sae"]), (&D.into(), &K.into()));
        assert_eq!(config["apply_b_dec_to_input"], false);
        assert_eq!(config["metadata"]["sae_lens_version"], "6.0.0");
        assert_eq!(config.get("k").map(|k| k == 4), (architecture == "topk").then_some(true));
        let weights = TensorFile::open(out.join("sae_weights.safetensors")).unwrap();
        let tensor =
            |name: &str, shape: &[usize]| weights.tensor(name).unwrap().with_shape(shape).unwrap();
        assert_eq!(tensor("W_enc", &[D, K]).to_f32().unwrap(), exported.w_enc);
        assert_eq!(tensor("b_enc", &[K]).to_f32().unwrap(), exported.b_enc);
        assert_eq!(tensor("W_dec", &[K, D]).to_f32().unwrap(), exported.w_dec);
        assert_eq!(tensor("b_dec", &[D]).to_f32().unwrap(), exported.b_dec);
        assert_eq!(weights.contains("threshold"), architecture == "jumprelu");
    }
}

#[test]
fn other_encoders_are_refused() {
    let device = Device::cpu();
    for encoder in EncoderKind::NAMED {
        let exported = block_on(saelens(&model(&device, encoder, TOP_K, true)));
        match encoder {
            EncoderKind::Linear | EncoderKind::Tied | EncoderKind::Untied => {
                assert!(exported.is_ok())
            }
            _ => assert!(matches!(exported, Err(Error::Setting { setting: "encoder", .. }))),
        }
    }
}

#[test]
fn what_f32_cannot_hold_is_refused() {
    let mut sae = model(&Device::cpu(), EncoderKind::Linear, TOP_K, false);
    let normalizer = Normalizer::from_parts(vec![1e30; D], vec![1e20; D]).unwrap();
    sae.set_normalizer(normalizer).unwrap();
    assert!(block_on(saelens(&sae)).unwrap_err().to_string().contains("--normalize"));
}
