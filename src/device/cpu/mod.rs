//! Plain Rust: the fallback where there is no GPU, and the oracle of the tests.

/// The CPU backend: all cores, no state.
#[derive(Debug)]
pub struct Cpu;

impl Cpu {
    pub(crate) fn name(&self) -> String {
        format!("CPU, {} threads", rayon::current_num_threads())
    }
}
