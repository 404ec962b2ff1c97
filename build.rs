//! Chooses the kernel. `cfg(target_feature = "dsp")` is invisible on stable, so the target's name decides.
fn main() {
    println!("cargo::rustc-check-cfg=cfg(elman_dsp, values(none(), \"v8m\"))");
    println!("cargo::rustc-check-cfg=cfg(fuzzing)");
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    // Armv7E-M always has the DSP extension; Armv8-M Mainline only on cores that say so.
    let v8m = target.starts_with("thumbv8m.main") && flags.contains("cortex-m33");
    if target.starts_with("thumbv7em") || v8m {
        println!("cargo::rustc-cfg=elman_dsp");
    }
    if v8m {
        println!("cargo::rustc-cfg=elman_dsp=\"v8m\"");
    }
}
