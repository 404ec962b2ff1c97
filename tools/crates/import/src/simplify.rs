//! Operations into the order that elman's layers have: scales into the weights that read them, the last step before what
//! is done at every step.

use elman::cell::Operands;
use elman_nn::{DenseActivation, Over};

use crate::op::{AffineOp, CellOp, DenseOp, Op};
use crate::{Matrix, Placed};

/// The same function with fewer operations.
pub fn simplify(ops: impl IntoIterator<Item = Placed>) -> Vec<Placed> {
    let mut out = Vec::new();
    ops.into_iter().for_each(|op| push(&mut out, op));
    out
}

/// Adds an operation to those before it.
fn push(out: &mut Vec<Placed>, next: Placed) {
    let pooled = out.iter().any(|o| matches!(o.op, Op::Pool(_)));
    let Some(last) = out.pop() else { return out.push(next) };
    match (last.op, next.op) {
        // What has one vector ends with it.
        (op, Op::Pool(Over::Last)) if pooled => out.push(Placed { op, ..last }),
        (op, Op::Activation(DenseActivation::Linear)) => out.push(Placed { op, ..last }),
        (Op::Dense(dense), Op::Affine(affine)) => {
            out.push(Placed { place: last.place, op: Op::Dense(after(dense, &affine)) });
        }
        (Op::Affine(first), Op::Affine(second)) => {
            out.push(Placed { place: next.place, op: Op::Affine(joined(&first, &second)) });
        }
        (Op::Affine(affine), Op::Dense(dense)) => {
            push(out, Placed { place: next.place, op: Op::Dense(before_dense(dense, &affine)) });
        }
        (Op::Affine(affine), Op::Cell(cell)) => {
            push(out, Placed { place: next.place, op: Op::Cell(before_cell(cell, &affine)) });
        }
        (first, second) if commute(&first, &second) => {
            push(out, Placed { place: next.place, op: second });
            push(out, Placed { place: last.place, op: first });
        }
        (first, second) => {
            out.push(Placed { place: last.place, op: first });
            out.push(Placed { place: next.place, op: second });
        }
    }
}

/// Whether a pool may stand before what stands before it.
fn commute(first: &Op, pool: &Op) -> bool {
    let Op::Pool(over) = pool else { return false };
    match (first, over) {
        (Op::Dense(_) | Op::Affine(_), Over::Last | Over::Mean) => true,
        (Op::Affine(affine), Over::Max) => affine.scale.iter().all(|s| *s > 0.0),
        (Op::Activation(_) | Op::Norm { .. } | Op::Softmax, Over::Last) => true,
        _ => false,
    }
}

/// y = s ⊙ (W x + b) + o
fn after(DenseOp { mut w, b }: DenseOp, AffineOp { scale, offset }: &AffineOp) -> DenseOp {
    let columns = w.columns.max(1);
    for (row, s) in w.values.chunks_exact_mut(columns).zip(scale) {
        row.iter_mut().for_each(|w| *w = (f64::from(*w) * s) as f32);
    }
    let b = b.iter().zip(scale.iter().zip(offset)).map(|(b, (s, o))| (f64::from(*b) * s + o) as f32).collect();
    DenseOp { w, b }
}

/// y = s₂ (s₁ x + o₁) + o₂
fn joined(first: &AffineOp, second: &AffineOp) -> AffineOp {
    let scale = first.scale.iter().zip(&second.scale).map(|(a, b)| a * b).collect();
    let offset = first.offset.iter().zip(second.scale.iter().zip(&second.offset));
    AffineOp { scale, offset: offset.map(|(o, (s, p))| o * s + p).collect() }
}

/// W (s ⊙ x + o) = (W diag(s)) x + W o: the new W, and W o.
fn before(mut w: Matrix, AffineOp { scale, offset }: &AffineOp) -> (Matrix, Vec<f64>) {
    let columns = w.columns.max(1);
    let add = w.values.chunks_exact(columns).map(|row| row.iter().zip(offset).map(|(w, o)| f64::from(*w) * o).sum());
    let add = add.collect();
    for row in w.values.chunks_exact_mut(columns) {
        row.iter_mut().zip(scale).for_each(|(w, s)| *w = (f64::from(*w) * s) as f32);
    }
    (w, add)
}

fn before_dense(dense: DenseOp, affine: &AffineOp) -> DenseOp {
    let (w, add) = before(dense.w, affine);
    DenseOp { w, b: dense.b.iter().zip(add).map(|(b, a)| (f64::from(*b) + a) as f32).collect() }
}

fn before_cell(mut cell: CellOp, affine: &AffineOp) -> CellOp {
    // W has the rows of the gates that read the input, b those of all gates.
    let reads = elman_nn::variant(cell.variant).into_iter().flat_map(|table| table.gates());
    let reads: Vec<bool> = reads.map(|gate| gate.operands != Operands::Hidden).collect();
    for direction in &mut cell.directions {
        let (w, add) = before(std::mem::take(&mut direction.w), affine);
        direction.w = w;
        let biases = direction.b.chunks_exact_mut(cell.units.max(1)).zip(&reads).filter(|(_, reads)| **reads);
        biases.flat_map(|(b, _)| b).zip(add).for_each(|(b, a)| *b = (f64::from(*b) + a) as f32);
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(op: Op) -> Placed {
        Placed { place: String::new(), op }
    }

    #[test]
    fn a_scale_goes_into_the_weights_and_a_pool_before_the_dense_layer() {
        let dense = Op::Dense(DenseOp { w: Matrix::new(1, 2, vec![1.0, 2.0]), b: vec![0.5] });
        let scale = Op::Affine(AffineOp { scale: vec![2.0, 3.0], offset: vec![1.0, -1.0] });
        let ops = simplify([scale, dense, Op::Pool(Over::Last)].map(placed));
        let wanted = Op::Dense(DenseOp { w: Matrix::new(1, 2, vec![2.0, 6.0]), b: vec![-0.5] });
        assert_eq!(ops.into_iter().map(|o| o.op).collect::<Vec<_>>(), [Op::Pool(Over::Last), wanted]);
    }

    #[test]
    fn scales_join_and_go_out_through_a_dense_layer() {
        let scale = |s, o| Op::Affine(AffineOp { scale: vec![s], offset: vec![o] });
        let dense = Op::Dense(DenseOp { w: Matrix::new(1, 1, vec![4.0]), b: vec![1.0] });
        let ops = simplify([dense, scale(2.0, 1.0), scale(0.5, -1.0)].map(placed));
        let wanted = Op::Dense(DenseOp { w: Matrix::new(1, 1, vec![4.0]), b: vec![0.5] });
        assert_eq!(ops.into_iter().map(|o| o.op).collect::<Vec<_>>(), [wanted]);
    }
}
