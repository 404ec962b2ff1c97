//! Every cell, in every place and direction.

use elman_nn::{Batch, LayerSpec, Loss, Over, Pool, Target, Workspace, cell};

use crate::check::{Check, INPUTS, LENGTHS, Random, assert_exact, steps};

#[test]
fn every_cell_with_an_output_per_step() {
    for variant in cell::variant_names() {
        let layers = vec![LayerSpec::cell(variant, 5), LayerSpec::dense(2)];
        assert_exact(variant, Check::new(layers, Loss::CrossEntropy, steps));
    }
}

#[test]
fn every_cell_stacked_below_each_pool() {
    for variant in cell::variant_names() {
        for over in Over::ALL {
            let layers = vec![
                LayerSpec::cell(variant, 4),
                // An even width, of what is projected too.
                LayerSpec::cell(variant, 2).with_rank(if cell::base(variant) == variant { 0 } else { 2 }),
                LayerSpec::from(Pool { over }),
                LayerSpec::dense(3),
            ];
            let check = Check::new(layers, Loss::CrossEntropy, |n| Target::Class(n as u32 % 3));
            assert_exact(&format!("{variant} {over:?}"), check);
        }
    }
}

#[test]
fn every_cell_in_both_directions() {
    for variant in cell::variant_names() {
        let layers = vec![
            LayerSpec::dense(3),
            LayerSpec::bidirectional(variant, 4),
            LayerSpec::bidirectional(variant, 3),
            LayerSpec::dense(2),
        ];
        assert_exact(variant, Check::new(layers, Loss::CrossEntropy, steps));
        let ends = Pool { over: Over::Ends }.into();
        let layers = vec![LayerSpec::bidirectional(variant, 4), ends, LayerSpec::dense(2)];
        assert_exact(variant, Check::new(layers, Loss::CrossEntropy, |n| Target::Class(n as u32 % 2)));
        let pooled = vec![LayerSpec::bidirectional(variant, 4), LayerSpec::from(Pool { over: Over::Mean })];
        let check = Check::new(pooled, Loss::CrossEntropy, |n| Target::Class(n as u32 % 4));
        assert_exact(&format!("{variant} pooled"), check);
    }
}

/// A sequence's share of the gradient does not depend on its company.
#[test]
fn sequences_do_not_see_each_other() {
    let layers = vec![LayerSpec::cell("gru", 5), LayerSpec::dense(2)];
    let check = Check::new(layers.clone(), Loss::CrossEntropy, steps);
    let (_, together) = check.gradient(&mut Workspace::default());
    let mut apart = vec![0.0; together.len()];
    let mut random = Random(3);
    // Skips what moved the parameters.
    (0..together.len()).for_each(|_| {
        random.next();
    });
    for (length, target) in LENGTHS.iter().zip(&check.targets) {
        let frames: Vec<f64> = (0..length * INPUTS).map(|_| 1.5 * random.next()).collect();
        let mut batch = Batch::default();
        batch.fill(&[&frames[..]], INPUTS);
        check.network.gradient(&batch, &[target], check.pass(), &mut Workspace::default(), &mut apart);
    }
    for (a, b) in together.iter().zip(&apart) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }
}
