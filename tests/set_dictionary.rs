//! Another dictionary in a model that is there already.

#[path = "common/mod.rs"]
mod common;

use archetypal::{
    Device, Error,
    data::Normalizer,
    sae::{
        DictionaryKind, EncoderKind, Normalization, Sae, SaeSettings, Selection, StateDict,
        Thresholds,
    },
};
use common::{
    check::{close, read},
    devices, noise,
};
use pollster::block_on;

const D: usize = 6;
const CONCEPTS: usize = 10;
const POINTS: usize = 4;
const ROWS: usize = 5;
const MULTIPLIER: f32 = 0.25;
const FREE: DictionaryKind = DictionaryKind::Free { normalization: Normalization::L2 };
const TOP_K: Selection = Selection::TopK { k: 3 };
/// Every dimension is shifted and scaled by these.
const NORMALIZATION: (f32, f32) = (0.5, 2.0);

fn selections() -> [Selection; 3] {
    let thresholds = Thresholds::Direct;
    let (kernel, bandwidth) = thresholds.window();
    let jump = Selection::Jump { kernel, bandwidth, thresholds };
    [TOP_K, jump, Selection::BatchTopK { k: 3, momentum: 0.9 }]
}

fn settings(selection: Selection) -> SaeSettings {
    common::archetypal(CONCEPTS, D, POINTS, selection)
}

/// All tensors of an archetypal model whose atoms lie between two points each, and a little off.
fn archetypal_state(settings: &SaeSettings) -> StateDict {
    let mut state = StateDict::initial(settings, noise(POINTS * D, 1), 7).unwrap();
    let weight = |at: usize| match (at % POINTS + at / POINTS) % POINTS {
        0 => 0.25,
        1 => 0.75,
        _ => 0.0,
    };
    let mixing: Vec<f32> = (0..CONCEPTS * POINTS).map(weight).collect();
    let relax: Vec<f32> = noise(CONCEPTS * D, 2).into_iter().map(|value| 0.1 * value).collect();
    state.insert("dictionary.W", &[CONCEPTS, POINTS], mixing);
    state.insert("dictionary.Relax", &[CONCEPTS, D], relax);
    state.insert("dictionary.multiplier", &[], vec![MULTIPLIER]);
    state
}

/// The tensors of a free dictionary, not yet normalised.
fn free_state() -> StateDict {
    let mut state = StateDict::default();
    state.insert("dictionary._weights", &[CONCEPTS, D], noise(CONCEPTS * D, 3));
    state.insert("dictionary.multiplier", &[], vec![MULTIPLIER]);
    state
}

fn model(device: &Device, settings: &SaeSettings) -> Sae {
    let mut sae = Sae::new(device, settings.clone(), &archetypal_state(settings)).unwrap();
    let (shift, scale) = NORMALIZATION;
    let normalizer = Normalizer::from_parts(vec![shift; D], vec![scale; D]).unwrap();
    sae.set_normalizer(normalizer).unwrap();
    sae
}

fn values<'a>(state: &'a StateDict, name: &str) -> &'a [f32] {
    &state.get(name).unwrap().values
}

/// (W C + R)·eᵐ.
fn archetypal_atoms(state: &StateDict) -> Vec<f64> {
    let [mixing, points, relax] =
        ["dictionary.W", "dictionary.C", "dictionary.Relax"].map(|name| values(state, name));
    let product = |a: f32, b: f32| f64::from(a) * f64::from(b);
    let element = |at: usize| {
        let (atom, column) = (at / D, at % D);
        let terms = (0..POINTS).map(|n| product(mixing[atom * POINTS + n], points[n * D + column]));
        (terms.sum::<f64>() + f64::from(relax[at])) * f64::from(MULTIPLIER).exp()
    };
    (0..CONCEPTS * D).map(element).collect()
}

/// V·eᵐ, the rows of V at length 1.
fn free_atoms(state: &StateDict) -> Vec<f64> {
    let rows = values(state, "dictionary._weights").chunks(D);
    let scaled = rows.flat_map(|row| {
        let norm = row.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        row.iter().map(move |&v| f64::from(v) / norm * f64::from(MULTIPLIER).exp())
    });
    scaled.collect()
}

/// Raw rows.
fn rows() -> Vec<f32> {
    noise(ROWS * D, 9)
}

/// Holds D, and what codes are decoded to, against these atoms.
#[track_caller]
fn check(sae: &Sae, atoms: &[f64]) {
    close("D", &block_on(sae.dictionary()).unwrap(), atoms, 1e-5);
    let codes = sae.encode(&rows()).unwrap().codes;
    let by_row = block_on(codes.rows()).unwrap();
    assert!(!by_row.values.is_empty(), "nothing to decode");
    let mut expected = vec![0.0_f64; ROWS * D];
    for (row, x_hat) in expected.chunks_mut(D).enumerate() {
        for (concept, code) in by_row.row(row) {
            let atom = &atoms[concept as usize * D..][..D];
            x_hat.iter_mut().zip(atom).for_each(|(x, a)| *x += f64::from(code) * a);
        }
    }
    let (shift, scale) = NORMALIZATION;
    expected.iter_mut().for_each(|x| *x = *x / f64::from(scale) + f64::from(shift));
    close("x̂", &block_on(sae.decode(&codes)).unwrap(), &expected, 1e-5);
}

