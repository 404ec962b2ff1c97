//! Every kind of dropout, its masks fixed by the seed.

use elman_nn::{Dropout, DropoutKind, LayerSpec, Loss, Mode, cell};

use crate::check::{Check, assert_exact, steps};

fn check(layers: Vec<LayerSpec>) -> Check {
    Check { mode: Mode::Train(11), ..Check::new(layers, Loss::CrossEntropy, steps) }
}

#[test]
fn every_kind_in_every_cell() {
    for kind in [DropoutKind::NonRecurrent, DropoutKind::Ordinary, DropoutKind::Variational, DropoutKind::Weights] {
        // A U of low rank, which is a product, has no elements to drop.
        let whole = |name: &&str| kind != DropoutKind::Weights || cell::base(name) == *name;
        for variant in cell::variant_names().filter(whole) {
            let layers = vec![
                LayerSpec::cell(variant, 4).with_dropout(0.4, kind),
                LayerSpec::bidirectional(variant, 3).with_dropout(0.3, kind),
                LayerSpec::dense(2),
            ];
            assert_exact(&format!("{variant} {kind:?}"), check(layers));
        }
    }
}

#[test]
fn between_layers() {
    for variational in [false, true] {
        let layers = vec![
            LayerSpec::cell("gru", 4),
            LayerSpec::from(Dropout { rate: 0.3, variational }),
            LayerSpec::dense(4),
            LayerSpec::from(Dropout { rate: 0.2, variational }),
            LayerSpec::dense(2),
        ];
        assert_exact(&format!("variational {variational}"), check(layers));
    }
}
