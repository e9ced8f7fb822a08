//! What is known of the machine: for who reads the figures elsewhere.

use serde::Serialize;

/// The machine that measured, and how busy it was.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Of the processor, as the system calls it.
    pub cpu: Option<String>,
    /// Threads that can run at once.
    pub threads: usize,
    /// Instruction sets that the kernels choose between.
    pub features: Vec<String>,
    /// Mean number of running programs over the last minute, at the start: above 0 the machine was not quiet.
    pub load: Option<f64>,
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        let load = std::fs::read_to_string("/proc/loadavg").ok();
        Self {
            cpu: cpu(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            features: crate::devices::cpu_features(),
            load: load.and_then(|load| load.split_whitespace().next()?.parse().ok()),
        }
    }

    /// In a line.
    pub fn text(&self) -> String {
        let Self { cpu, threads, features, load } = self;
        let cpu = cpu.as_deref().unwrap_or("CPU");
        let load = load.map_or(String::new(), |load| format!(", load {load:.1} at the start"));
        format!("{cpu}, {threads} threads, {}{load}", features.join(" "))
    }
}

fn cpu() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Lets the peak begin anew. `None` where the system does not count it.
pub fn reset_peak() -> Option<()> {
    // "5" resets the peak of the resident set: proc(5).
    std::fs::write("/proc/self/clear_refs", "5").ok()
}

/// The most memory that this process has held since [`reset_peak`], in bytes; what its GPU holds of its own is not in it.
pub fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}
