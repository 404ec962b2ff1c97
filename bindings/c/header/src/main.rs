//! Writes include/elman.h from the sources of elman-c, or with `--check` fails where the file is another.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = folder.join("include/elman.h");
    let written = cbindgen::Config::from_file(folder.join("cbindgen.toml"))
        .map_err(|e| e.to_string())
        .and_then(|config| {
            let builder = cbindgen::Builder::new().with_config(config);
            let sources = ["error", "parts", "model", "scaling", "stream", "listener", "sequence"];
            let builder =
                sources.iter().fold(builder, |builder, name| builder.with_src(folder.join(format!("src/{name}.rs"))));
            builder.generate().map_err(|e| e.to_string())
        })
        .map(|bindings| {
            let mut text = Vec::new();
            bindings.write(&mut text);
            // What cbindgen keeps of Rust's comments, in the words of C.
            String::from_utf8_lossy(&text).replace(" *\n * # Safety\n * ", " * @pre ")
        });
    let now = std::fs::read_to_string(&path).unwrap_or_default();
    match written {
        Err(e) => eprintln!("elman.h cannot be written: {e}"),
        Ok(text) if text == now => return ExitCode::SUCCESS,
        Ok(_) if std::env::args().any(|a| a == "--check") => {
            eprintln!("{} is not current: run `cargo xtask bindings --header`", path.display());
        }
        Ok(text) => match std::fs::write(&path, text) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(e) => eprintln!("{}: {e}", path.display()),
        },
    }
    ExitCode::FAILURE
}
