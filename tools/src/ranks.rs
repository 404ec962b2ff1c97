//! The processes of one training run: this one alone, or all that `mpirun` started.

use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use elman_recipe::{Recipe, Usage};
use elman_train::{Alone, Ranks};

/// Variables by which launchers of MPI programs say how many processes there are.
const SIZES: [&str; 4] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "MPI_LOCALNRANKS"];

/// How many processes a launcher says there are.
fn launched() -> Option<usize> {
    SIZES.iter().find_map(|name| std::env::var(name).ok()?.trim().parse().ok())
}

/// The ranks of this run.
///
/// # Errors
/// Where a launcher started several processes of a program that was built without MPI, or MPI does not start.
pub fn begin() -> Result<Arc<dyn Ranks>> {
    match launched() {
        None => Ok(Arc::new(Alone)),
        Some(count) => start(count),
    }
}

#[cfg(feature = "mpi")]
fn start(_: usize) -> Result<Arc<dyn Ranks>> {
    Ok(Arc::new(crate::mpi::Mpi::start()?))
}

#[cfg(not(feature = "mpi"))]
fn start(count: usize) -> Result<Arc<dyn Ranks>> {
    if count > 1 {
        bail!(Usage(format!(
            "{count} processes were started by mpirun, but this elman was built without MPI: build it with --features mpi, see \
             docs/scale.md"
        )));
    }
    Ok(Arc::new(Alone))
}

/// Files of rank 0 by their names, on all ranks.
///
/// # Errors
/// Where a rank is gone.
pub fn share(ranks: &dyn Ranks, own: Vec<(String, Vec<u8>)>) -> Result<Vec<(String, Vec<u8>)>> {
    let own = if ranks.rank() == 0 { own } else { Vec::new() };
    let all = ranks.gather(postcard::to_stdvec(&own)?).map_err(anyhow::Error::msg)?;
    let Some(first) = all.first() else { bail!("there is no rank 0") };
    Ok(postcard::from_bytes(first)?)
}

/// Checks that all ranks have the same recipe and the same data.
///
/// # Errors
/// With the ranks that differ.
pub fn agree(ranks: &dyn Ranks, recipe: &Recipe, fingerprint: u64) -> Result<()> {
    if ranks.count() == 1 {
        return Ok(());
    }
    let mut recipe = recipe.clone();
    (recipe.train.threads, recipe.train.recompute, recipe.skip_bad) = (0, false, false);
    let text = format!("{fingerprint:016x}\n{}", recipe.to_toml()?);
    let all = ranks.gather(text.into_bytes()).map_err(anyhow::Error::msg)?;
    let others: Vec<String> = (1..all.len()).filter(|&k| all[k] != all[0]).map(|k| k.to_string()).collect();
    ensure!(
        others.is_empty(),
        Usage(format!(
            "rank {} has another recipe or other data than rank 0; give all machines the same files and flags",
            others.join(", ")
        ))
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ranks whose answers are given.
    #[derive(Debug)]
    struct Fixed(Vec<Vec<u8>>);

    impl Ranks for Fixed {
        fn rank(&self) -> usize {
            0
        }
        fn count(&self) -> usize {
            self.0.len() + 1
        }
        fn gather(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, String> {
            Ok([own].into_iter().chain(self.0.iter().cloned()).collect())
        }
        fn exchange(&self, parts: Vec<Vec<f32>>, _: &[usize]) -> Result<Vec<Vec<f32>>, String> {
            Ok(parts)
        }
    }

    #[test]
    fn files_come_from_rank_0_and_a_rank_with_other_data_is_named() {
        let files = vec![("a".to_owned(), vec![1, 2]), ("b".to_owned(), Vec::new())];
        assert_eq!(share(&Fixed(vec![vec![0], vec![0]]), files.clone()).unwrap(), files);
        let error = agree(&Fixed(vec![b"x".to_vec()]), &Recipe::default(), 7).unwrap_err().to_string();
        assert!(error.starts_with("rank 1 has another recipe or other data"), "{error}");
        agree(&Alone, &Recipe::default(), 7).unwrap();
    }
}
