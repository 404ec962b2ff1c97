//! Right operands in the order in which a product reads them.

use get_size2::GetSize;

use crate::float::Float;
use crate::layer::fit;

/// A right operand in panels.
#[derive(Clone, Debug, Default, GetSize)]
pub struct Packed<F> {
    rows: usize,
    columns: usize,
    panels: Vec<F>,
}

impl<F: Float> Packed<F> {
    /// Packs a row-major `rows x columns` matrix with `stride` elements from row to row.
    pub fn pack(&mut self, from: &[F], rows: usize, columns: usize, stride: usize) {
        let lanes = self.reserve(rows, columns);
        let mut j = 0;
        while j < columns {
            let width = panel_width(columns - j, lanes);
            let filled = width.min(columns - j);
            let panel = &mut self.panels[j * rows..][..width * rows];
            for (row, to) in panel.chunks_exact_mut(width).enumerate() {
                to[..filled].copy_from_slice(&from[row * stride + j..][..filled]);
                to[filled..].fill(F::ZERO);
            }
            j += width;
        }
    }

    /// Packs the transpose of a row-major `columns x rows` matrix.
    pub fn pack_transposed(&mut self, from: &[F], rows: usize, columns: usize) {
        let lanes = self.reserve(rows, columns);
        let mut j = 0;
        while j < columns {
            let width = panel_width(columns - j, lanes);
            let panel = &mut self.panels[j * rows..][..width * rows];
            for lane in 0..width {
                let row = (j + lane < columns).then(|| &from[(j + lane) * rows..][..rows]);
                for k in 0..rows {
                    panel[k * width + lane] = row.map_or(F::ZERO, |row| row[k]);
                }
            }
            j += width;
        }
    }

    fn reserve(&mut self, rows: usize, columns: usize) -> usize {
        let lanes = F::lanes();
        (self.rows, self.columns) = (rows, columns);
        fit(&mut self.panels, rows * columns.next_multiple_of(lanes));
        lanes
    }

    /// Makes the memory for a matrix of at most so many rows.
    pub fn make_room(&mut self, rows: usize, columns: usize) {
        let more = (rows * columns.next_multiple_of(F::lanes())).saturating_sub(self.panels.len());
        self.panels.reserve_exact(more);
    }
}

/// Width of the next panel when `left` columns are left.
#[inline(always)]
pub(super) fn panel_width(left: usize, lanes: usize) -> usize {
    if left > lanes { 2 * lanes } else { lanes }
}

/// Right operand.
#[derive(Clone, Copy, Debug)]
pub enum Right<'a, F> {
    /// Packed beforehand.
    Packed(&'a Packed<F>),
    /// As it lies, `rows x columns`, row-major. After the last row, `data` goes on to a whole vector.
    Rows {
        /// Elements.
        data: &'a [F],
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
        /// Elements from row to row.
        stride: usize,
    },
}

/// Elements that the widest vector of any machine has: what is packed does not depend on the machine.
const WIDEST: usize = 16;

impl<'a, F: Float> Right<'a, F> {
    /// A row-major matrix as it lies, with `stride` elements from row to row; `None` where vectors would go over the end
    /// of `data`, which may go on after the matrix.
    pub fn as_is(data: &'a [F], [rows, columns]: [usize; 2], stride: usize) -> Option<Self> {
        let fits = rows == 0 || (rows - 1) * stride + columns.next_multiple_of(WIDEST) <= data.len();
        fits.then_some(Self::Rows { data, rows, columns, stride })
    }

    /// A row-major matrix, packed into `packed` only where it must be.
    pub fn rows(data: &'a [F], rows: usize, columns: usize, packed: &'a mut Packed<F>) -> Self {
        Self::as_is(data, [rows, columns], columns).unwrap_or_else(|| {
            packed.pack(data, rows, columns, columns);
            Self::Packed(packed)
        })
    }

    /// Rows and columns.
    #[inline(always)]
    pub(super) fn shape(&self) -> (usize, usize) {
        match *self {
            Self::Packed(packed) => (packed.rows, packed.columns),
            Self::Rows { rows, columns, .. } => (rows, columns),
        }
    }

    /// The panel from column `j` on, and the elements from row to row of it.
    #[inline(always)]
    pub(super) fn panel(&self, j: usize, width: usize) -> (&'a [F], usize) {
        match *self {
            Self::Packed(packed) => (&packed.panels[j * packed.rows..][..width * packed.rows], width),
            Self::Rows { data, stride, .. } => (&data[j..], stride),
        }
    }
}
