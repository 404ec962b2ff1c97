//! Neighbouring steps as one matrix, so that a product over them is one, not many small ones.

/// Rows that one product takes at most; what it reads should stay in the cache.
const ROWS: usize = 256;

/// Steps `from..to`, whose rows follow one another: all but the last have every row in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First step.
    pub from: usize,
    /// After the last step.
    pub to: usize,
    /// Rows of all steps.
    pub rows: usize,
}

/// Cuts the steps for which `with` holds into spans.
pub fn spans(rows: &[usize], size: usize, with: impl Fn(usize) -> bool) -> impl Iterator<Item = Span> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < rows.len() && !with(at) {
            at += 1;
        }
        let from = at;
        let mut sum = 0;
        while at < rows.len() && with(at) && (at == from || sum + rows[at] <= ROWS) {
            sum += rows[at];
            at += 1;
            if rows[at - 1] < size {
                break;
            }
        }
        (at > from).then_some(Span { from, to: at, rows: sum })
    })
}

/// Pieces that one chunk has at most.
pub const PIECES: usize = 16;

/// Steps whose rows one product goes over: neighbours, of which each may have rows that are not in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// First step.
    pub from: usize,
    /// After the last step.
    pub to: usize,
    /// Rows of every step's matrix.
    pub size: usize,
    pieces: heapless::Vec<Piece, PIECES>,
}

/// Rows that follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// First step, counted from that of the chunk.
    pub step: usize,
    /// Rows.
    pub rows: usize,
}

impl Chunk {
    /// The last steps before `to` that go into one product, of `most` rows at most, in use or not, where they are more than one step.
    pub fn before(to: usize, rows: &[usize], size: usize, most: usize) -> Self {
        // Backward, a step follows on the piece before it where its own rows are all in use.
        let (mut from, mut pieces) = (to, 0);
        while from > 0 {
            let alone = from == to || rows[from - 1] < size;
            if from < to && ((to - from + 1) * size > most || pieces + usize::from(alone) > PIECES) {
                break;
            }
            pieces += usize::from(alone);
            from -= 1;
        }
        let mut chunk = Chunk { from, to, size, pieces: heapless::Vec::new() };
        for t in from..to {
            match chunk.pieces.last_mut() {
                Some(last) if rows[t - 1] == size => last.rows += rows[t],
                _ => _ = chunk.pieces.push(Piece { step: t - from, rows: rows[t] }),
            }
        }
        chunk
    }

    /// Its rows from step `first` of all on.
    pub fn pieces(&self, first: usize) -> impl Iterator<Item = Piece> + '_ {
        let skip = first.saturating_sub(self.from);
        self.pieces.iter().filter_map(move |piece| {
            let missing = skip.saturating_sub(piece.step);
            let rows = piece.rows.saturating_sub(missing * self.size);
            (rows > 0).then_some(Piece { step: piece.step + missing, rows })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_merge_whole_steps() {
        let rows = [3, 3, 2, 2, 1];
        let chunk = Chunk::before(5, &rows, 3, 15);
        let pieces = |chunk: &Chunk, first| chunk.pieces(first).map(|p| (p.step, p.rows)).collect::<Vec<_>>();
        assert_eq!((chunk.from, chunk.to), (0, 5));
        assert_eq!(pieces(&chunk, 0), [(0, 8), (3, 2), (4, 1)]);
        assert_eq!(pieces(&chunk, 1), [(1, 5), (3, 2), (4, 1)]);
        let long = Chunk::before(100, &[3; 100], 3, 256);
        assert_eq!((long.from, pieces(&long, 0)), (15, vec![(0, 255)]));
        let many = Chunk::before(100, &[2; 100], 3, 256);
        assert_eq!((many.from, many.pieces.len()), (84, PIECES));
        let rest = Chunk::before(15, &[3; 100], 3, 256);
        assert_eq!((rest.from, pieces(&rest, 1)), (0, vec![(1, 42)]));
        assert_eq!(pieces(&Chunk::before(1, &rows, 3, 256), 1), []);
    }

    #[test]
    fn end_where_rows_do() {
        let cut = |rows: &[usize], with: fn(usize) -> bool| {
            spans(rows, 3, with).map(|s| (s.from, s.to, s.rows)).collect::<Vec<_>>()
        };
        assert_eq!(cut(&[3, 3, 2, 2, 1], |_| true), [(0, 3, 8), (3, 4, 2), (4, 5, 1)]);
        assert_eq!(cut(&[3, 3, 3, 3], |t| t != 1), [(0, 1, 3), (2, 4, 6)]);
        assert_eq!(cut(&[3, 3], |_| false), []);
        let long: Vec<_> = cut(&[3; 100], |_| true);
        assert_eq!(long, [(0, 85, 255), (85, 100, 45)]);
    }
}
