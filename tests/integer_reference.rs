//! The packed model against sums over the plain, unpacked rows: layout, kernels, loops and loader together.

use elman::arith::{Gate, Pre, Q};
use elman::blob::{Blob, Model};
use elman::cell::{Operands, Recurrence, StageKind, Unit, VariantSpec};
use elman::kernel::WeightFormat;
use elman_nn::cell;
use elman_quant::synthetic::{self, Drive};
use elman_quant::{IntegerLayer, IntegerModel, words_of};

/// One layer, evaluated from its rows with i64 sums.
struct Reference<'a> {
    layer: &'a IntegerLayer,
    spec: &'static VariantSpec,
    h: Vec<i16>,
    /// What recurrent products read where it is not h.
    p: Vec<i16>,
    long: Vec<i32>,
}

impl<'a> Reference<'a> {
    fn new(layer: &'a IntegerLayer) -> Self {
        let (_, _, spec) = elman::layer::named(&layer.variant).unwrap();
        let p = vec![0; spec.recurrent_width(layer.units, layer.params)];
        Reference { layer, spec, h: vec![0; layer.units], p, long: vec![0; spec.cells(layer.units, layer.params)] }
    }

    fn pre(&self, gate: usize, unit: usize, x: &[i16], h: &[i16]) -> Pre {
        let g = &self.layer.gates[gate];
        let dot = |w: &[i8], x: &[i16]| w.iter().zip(x).map(|(w, x)| *w as i64 * *x as i64).sum::<i64>();
        // x has more elements than a gate without W reads.
        let row = |w: &'a [i8], n: usize| if w.is_empty() { w } else { &w[unit * n..][..n] };
        let products = dot(row(&g.w, x.len()), x) + dot(row(&g.u, h.len()), h);
        let sum = g.bias[unit] as i64 + products * i64::from(self.layer.weights.unit());
        assert_eq!(sum, sum as i32 as i64, "the loader promised that this fits");
        Pre::from_bits(((sum * g.multiplier[unit] as i64 + (1 << 31)) >> 32) as i32)
    }

    fn step(&mut self, x: &[i16]) -> Vec<i16> {
        let l = self.layer;
        let q = Q { carried_frac: l.carried_frac, out_frac: l.out_frac };
        let cells = self.spec.cells(l.units, l.params);
        let mut stage_gates = vec![Gate::ZERO; cells];
        let (mut first, mut h) = (0, self.h.clone());
        h.resize(cells, 0);
        for (stage, table) in cell::stages::<f64>(&l.variant).expect("a layer with gates").iter().zip(self.spec.stages)
        {
            if table.kind == StageKind::Projection {
                self.p = self.projection(first, &h);
                continue;
            }
            // A second stage reads what the first made of h.
            let before = if self.spec.recurrence == Recurrence::State { h.clone() } else { self.p.clone() };
            for k in 0..cells {
                let pre: Vec<Pre> = (0..stage.gates()).map(|g| self.pre(first + g, k, x, &before)).collect();
                let mut peephole = [0, 1, 2].map(|g| l.diagonal.get(g * l.units + k).copied().unwrap_or(0));
                if self.spec.params.ends_with(&["zeta", "nu"]) {
                    let [zeta, nu] = [2, 1].map(|back| i32::from(l.params[self.spec.params.len() - back]));
                    peephole = [peephole[0], zeta << 15, nu << 14];
                }
                let (carried, stage_gate) = (self.long[k], stage_gates[k]);
                let mut unit = Unit { h: h[k], carried, second: 0, stage_gate, peephole };
                stage.integer(&self.of_cells(q), &pre, &mut unit);
                (h[k], self.long[k], stage_gates[k]) = (unit.h, unit.carried, unit.stage_gate);
            }
            first += stage.gates();
        }
        self.h = if self.spec.recurrence == Recurrence::Projected { self.p.clone() } else { h };
        self.h.clone()
    }

