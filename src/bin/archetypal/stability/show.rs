//! The table.

use super::{Report, arms::Kind, measure::Line};
use crate::text;
use std::fmt::Write;

/// Every figure with its formula.
pub const MEANINGS: &[(&str, &str)] = &[
    (
        "stability",
        "mean cosine of the atoms of two seeds, matched one to one so that it is largest",
    ),
    ("at start", "the same before training"),
    ("≥ 0.9", "share of matched atoms with such a cosine"),
    ("R²", "1 − Σ(x − x̂)² / Σ(x − mean of its dimension)²"),
    ("dead", "share of concepts that fire in no row"),
    ("OOD", "1 − mean over the atoms of the largest cosine to a row of the data"),
    ("L0", "mean number of active codes a row"),
    ("centred", "stability of the atoms at length 1 less their mean"),
    ("coherence", "largest |cosine| of two atoms of one dictionary"),
    ("stable rank", "‖D‖²_F / σ₁², σ₁ the largest singular value"),
    ("effective rank", "exp(−Σ p ln p), p = σ / Σσ over the singular values of D"),
    ("connectivity", "1 − ‖ZᵀZ‖₀ / K², the share of pairs of concepts that never fire in one row"),
    ("negative interference", "‖relu(−(ZᵀZ / rows) ∘ (D Dᵀ))‖_F with atoms of length 1"),
];

/// A line for each arm, what stands out, and what the figures are.
pub fn table(report: &Report) -> String {
    let mut out = format!(
        "\n{:<36} {:<12} {:>9} {:>9} {:>7} {:>8} {:>7} {:>7} {:>7}\n",
        "model", "points", "stability", "at start", "≥ 0.9", "R²", "dead", "OOD", "L0"
    );
    for line in &report.lines {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{:<36} {:<12} {:>9.3} {:>9.3} {:>7} {:>8} {:>7} {:>7.3} {:>7.1}",
            line.kind.title(),
            line.points.title(),
            line.stability,
            line.stability_at_start,
            text::percent(line.share_above_0_9),
            line.r2.map_or("–".into(), |r2| format!("{r2:.4}")),
            text::percent(line.dead_share),
            line.ood,
            line.l0,
        );
    }
    let _ = writeln!(
        out,
        "\n{:<36} {:<12} {:>9} {:>9} {:>7} {:>8} {:>7} {:>7}",
        "", "", "centred", "coherence", "stable", "eff.", "connec-", "interf-"
    );
    let _ = writeln!(
        out,
        "{:<36} {:<12} {:>9} {:>9} {:>7} {:>8} {:>7} {:>7}",
        "", "", "", "", "rank", "rank", "tivity", "erence"
    );
    for line in &report.lines {
        let optional = |value: Option<f64>| value.map_or("–".into(), |v| format!("{v:.3}"));
        let _ = writeln!(
            out,
            "{:<36} {:<12} {:>9.3} {:>9.3} {:>7.1} {:>8.1} {:>7} {:>7}",
            line.kind.title(),
            line.points.title(),
            line.stability_centred,
            line.coherence,
            line.stable_rank,
            line.effective_rank,
            optional(line.connectivity),
            optional(line.negative_interference),
        );
    }
    let _ = writeln!(
        out,
        "\nMeans over {} seeds and their pairs. Stability: mean cosine of matched atoms; ≥ 0.9: share of matched atoms with such a \
         cosine; centred: of atoms less their mean. --help has every formula.",
        report.seeds.len()
    );
    if let Some(judged) = judged_on(report) {
        let _ = writeln!(out, "{judged}");
    }
    out + &verdict(report)
}

/// Which rows the figures are of, where these are others than were trained on.
pub fn judged_on(report: &Report) -> Option<String> {
    let judge = report.judged_on.as_ref()?;
    Some(format!(
        "All figures but stability, coherence and ranks are those of {} rows that are not trained on: {}.",
        text::count(judge.rows as u64),
        judge.data
    ))
}

/// What every figure means, for --help.
pub fn definitions() -> String {
    let mut out = String::from("Figures, in the space of the normalised data:\n");
    for (name, meaning) in MEANINGS {
        let _ = write!(out, "\n  {name}\n      {meaning}\n");
    }
    out
}

/// Where the archetypal model stands beside the free one from the same points.
pub fn verdict(report: &Report) -> String {
    let mut out = String::new();
    for ours in report.lines.iter().filter(|line| line.kind == Kind::Archetypal) {
        for kind in [Kind::FreeAtPoints, Kind::FreeMatched] {
            let same = |line: &&Line| line.kind == kind && line.points == ours.points;
            let Some(theirs) = report.lines.iter().find(same) else { continue };
            let percent = text::percent;
            let figure = |value: f64| format!("{value:.3}");
            let r2 = |line: &Line| line.r2.map_or("–".into(), figure);
            // What looks the same is the same.
            let least = |a: f64, b: f64| (1000.0 * a).round() >= (1000.0 * b).round();
            let r2_of = |line: &Line| line.r2.unwrap_or(f64::NEG_INFINITY);
            // The name of a figure, whether it is not behind, and both values.
            let compared = [
                ("R²", least(r2_of(ours), r2_of(theirs)), r2(ours), r2(theirs)),
                (
                    "dead concepts",
                    least(theirs.dead_share, ours.dead_share),
                    percent(ours.dead_share),
                    percent(theirs.dead_share),
                ),
                (
                    "stability",
                    least(ours.stability, theirs.stability),
                    figure(ours.stability),
                    figure(theirs.stability),
                ),
                ("OOD", least(theirs.ood, ours.ood), figure(ours.ood), figure(theirs.ood)),
            ];
            let named = |ahead: bool| -> Vec<String> {
                let of = compared.iter().filter(|(_, is, _, _)| *is == ahead);
                of.map(|(name, _, a, b)| format!("{name} {a} (to {b})")).collect()
            };
            let (ahead, behind) = (named(true).join(", "), named(false).join(", "));
            let _ = write!(
                out,
                "With {} points, archetypal beside {}: ",
                ours.points.title(),
                kind.title()
            );
            let _ = match (ahead.is_empty(), behind.is_empty()) {
                (_, true) => writeln!(out, "not behind on any of {ahead}."),
                (true, _) => writeln!(out, "behind on {behind}."),
                _ => writeln!(out, "not behind on {ahead}; behind on {behind}."),
            };
        }
    }
    out
}
