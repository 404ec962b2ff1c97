//! Layouts: the order in which a blob stores weights, one for each class of cores.

/// The order of the weights in a blob. Each [`WeightFormat`](super::WeightFormat) says how it packs its weights in each of
/// them. Vectors, tables and everything else are the same in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Layout {
    /// Rows side by side in a lane: for cores with the DSP extension.
    Pairs = 1,
    /// Row after row: for cores with Helium.
    Rows = 2,
    /// Column after column: for cores that take one weight at a time.
    Columns = 3,
}

impl Layout {
    /// All of them.
    pub const ALL: [Layout; 3] = [Layout::Pairs, Layout::Rows, Layout::Columns];

    /// The one layout that this build's kernels read; `None` where they read all, as on a PC.
    pub const BUILT: Option<Layout> = if cfg!(elman_layout = "pairs") {
        Some(Layout::Pairs)
    } else if cfg!(elman_layout = "rows") {
        Some(Layout::Rows)
    } else if cfg!(elman_layout = "columns") {
        Some(Layout::Columns)
    } else {
        None
    };

    /// By its number in the frame.
    pub const fn of(number: u16) -> Option<Self> {
        match number {
            1 => Some(Layout::Pairs),
            2 => Some(Layout::Rows),
            3 => Some(Layout::Columns),
            _ => None,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Layout::Pairs => "pairs",
            Layout::Rows => "rows",
            Layout::Columns => "columns",
        }
    }

    /// The cores whose kernels read it, in words.
    pub const fn cores(self) -> &'static str {
        match self {
            Layout::Pairs => "cores with the DSP extension",
            Layout::Rows => "cores with Helium",
            Layout::Columns => "cores with neither DSP extension nor Helium",
        }
    }
}

/// Elements after padding to whole blocks of four columns.
pub const fn padded(n: usize) -> usize {
    n.next_multiple_of(4)
}

/// Words of a vector of `n` elements.
pub const fn vector_words(n: usize) -> usize {
    padded(n) / 2
}