    /// The formats of the cells: of a projected LSTM, m is Q0.15.
    fn of_cells(&self, q: Q) -> Q {
        if self.spec.recurrence == Recurrence::Projected { Q { out_frac: 15, ..q } } else { q }
    }

    /// The rows of gate number `gate` over h.
    fn projection(&self, gate: usize, h: &[i16]) -> Vec<i16> {
        let l = self.layer;
        let [_, p_frac, ..] = l.params;
        let out_frac = if self.spec.recurrence == Recurrence::Projected { l.out_frac } else { p_frac as u8 };
        let of_row = |k| {
            let exact = f64::from(self.pre(gate, k, &[], h).to_bits()) / 2f64.powi(16 - i32::from(out_frac));
            (exact + 0.5).floor().clamp(-32_768.0, 32_767.0) as i16
        };
        (0..l.gates[gate].bias.len()).map(of_row).collect()
    }
}

fn check(model: &IntegerModel, steps: usize, seed: u64) {
    let blob = words_of(&model.to_blob().unwrap()).unwrap();
    let loaded = Model::load(Blob::new(&blob)).unwrap();
    let mut memory = vec![0xAAAA_AAAA; loaded.memory_words()];
    let mut net = loaded.stream(&mut memory).unwrap();
    let mut reference: Vec<_> = model.layers.iter().map(Reference::new).collect();
    let inputs = loaded.inputs();
    for (t, x) in synthetic::frames(inputs, steps, seed).chunks(inputs).enumerate() {
        let mut y = x.to_vec();
        for layer in &mut reference {
            y = layer.step(&y);
        }
        assert_eq!(net.step(x).logits, y, "{} step {t}: output", model.name);
        for (k, layer) in reference.iter().enumerate() {
            assert_eq!(net.hidden_state(k), layer.h, "{} step {t} layer {k}: h", model.name);
            if !net.carried_state(k).is_empty() {
                assert!(
                    net.carried_state(k).iter().take(layer.long.len()).eq(layer.long.iter()),
                    "step {t} layer {k}: long"
                );
            }
        }
    }
}

#[test]
fn every_variant_equals_its_rows() {
    let variants: Vec<_> =
        elman::layer::all().flat_map(|s| s.variants).filter(|v| v.gates().count() > 0).map(|v| v.name).collect();
    assert!(variants.len() >= 15, "{variants:?}");
    for variant in variants {
        for (n, (inputs, units)) in [(1, 1), (3, 5), (4, 8), (10, 13), (17, 4)].into_iter().enumerate() {
            for drive in [Drive::Ordinary, Drive::Saturating] {
                let model = synthetic::model(variant, inputs, units, 3, drive, 7 + n as u64);
                for format in WeightFormat::ALL {
                    check(&synthetic::in_format(model.clone(), *format), 350, n as u64);
                }
            }
        }
    }
}

#[test]
fn stacks_of_eight() {
    let mut model = synthetic::model("lstm", 6, 7, 0, Drive::Ordinary, 1);
    for (k, variant) in
        ["gru", "srn-relu", "gru-before", "srn", "lstm", "srn-sigmoid", "gru", "dense-relu", "dense"].iter().enumerate()
    {
        let last = model.layers.last().unwrap();
        let next = synthetic::layer(variant, last.units, 5 + k, last.out_frac, Drive::Ordinary, k as u64);
        model.layers.push(next);
    }
    for format in WeightFormat::ALL {
        check(&synthetic::in_format(model.clone(), *format), 300, 5);
    }
}

#[test]
fn columns_decide_which_weights_a_gate_has() {
    let l = synthetic::layer("gru", 3, 5, 15, Drive::Ordinary, 2);
    let (_, _, spec) = elman::layer::named("gru").unwrap();
    for (gate, table) in l.gates.iter().zip(spec.gates()) {
        assert_eq!(gate.w.is_empty(), table.operands == Operands::Hidden);
        assert_eq!(gate.u.is_empty(), table.operands == Operands::Input);
    }
}
