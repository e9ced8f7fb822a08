use super::*;
use crate::sae::{EncoderKind, ModelKind, ModelSettings};

const D: usize = 4;

fn rows(count: usize) -> Vec<f32> {
    (0..count * D)
        .map(|i| ((i * i) as f32 * 0.37).sin() + ((i % D) as f32 * i as f32).cos())
        .collect()
}

async fn started(settings: &SaeSettings, points: &[f32], rows: &[f32]) -> StateDict {
    let mut state = StateDict::initial(settings, points.to_vec(), 0).unwrap();
    let samples = Samples { rows, targets: &rows[..rows.len() / 2] };
    let mut told = Vec::new();
    let mut tell = |done, of| told.push((done, of));
    let device = Device::cpu();
    Start::Matched.apply(&device, settings, samples, &mut state, &mut tell).await.unwrap();
    assert!(told.is_sorted() && !told.is_empty(), "{told:?}");
    state
}

#[test]
fn the_inverse_is_one() {
    pollster::block_on(async {
        // Eigenvalues 4.1 and 2.1 with the ridge of 0.3 added: [[3, 1], [1, 3]] + 0.3·I.
        let inverse = filters::inverse_for_test(&Device::cpu(), &[3.0, 1.0, 1.0, 3.0], 2).await;
        let determinant = 3.3 * 3.3 - 1.0;
        let expected = [3.3, -1.0, -1.0, 3.3].map(|v| v / determinant);
        for (found, expected) in inverse.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{inverse:?}");
        }
    });
}

#[test]
fn filters_answer_to_their_own_atom_most() {
    pollster::block_on(async {
        let model = ModelSettings { concepts: Some(5), top_k: Some(2), ..Default::default() };
        let settings = model.resolve(D, 5).unwrap();
        let points = rows(5);
        let state = started(&settings, &points, &rows(200)).await;
        let weight = state.values(encoder::WEIGHT, &[5, D]).unwrap();
        assert!(state.values(encoder::BIAS, &[5]).unwrap().iter().all(|&b| b == 0.0));
        let lengths = weight.chunks(D).map(|row| row.iter().map(|v| v * v).sum::<f32>().sqrt());
        let lengths: Vec<_> = lengths.collect();
        assert!(lengths.iter().all(|l| (l / lengths[0] - 1.0).abs() < 1e-4), "{lengths:?}");
        for (filter, atom) in weight.chunks(D).zip(points.chunks(D)) {
            assert!(filter.iter().zip(atom).map(|(a, b)| a * b).sum::<f32>() > 0.0);
        }
    });
}

#[test]
fn with_fewer_points_atoms_are_blends_near_the_targets_used_in_turn() {
    pollster::block_on(async {
        let points = [0.0, 0.0, 4.0, 0.0, 0.0, 4.0];
        let model = ModelSettings { concepts: Some(5), top_k: Some(2), ..Default::default() };
        let settings = model.resolve(2, 3).unwrap();
        let mut state = StateDict::initial(&settings, points.to_vec(), 0).unwrap();
        assert!(Start::Matched.needs_targets(&settings));
        let samples = Samples { rows: &rows(50), targets: &[2.0, 0.0, 1.0, 1.0] };
        Start::Matched
            .apply(&Device::cpu(), &settings, samples, &mut state, &mut |_, _| {})
            .await
            .unwrap();
        let mixing = state.values(names::MIXING, &[5, 3]).unwrap();
        let (a, b) = ([0.5, 0.5, 0.0], [0.5, 0.25, 0.25]);
        for (found, expected) in mixing.iter().zip([a, b, a, b, a].as_flattened()) {
            assert!((found - expected).abs() < 1e-3, "{mixing:?}");
        }
        let missing = Samples { targets: &[], ..samples };
        let refused = Start::Matched
            .apply(&Device::cpu(), &settings, missing, &mut state, &mut |_, _| {})
            .await;
        assert!(matches!(refused, Err(Error::Shape { .. })));
    });
}

#[test]
fn other_encoders_and_one_point_are_no_trouble() {
    pollster::block_on(async {
        for encoder in EncoderKind::NAMED.into_iter().filter(|kind| *kind != EncoderKind::Identity)
        {
            let model =
                ModelSettings { concepts: Some(6), encoder: Some(encoder), ..Default::default() };
            let settings = model.resolve(D, 1).unwrap();
            let state = started(&settings, &rows(1), &rows(30)).await;
            assert!(state.iter().all(|(_, tensor)| tensor.values.iter().all(|v| v.is_finite())));
        }
        let free =
            ModelSettings { model: Some(ModelKind::Jump), concepts: Some(6), ..Default::default() };
        let settings = free.resolve(D, 0).unwrap();
        let state = started(&settings, &[], &rows(30)).await;
        assert!(state.values(encoder::WEIGHT, &[6, D]).unwrap().iter().any(|&v| v != 0.0));
    });
}
