//! `cargo xtask VERB`: what developers and CI run.
//!
//! This program is small, so that it starts soon. `elman-bench` measures; it is built when one of its verbs is used.
#![forbid(unsafe_code)]

mod bench;
mod boards;
mod build;
mod coverage;
mod cuts;
mod demo;
mod flags;
mod fuzz;
mod import;
mod kills;
mod large_corpus;
mod mpi;
mod prove;
mod release;
mod rp2040;
mod setup;
mod stages;
mod studio;
mod test;

use anyhow::Result;
use flags::Flags;
use std::process::ExitCode;

/// A verb and what it does.
struct Verb {
    /// Its words, as they are typed.
    name: &'static str,
    /// A line for the list.
    help: &'static str,
    /// Its flags, for `--help`; empty where [`Run::Bench`] prints its own.
    flags: &'static str,
    run: Run,
}

enum Run {
    /// Here.
    Here(fn(Flags) -> Result<ExitCode>),
    /// In `elman-bench`, with all that follows.
    Bench,
}

const VERBS: &[Verb] = &[
    Verb {
        name: "demo",
        help: "Train, quantize and verify on bundled recordings: `cargo xtask demo`",
        flags: demo::FLAGS,
        run: Run::Here(demo::run),
    },
    Verb {
        name: "setup",
        help: "Install what firmware needs: thumb targets and QEMU: `cargo xtask setup --yes`",
        flags: setup::FLAGS,
        run: Run::Here(setup::run),
    },
    Verb {
        name: "test",
        help: "Everything that CI checks: `cargo xtask test --yes`",
        flags: test::FLAGS,
        run: Run::Here(test::run),
    },
    Verb {
        name: "boards",
        help: "Build the firmware of every board: `cargo xtask boards --only pico`",
        flags: boards::FLAGS,
        run: Run::Here(boards::run),
    },
    Verb {
        name: "fuzz",
        help: "Fuzz loader, steps and round trips: `cargo xtask fuzz --short`",
        flags: fuzz::FLAGS,
        run: Run::Here(fuzz::run),
    },
    Verb {
        name: "coverage",
        help: "Count the regions of the core that the fuzz corpus runs: `cargo xtask coverage`",
        flags: coverage::FLAGS,
        run: Run::Here(coverage::run),
    },
    Verb {
        name: "prove",
        help: "Prove the arithmetic over all inputs: `cargo xtask prove`",
        flags: prove::FLAGS,
        run: Run::Here(prove::run),
    },
    Verb {
        name: "release",
        help: "Check licences, dependencies, packages and reproducible firmware: `cargo xtask release`",
        flags: release::FLAGS,
        run: Run::Here(release::run),
    },
    Verb {
        name: "reliability",
        help: "Write the tables of docs/reliability.md from its data and the ledger of fuzzing: `cargo xtask reliability`",
        flags: "",
        run: Run::Here(|_| fuzz::write_docs()),
    },
    Verb {
        name: "cuts",
        help: "Cut the supply at every operation of a model's update: `cargo xtask cuts`",
        flags: cuts::FLAGS,
        run: Run::Here(cuts::run),
    },
    Verb {
        name: "sweep-kill",
        help: "Kill workers of a sweep at random moments: `cargo xtask sweep-kill`",
        flags: kills::FLAGS,
        run: Run::Here(kills::sweep),
    },
    Verb {
        name: "kills",
        help: "Kill training, quantizing and calibrating at random moments: `cargo xtask kills`",
        flags: kills::FLAGS,
        run: Run::Here(kills::commands),
    },
    Verb {
        name: "large-corpus",
        help: "Memory and speed of training on more clips than memory takes: `cargo xtask large-corpus`",
        flags: large_corpus::FLAGS,
        run: Run::Here(large_corpus::run),
    },
    Verb {
        name: "mpi",
        help: "Compare training over MPI with one process, bit for bit: `cargo xtask mpi --ranks 1,2,4`",
        flags: mpi::FLAGS,
        run: Run::Here(mpi::run),
    },
    Verb {
        name: "import",
        help: "Read models of PyTorch, ONNX and Keras: `cargo xtask import --python venv/bin/python`",
        flags: import::FLAGS,
        run: Run::Here(import::run),
    },
    Verb {
        name: "studio",
        help: "Build the page of `elman studio` and its core, test it in Chromium: `cargo xtask studio --check`",
        flags: studio::FLAGS,
        run: Run::Here(studio::run),
    },
    Verb {
        name: "bench build",
        help: "Time builds from nothing and after a change: `cargo xtask bench build --check`",
        flags: build::FLAGS,
        run: Run::Here(build::run),
    },
    bench("bench mcu", "Count instructions per step on emulated cores: `cargo xtask bench mcu --all --check`"),
    bench(
        "bench profile",
        "Count a keyword spotter's step by its parts on the emulated M4: `cargo xtask bench profile --check`",
    ),
    bench("bench worst", "Compare the longest step with the shortest: `cargo xtask bench worst --cores m4 --check`"),
    bench("bench costs", "Count the costs that `elman inspect` estimates with: `cargo xtask bench costs --write`"),
    bench(
        "bench detect",
        "Misses and false accepts of hours of streams: `cargo xtask bench detect --data ~/data --check`",
    ),
    bench("bench words", "Words that were typed, on clips of people: `cargo xtask bench words --data ~/data`"),
    bench("bench listen", "Count what listening takes of a chip at 16 kHz: `cargo xtask bench listen --check`"),
    bench("bench eval", "Integer steps a second on the host: `cargo xtask bench eval --check`"),
    bench("bench train", "Compare training steps with PyTorch's: `cargo xtask bench train --check`"),
    bench("bench accuracy", "Time until the same accuracy as PyTorch's: `cargo xtask bench accuracy --data ~/data`"),
    bench(
        "bindings",
        "Check the bindings for C and Python, on this machine and on five emulated cores: `cargo xtask bindings`",
    ),
    bench(
        "bitexact",
        "Compare every state of 1e5 steps per cell and core with the host's: `cargo xtask bitexact --cores m4`",
    ),
    bench(
        "combinations",
        "Train, quantize and run every legal combination of layers on the M4: `cargo xtask combinations --every 10`",
    ),
    bench("recipes", "Train recipes on real data with several seeds: `cargo xtask recipes --data ~/data`"),
    bench(
        "frontier",
        "Show accuracy against flash and instructions over cells, widths and bits of weights: `cargo xtask frontier --data ~/data`",
    ),
    bench(
        "odd-recipes",
        "Train recipes with odd values: none may panic, abort or hang: `cargo xtask odd-recipes --every 10`",
    ),
    bench("panics", "Prove by the linker that no panic is reachable in the inference firmware: `cargo xtask panics`"),
    bench("no-mul64", "Show that no step on the Cortex-M0 multiplies 64 bits: `cargo xtask no-mul64`"),
    bench("size", "Measure flash and RAM of an inference firmware: `cargo xtask size --check`"),
];

