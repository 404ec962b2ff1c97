//! Writes the seeds of the targets again: `cargo xtask fuzz --seeds`.

fn main() -> anyhow::Result<()> {
    elman_fuzz::seeds::write()
}
