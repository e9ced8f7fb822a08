//! `bindgen MODULE.wasm FOLDER NAME`: bindings for the web, as NAME.js, NAME.d.ts and NAME_bg.wasm in FOLDER.

use std::{env, process::ExitCode};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [module, folder, name] = arguments.as_slice() else {
        eprintln!("usage: bindgen MODULE.wasm FOLDER NAME");
        return ExitCode::from(2);
    };
    match generate(module, folder, name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bindgen: {message}");
            ExitCode::FAILURE
        }
    }
}

fn generate(module: &str, folder: &str, name: &str) -> Result<(), String> {
    let failed = |error| format!("{module}: {error:#}");
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .out_name(name)
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        // The module is looked for beside the script, which is what bundlers understand.
        .omit_default_module_path(false);
    bindgen.web(true).map_err(failed)?;
    bindgen.generate(folder).map_err(failed)
}
