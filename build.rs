//! Chooses the kernels. `cfg(target_feature = "dsp")` is invisible on stable, so the target's name decides.
fn main() {
    println!("cargo::rustc-check-cfg=cfg(elman_dsp, values(none(), \"cortex-m33\", \"cortex-m55\"))");
    println!("cargo::rustc-check-cfg=cfg(elman_layout, values(\"pairs\", \"rows\", \"columns\"))");
    println!("cargo::rustc-check-cfg=cfg(elman_columns)");
    println!("cargo::rustc-check-cfg=cfg(elman_avx2)");
    println!("cargo::rustc-check-cfg=cfg(elman_narrow)");
    println!("cargo::rustc-check-cfg=cfg(elman_saturates)");
    println!("cargo::rustc-check-cfg=cfg(elman_several)");
    println!("cargo::rustc-check-cfg=cfg(elman_assembly)");
    println!("cargo::rustc-check-cfg=cfg(fuzzing)");
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    // Armv7E-M always has the DSP extension; Armv8-M Mainline only on cores that say so, and Helium likewise.
    let mainline = target.starts_with("thumbv8m.main");
    let v8m = mainline && flags.contains("cortex-m33");
    let helium = mainline && (flags.contains("cortex-m55") || flags.contains("cortex-m85"));
    if target.starts_with("thumbv7em") || v8m {
        println!("cargo::rustc-cfg=elman_dsp");
        println!("cargo::rustc-cfg=elman_layout=\"pairs\"");
    } else if helium {
        println!("cargo::rustc-cfg=elman_dsp=\"cortex-m55\"");
        println!("cargo::rustc-cfg=elman_dsp");
        println!("cargo::rustc-cfg=elman_layout=\"rows\"");
    } else if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none") {
        println!("cargo::rustc-cfg=elman_layout=\"columns\"");
        if target.starts_with("thumb") {
            println!("cargo::rustc-cfg=elman_columns");
        }
        // Armv7-M and Armv8-M Mainline have SSAT and USAT also where they have no DSP extension.
        if target.starts_with("thumbv7m") || mainline {
            println!("cargo::rustc-cfg=elman_saturates");
        }
    } else if target.starts_with("x86_64") {
        println!("cargo::rustc-cfg=elman_avx2");
    }
    // Kernels in assembly, for bare metal.
    if target.starts_with("thumb") {
        println!("cargo::rustc-cfg=elman_assembly");
    }
    // Formats of weights besides int8.
    if ["CARGO_FEATURE_INT4", "CARGO_FEATURE_INT2"].iter().any(|name| std::env::var_os(name).is_some()) {
        println!("cargo::rustc-cfg=elman_several");
    }
    if v8m {
        println!("cargo::rustc-cfg=elman_dsp=\"cortex-m33\"");
    }
    // A product of 64 bits is a call on cores without one.
    if target.starts_with("thumbv6m") || target.starts_with("thumbv8m.base") {
        println!("cargo::rustc-cfg=elman_narrow");
    }
}