fn dot(x: &[f32], atom: &[f64]) -> f64 {
    x.iter().zip(atom).map(|(&x, a)| f64::from(x) * a).sum()
}

/// The names of the dictionary's parameters.
fn trained(sae: &Sae) -> Vec<&'static str> {
    let names = sae.parameters().into_iter().map(|parameter| parameter.name);
    names.filter(|name| name.starts_with("dictionary.")).collect()
}

#[test]
fn a_free_one_for_an_archetypal_one_and_back() {
    for device in devices("a_free_one_for_an_archetypal_one_and_back") {
        for selection in selections() {
            let archetypal = settings(selection);
            let (state, free) = (archetypal_state(&archetypal), free_state());
            let mut sae = model(&device, &archetypal);
            check(&sae, &archetypal_atoms(&state));
            let codes = block_on(sae.codes(&rows())).unwrap();

            // What eval mode keeps of the old one must go.
            sae.eval().unwrap();
            sae.set_dictionary(FREE, false, &free).unwrap();
            assert!(!sae.is_eval());
            let expected =
                SaeSettings { dictionary: FREE, use_multiplier: false, ..archetypal.clone() };
            assert_eq!(sae.settings(), &expected);
            assert_eq!(trained(&sae), ["dictionary._weights"]);
            check(&sae, &free_atoms(&free));
            assert_eq!(block_on(sae.codes(&rows())).unwrap(), codes, "the encoder is as it was");

            sae.eval().unwrap();
            sae.set_dictionary(archetypal.dictionary, true, &state).unwrap();
            assert!(!sae.is_eval());
            assert_eq!(sae.settings(), &archetypal);
            let names = ["dictionary.W", "dictionary.Relax", "dictionary.multiplier"];
            assert_eq!(trained(&sae), names);
            check(&sae, &archetypal_atoms(&state));
        }
    }
}

#[test]
fn it_is_put_into_its_sets() {
    for device in devices("it_is_put_into_its_sets") {
        let settings = settings(TOP_K);
        let mut state = archetypal_state(&settings);
        state.values_mut("dictionary.W").unwrap().iter_mut().for_each(|w| *w *= 3.0);
        state.values_mut("dictionary.Relax").unwrap().iter_mut().for_each(|r| *r *= 100.0);
        let mut sae = model(&device, &settings);
        let kind = DictionaryKind::Archetypal { nb_points: POINTS, delta: 0.5 };
        sae.set_dictionary(kind, true, &state).unwrap();
        let held = block_on(sae.state()).unwrap();
        for row in values(&held, "dictionary.W").chunks(POINTS) {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{row:?}");
        }
        for row in values(&held, "dictionary.Relax").chunks(D) {
            let norm = row.iter().map(|r| r * r).sum::<f32>().sqrt();
            assert!((norm - 0.5).abs() < 1e-5, "{row:?}");
        }
    }
}

#[test]
fn a_tied_encoder_goes_with_it() {
    for device in devices("a_tied_encoder_goes_with_it") {
        let settings = SaeSettings { encoder: EncoderKind::Tied, ..settings(TOP_K) };
        let mut sae = model(&device, &settings);
        sae.set_dictionary(FREE, true, &free_state()).unwrap();
        let mut normalised = rows();
        sae.normalizer().apply(&mut normalised);
        let atoms = free_atoms(&free_state());
        let expected: Vec<f64> = normalised
            .chunks(D)
            .flat_map(|x| atoms.chunks(D).map(move |atom| dot(x, atom)))
            .collect();
        close("pre-codes", &read(&sae.encode(&rows()).unwrap().pre_codes), &expected, 1e-5);
    }
}

#[test]
fn one_that_is_refused_leaves_the_model_as_it_is() {
    let settings = settings(TOP_K);
    let state = archetypal_state(&settings);
    let mut sae = model(&Device::cpu(), &settings);
    let missing = sae.set_dictionary(FREE, false, &StateDict::default());
    assert!(matches!(missing, Err(Error::Shape { .. })), "{missing:?}");
    let negative = DictionaryKind::Archetypal { nb_points: POINTS, delta: -1.0 };
    let refused = sae.set_dictionary(negative, true, &state);
    assert!(matches!(refused, Err(Error::Setting { .. })), "{refused:?}");
    assert_eq!(sae.settings(), &settings);
    check(&sae, &archetypal_atoms(&state));
}
