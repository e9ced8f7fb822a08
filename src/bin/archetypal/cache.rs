//! Where the program keeps what it can make again.

use std::{env, path::PathBuf};

/// Where the choice of kernels is kept; none where the user has no such folder or wants none.
pub fn autotune() -> Option<PathBuf> {
    let off = |value: String| matches!(value.as_str(), "off" | "0" | "false");
    if env::var("ARCHETYPAL_AUTOTUNE").is_ok_and(off) { None } else { folder() }
}

/// The user's folder, as the system has it.
fn folder() -> Option<PathBuf> {
    let variable = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|home| home.join("Library/Caches"))
    } else {
        variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))
    };
    caches.map(|caches| caches.join("archetypal"))
}