const fn bench(name: &'static str, help: &'static str) -> Verb {
    Verb { name, help, flags: "", run: Run::Bench }
}

fn help() {
    println!("What developers and CI run\n\nUsage: cargo xtask VERB [FLAGS]\n\nVerbs:");
    for verb in VERBS {
        println!("  {:<14} {}", verb.name, verb.help);
    }
    println!("\n`cargo xtask VERB --help` lists a verb's flags.");
}

/// The verb that begins `words`, and how many words it has.
fn find(words: &[String]) -> Option<(&'static Verb, usize)> {
    VERBS.iter().find_map(|verb| {
        let name: Vec<&str> = verb.name.split(' ').collect();
        let typed = words.iter().take(name.len()).map(String::as_str);
        typed.eq(name.iter().copied()).then_some((verb, name.len()))
    })
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some((verb, length)) = find(&words) else {
        help();
        return match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] | ["help"] | ["--help" | "-h"] | ["bench"] | ["bench", "--help" | "-h"] => ExitCode::SUCCESS,
            _ => {
                eprintln!("error: there is no verb `{}`", words.join(" "));
                ExitCode::from(2)
            }
        };
    };
    let rest = &words[length..];
    let result = match verb.run {
        Run::Bench => bench::run(&words),
        Run::Here(_) if rest.iter().take_while(|w| *w != "--").any(|w| w == "--help" || w == "-h") => {
            println!("{}\n\nUsage: cargo xtask {} [FLAGS]\n\nFlags:\n{}", verb.help, verb.name, verb.flags);
            return ExitCode::SUCCESS;
        }
        Run::Here(run) => run(Flags::new(rest)),
    };
    result.unwrap_or_else(|e| {
        eprintln!("error: {e:#}");
        ExitCode::from(if e.is::<flags::Wrong>() { 2 } else { 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_found_by_all_their_words() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let found = |text: &str| find(&words(text)).map(|(verb, length)| (verb.name, length));
        assert_eq!(found("bench mcu --check"), Some(("bench mcu", 2)));
        assert_eq!(found("boards"), Some(("boards", 1)));
        assert_eq!(found("bench"), None);
        assert_eq!(found("bench nothing"), None);
    }
}
