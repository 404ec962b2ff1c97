//! A file of another program: an error, or a network whose weights are finite.

use elman_import::{Asked, Outputs, from_bytes};

/// Reads it, and makes the network.
pub fn read(file: &[u8]) {
    let Ok(imported) = from_bytes(file, &Asked::default()) else { return };
    for outputs in [Outputs::Classes, Outputs::Values] {
        if let Ok(network) = imported.network(outputs) {
            assert_eq!(network.spec().check(), Ok(()));
        }
    }
}
