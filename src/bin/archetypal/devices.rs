//! `archetypal devices`.

use crate::{Context, failure::Outcome, output};
use archetypal::Device;
use serde::Serialize;
use serde_json::{Value, json};

/// List what can compute: the CPU and every GPU adapter, and which of them is taken
#[derive(clap::Args)]
pub struct Args {}

/// One line of the list; the adapters' own fields are named as here.
#[derive(Serialize)]
struct Line {
    name: String,
    backend: String,
    driver: String,
    #[serde(rename = "type")]
    kind: String,
    limits: Value,
    features: Vec<String>,
    /// Whether this program can use it.
    usable: bool,
    /// Whether `--backend auto` takes it.
    auto: bool,
}

pub async fn run(context: &Context, _: &Args) -> Outcome {
    let mut lines = adapters().await;
    // The list begins with the adapter that would be taken; software drivers are taken only when asked for.
    let taken = lines.iter().position(|line| line.usable && line.kind != "software");
    if let Some(taken) = taken {
        lines[taken].auto = true;
    }
    lines.push(cpu(taken.is_none()));
    if context.common.json {
        return output::print_json(&lines);
    }
    output::print(&lines.iter().map(describe).collect::<Vec<_>>().join("\n"))
}

fn cpu(auto: bool) -> Line {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    Line {
        name: Device::cpu().name(),
        backend: "cpu".into(),
        driver: format!("archetypal {}", env!("CARGO_PKG_VERSION")),
        kind: "cpu".into(),
        limits: json!({ "threads": threads }),
        features: cpu_features(),
        usable: true,
        auto,
    }
}

/// The instruction sets that the products choose between, and what makes shortlists for top-k.
pub fn cpu_features() -> Vec<String> {
    #[cfg(target_arch = "x86_64")]
    let found = [
        ("avx2", std::is_x86_feature_detected!("avx2")),
        ("fma", std::is_x86_feature_detected!("fma")),
        ("avx512f", std::is_x86_feature_detected!("avx512f")),
    ];
    #[cfg(target_arch = "aarch64")]
    let found = [("neon", true)];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let found: [(&str, bool); 0] = [];
    let found = found.into_iter().filter(|(_, has)| *has).map(|(name, _)| name.to_owned());
    let shortlists = archetypal::device::cpu::Cpu::shortlists();
    found.chain(shortlists.map(|by| format!("shortlists by {by}"))).collect()
}

#[cfg(feature = "gpu")]
async fn adapters() -> Vec<Line> {
    let adapters = archetypal::device::gpu::adapters().await;
    let line = |adapter: archetypal::device::AdapterChoice| Line {
        limits: serde_json::to_value(adapter.limits).unwrap_or_default(),
        name: adapter.name,
        backend: adapter.backend,
        driver: adapter.driver,
        kind: adapter.kind.into(),
        features: adapter.features,
        usable: adapter.usable,
        auto: false,
    };
    adapters.into_iter().map(line).collect()
}

#[cfg(not(feature = "gpu"))]
async fn adapters() -> Vec<Line> {
    Vec::new()
}

fn describe(line: &Line) -> String {
    let mut table = output::Table::new();
    table.row("type", line.kind.clone()).row("backend", line.backend.clone());
    table.row("driver", line.driver.clone());
    for (name, value) in line.limits.as_object().into_iter().flatten() {
        table.row(name.replace('_', " "), amount(name, value));
    }
    let mark = match (line.auto, line.usable) {
        (true, _) => "  ← --backend auto",
        (false, true) => "",
        (false, false) => "  (offers too little to be used)",
    };
    format!("{}{mark}\n{}{}", line.name, table.text(2), features(&line.features))
}

fn amount(name: &str, value: &Value) -> String {
    let bytes = name.contains("size");
    match value.as_u64() {
        Some(number) if bytes => archetypal::human_bytes(number),
        _ => value.to_string(),
    }
}

/// The features, wrapped at 80 columns.
fn features(names: &[String]) -> String {
    let mut lines = vec![String::from("  features ")];
    for name in names {
        if lines.last().is_some_and(|line| line.len() + 1 + name.len() > 78) {
            lines.push("           ".into());
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(name);
        }
    }
    lines.join("\n") + "\n"
}
