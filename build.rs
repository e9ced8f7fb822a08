//! Makes the list of the explorer page's files, which the command holds if it is built with the feature `page`.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// Where the page is, if not in web/explorer/dist.
const ELSEWHERE: &str = "ARCHETYPAL_PAGE_DIST";

fn main() {
    println!("cargo::rerun-if-env-changed={ELSEWHERE}");
    println!("cargo::rerun-if-changed=build.rs");
    let files = match env::var_os("CARGO_FEATURE_PAGE") {
        None => Vec::new(),
        Some(_) => page(),
    };
    let mut code = String::from("static FILES: &[(&str, &[u8])] = &[\n");
    for (name, path) in &files {
        code += &format!("    ({name:?}, include_bytes!({path:?})),\n");
    }
    code += "];\n";
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where"));
    fs::write(out.join("page.rs"), code).expect("cargo's folder can be written");
}

/// The names and places of the page's files. Without a page the build ends here, with what to do.
fn page() -> Vec<(String, PathBuf)> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where"));
    let dist = env::var_os(ELSEWHERE).map_or("web/explorer/dist".into(), PathBuf::from);
    let dist = root.join(dist);
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    let read = collect(&dist, "", &mut files);
    files.sort();
    if read.is_err() || !files.iter().any(|(name, _)| name == "index.html") {
        println!(
            "cargo::error=the feature `page` needs the explorer page, but there is no index.html in {}: run \
             scripts/build-web.sh first, or build without the feature",
            dist.display()
        );
    }
    files
}

/// Adds the files of `folder` and those of the folders in it.
fn collect(folder: &Path, within: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{within}{}", entry.file_name().to_string_lossy());
        // The sets that the page opens on by itself: whoever writes a page of an atlas has that atlas.
        if name == "sets" {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => collect(&entry.path(), &format!("{name}/"), files)?,
            false => files.push((name, entry.path())),
        }
    }
    Ok(())
}
