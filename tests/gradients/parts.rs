//! Every encoder, dictionary, selection and term of a loss, by `check_gradients`.

use crate::{
    common::devices,
    models::{BATCH_TOP_K, TOP_K, WIDTH, check, narrow_jump, settings, trainer},
};
use archetypal::sae::{DictionaryKind, EncoderKind, Normalization, SaeSettings};

#[test]
fn every_encoder() {
    for device in devices("every_encoder") {
        for (encoder, encoder_bias) in [
            (EncoderKind::Linear, false),
            (EncoderKind::Untied, false),
            (EncoderKind::Untied, true),
            (EncoderKind::Tied, false),
            (EncoderKind::Tied, true),
            (EncoderKind::Identity, false),
            (EncoderKind::MlpLn1, false),
            (EncoderKind::MlpLn3, false),
            (EncoderKind::MlpBn1, false),
            (EncoderKind::MlpBn3, false),
        ] {
            for selection in [TOP_K, narrow_jump()] {
                let mut settings = SaeSettings { encoder, encoder_bias, ..settings(selection) };
                if encoder == EncoderKind::Identity {
                    settings.nb_concepts = WIDTH;
                }
                let sparse = matches!(
                    encoder,
                    EncoderKind::Linear | EncoderKind::Untied | EncoderKind::Identity
                );
                let what = format!("{encoder:?}, bias {encoder_bias}, {selection:?}");
                let paths = if sparse { 3 } else { 1 };
                check(&what, trainer(&device, &settings, "mse"), paths);
            }
        }
    }
}

#[test]
fn every_dictionary() {
    let mut kinds = vec![settings(TOP_K).dictionary];
    kinds.extend(Normalization::ALL.map(|normalization| DictionaryKind::Free { normalization }));
    for device in devices("every_dictionary") {
        for &dictionary in &kinds {
            let archetypal = dictionary == kinds[0];
            for use_multiplier in [true, false] {
                for selection in [TOP_K, narrow_jump(), BATCH_TOP_K] {
                    let settings =
                        SaeSettings { dictionary, use_multiplier, ..settings(selection) };
                    let what =
                        format!("{dictionary:?}, multiplier {use_multiplier}, {selection:?}");
                    let paths = match selection == BATCH_TOP_K {
                        true => 1,
                        false => 2 + usize::from(archetypal),
                    };
                    check(&what, trainer(&device, &settings, "mse"), paths);
                }
            }
        }
    }
}

/// Losses whose gradients reach no further than the codes, so that sparse ones serve.
const SPARSE: [&str; 7] = [
    "mse",
    "mse=0.3,l1=0.002",
    "mse,hoyer=0.5",
    "mse,kappa_4=-0.2",
    "mse,codes(v^2/(1+v^2))=2",
    "mse,codes(sqrt(v^2+0.1)-sqrt(0.1))",
    "mse,l1=0.001,hoyer=0.1,kappa_4=0.3,codes(1-cos(v))=-0.2",
];

/// Losses that look at more.
const DENSE: [&str; 12] = [
    "mse_elastic=0.3",
    "mse,auxiliary=0.5",
    "mse,reanimation=0.2",
    "mse,codes(exp(-v))=0.5",
    "mse,pre_codes(v^2)=0.1",
    "mse,pre_codes(tanh(v)+cos(v))=0.3",
    "residual(v^4)",
    "mse,residual(exp(0.5*v))=0.4",
    "residual(sqrt(v^2+0.01))",
    "mse,dictionary(v^4)=3",
    "mse,dictionary(sin(v))=0.5",
    "mse=0.5,auxiliary=0.2,reanimation=0.1,pre_codes(v^2)=0.1,dictionary(v*v)=0.2,residual(v^4)=0.3,l1=0.001,kappa_4=0.1",
];

#[test]
fn every_loss() {
    for device in devices("every_loss") {
        for selection in [TOP_K, narrow_jump()] {
            let settings = settings(selection);
            for loss in SPARSE {
                check(&format!("{loss}, {selection:?}"), trainer(&device, &settings, loss), 3);
            }
            for loss in DENSE {
                check(&format!("{loss}, {selection:?}"), trainer(&device, &settings, loss), 1);
            }
        }
    }
}

/// Where the gradients of encoder and loss both reach the dictionary, and where norms stand between.
#[test]
fn losses_with_other_parts() {
    for device in devices("losses_with_other_parts") {
        for encoder in [EncoderKind::Tied, EncoderKind::MlpBn3] {
            for selection in [TOP_K, narrow_jump(), BATCH_TOP_K] {
                let settings = SaeSettings { encoder, ..settings(selection) };
                for loss in [DENSE[1], DENSE[2], DENSE[DENSE.len() - 1], SPARSE[SPARSE.len() - 1]] {
                    let what = format!("{encoder:?}, {loss}, {selection:?}");
                    check(&what, trainer(&device, &settings, loss), 1);
                }
            }
        }
    }
}
