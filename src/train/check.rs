//! Whether a gradient is the derivative of its loss, by finite differences.

use super::Trainer;
use crate::{
    error::{Error, Result},
    sae::Group,
};

/// What was found for one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientCheck {
    /// The parameter's name.
    pub parameter: &'static str,
    /// The gradient along the direction that was tried.
    pub slope: f64,
    /// The change of the loss along it, (loss(p + h·v) − loss(p − h·v)) / 2h or one half of it, for the step h that came
    /// nearest.
    pub measured: f64,
    /// |measured − slope| / |slope|, or over the least slope that a float32 loss can show if that is larger.
    pub error: f64,
}

/// Steps along the direction. Small ones drown in the rounding of a float32 loss, large ones change which codes are
/// active, and where such a change lies beside p itself, only the other side tells the derivative: the best counts, for
/// a wrong derivative is wrong at each.
const STEPS: [f32; 8] = [5e-1, 2e-2, 6e-3, 2e-3, 6e-4, 2e-4, 6e-5, 2e-5];

/// Slopes below this share of the loss are measured against it: over the largest step what is lost to rounding, up to
/// 1e-6 of the loss, looks like a slope of 2e-6 of it. That is all there is of a bias that a norm takes away again.
const VISIBLE: f64 = 5e-4;

/// Compares the gradient of every parameter but the thresholds, whose gradient is a stand-in by design, with
/// differences of the loss on one batch, [B, d] row by row. The direction is mostly the gradient's own and partly
/// spread over all values, so that a part that is missing shows too. The model is left as it was.
///
/// Use it on any encoder or loss of your own; a relative error above `tolerance` (1e-2 is a good one) is an error.
/// Parameters that the loss does not depend on must have a gradient of zero. A term that detaches a part of itself, as
/// [`AuxK`](super::terms::AuxK) does, is not its gradient's integral and cannot pass.
///
/// # Errors
/// [`Error::Setting`] naming the first parameter whose gradient is wrong; [`Error::Device`].
pub async fn check_gradients(
    trainer: &mut Trainer,
    batch: &[f32],
    tolerance: f64,
) -> Result<Vec<GradientCheck>> {
    let gradients = trainer.gradients(batch).await?;
    let mut checks = Vec::new();
    for (index, gradient) in gradients.iter().enumerate() {
        let parameter = trainer.sae().parameters()[index];
        let name = parameter.name;
        if parameter.group == Group::Thresholds {
            continue;
        }
        let direction = direction(gradient);
        let slope: f64 =
            gradient.iter().zip(&direction).map(|(g, v)| f64::from(*g) * f64::from(*v)).sum();
        let start = parameter.value.read().await?;
        let loss = f64::from(trainer.loss(batch).await?);
        let visible = (VISIBLE * loss.abs()).max(f64::from(f32::MIN_POSITIVE));
        let mut best =
            GradientCheck { parameter: name, slope, measured: f64::NAN, error: f64::MAX };
        for step in STEPS {
            let mut sides = [0.0; 2];
            for (side, step) in sides.iter_mut().zip([step, -step]) {
                let moved: Vec<f32> =
                    start.iter().zip(&direction).map(|(p, v)| p + step * v).collect();
                trainer.sae.parameters_mut()[index].value.write(&moved);
                *side = (f64::from(trainer.loss(batch).await?) - loss) / f64::from(step);
            }
            for measured in [0.5 * (sides[0] + sides[1]), sides[0], sides[1]] {
                let error = (measured - slope).abs() / slope.abs().max(visible);
                if error < best.error {
                    best = GradientCheck { measured, error, ..best };
                }
            }
        }
        trainer.sae.parameters_mut()[index].value.write(&start);
        if best.error.is_nan() || best.error > tolerance {
            return Err(Error::setting(
                name,
                format!("a gradient of {slope:.4e} along a direction"),
                format!("{:.4e}, as the loss changes along it", best.measured),
                "The derivative of a term of the loss, or of the encoder, is wrong.",
            ));
        }
        checks.push(best);
    }
    Ok(checks)
}

/// Mostly along the gradient, for a slope that stands out; partly anywhere.
fn direction(gradient: &[f32]) -> Vec<f32> {
    let norm = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
    let unit = if norm > 0.0 { (1.0 / norm) as f32 } else { 0.0 };
    let spread = 0.5 / (gradient.len() as f32).sqrt();
    // The fractional parts of multiples of the golden ratio: even, and the same everywhere.
    let scattered = |i: usize| (i as f64 * 0.618_033_988_749_895).fract() as f32 * 2.0 - 1.0;
    gradient.iter().enumerate().map(|(i, g)| g * unit + spread * scattered(i + 1)).collect()
}
