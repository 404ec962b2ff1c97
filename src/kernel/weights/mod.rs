//! Weight formats: how many bits a weight has, how weights are packed, and the kernels that read them.
//!
//! A format is one module with an implementation of [`Format`] and a line in the list below. Loader, writer, quantizer,
//! tests and firmware go through [`WeightFormat`] and [`Packing`], which come from that list: none of them names a format.

#[cfg(all(elman_several, elman_columns))]
mod columns;
#[cfg(all(elman_several, elman_dsp, elman_layout = "pairs"))]
mod dsp;
#[cfg(elman_several)]
mod fields;
mod format;
#[cfg(elman_layout = "rows")]
mod helium;
#[cfg(feature = "int2")]
pub mod int2;
#[cfg(feature = "int4")]
pub mod int4;
pub mod int8;
#[cfg(test)]
mod tests;

pub use format::Format;
#[cfg(elman_layout = "rows")]
pub use helium::{gated_rows, gated_split};

use super::{Layout, RowBlock};

/// Makes [`WeightFormat`], and what [`Packing`] hands on to the format's module, from the list of formats: number, module, and in
/// which builds it is. What a build has one format of folds away.
macro_rules! weight_formats {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $format:ty, $built:meta;)+) => {
        /// How the weights of a layer are stored.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum WeightFormat {
            $($(#[$doc])* #[cfg($built)] $name = $number,)+
        }

        impl WeightFormat {
            /// All of them.
            pub const ALL: &'static [WeightFormat] = &[$(#[cfg($built)] WeightFormat::$name),+];

            /// Name in recipes and reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(#[cfg($built)] WeightFormat::$name => <$format as Format>::NAME,)+
                }
            }

            /// Bits of a weight in flash.
            pub const fn bits(self) -> u32 {
                match self {
                    $(#[cfg($built)] WeightFormat::$name => <$format as Format>::BITS,)+
                }
            }

            /// Largest magnitude of a weight: weights are -max..=max.
            pub const fn max(self) -> i8 {
                match self {
                    $(#[cfg($built)] WeightFormat::$name => <$format as Format>::MAX,)+
                }
            }

            /// What a weight of 1 is in the accumulator: 1 in int8.
            pub const fn unit(self) -> i8 {
                match self {
                    $(#[cfg($built)] WeightFormat::$name => <$format as Format>::UNIT,)+
                }
            }
        }

        impl Packing {
            /// [`Format::param_words`]
            #[cfg_attr(not(elman_several), inline(always))]
            #[cfg_attr(elman_several, inline(never))]
            pub fn param_words(self, block: RowBlock) -> usize {
                match self.format {
                    $(#[cfg($built)] WeightFormat::$name => <$format as Format>::param_words(self.layout, block),)+
                }
            }

            /// [`Format::weight_words`]
            #[cfg_attr(not(elman_several), inline(always))]
            #[cfg_attr(elman_several, inline(never))]
            pub fn weight_words(self, block: RowBlock) -> usize {
                match self.format {
                    $(#[cfg($built)] WeightFormat::$name => <$format as Format>::weight_words(self.layout, block),)+
                }
            }

            /// [`Format::biases`]
            #[inline(always)]
            pub fn biases(self, block: RowBlock, params: &[u32]) -> Option<[i32; 4]> {
                match self.format {
                    $(#[cfg($built)] WeightFormat::$name => <$format as Format>::biases(self.layout, block, params),)+
                }
            }

            /// [`Format::is_packed`]
            #[inline(always)]
            pub fn is_packed(self, block: RowBlock, weights: &[u32]) -> bool {
                match self.format {
                    $(#[cfg($built)] WeightFormat::$name => <$format as Format>::is_packed(self.layout, block, weights),)+
                }
            }

            /// u Σ |w| of each row of a row block, with the format's unit u.
            #[inline(always)]
            pub(crate) fn magnitudes(self, block: RowBlock, weights: &[u32]) -> [u32; 4] {
                let sums = match self.format {
                    $(#[cfg($built)] WeightFormat::$name => <$format as Format>::magnitudes(self.layout, block, weights),)+
                };
                sums.map(|sum| sum.saturating_mul(self.format.unit() as u32))
            }

            /// [`Format::for_each`]
            #[inline(always)]
            pub fn for_each(self, block: RowBlock, weights: &[u32], each: impl FnMut(usize, usize, i8)) {
                match self.format {
                    $(#[cfg($built)] WeightFormat::$name => <$format as Format>::for_each(self.layout, block, weights, each),)+
                }
            }

            /// [`Format::pack_params`]
            #[inline(always)]
            pub fn pack_params(self, block: RowBlock, biases: [i32; 4], multipliers: [i32; 4], params: &mut [u32]) {
                match self.format {
                    $(#[cfg($built)] WeightFormat::$name => {
                        <$format as Format>::pack_params(self.layout, block, biases, multipliers, params)
                    })+
                }
            }

            /// [`Format::pack`]
            #[inline(always)]
            pub fn pack(self, block: RowBlock, weight: impl FnMut(usize, usize) -> i8, words: &mut [u32]) {
                match self.format {
                    $(#[cfg($built)] WeightFormat::$name => <$format as Format>::pack(self.layout, block, weight, words),)+
                }
            }

            /// [`Format::table_row`]
            #[inline(always)]
            pub fn table_row<T>(self, row: &[u32], elements: impl Iterator<Item = T>, each: impl FnMut(T, i8)) {
                match self.format {
                    $(#[cfg($built)] WeightFormat::$name => <$format as Format>::table_row(row, elements, each),)+
                }
            }
        }

        /// For each row block, four pre-activations pre_k = requantize(b_k + u Σ_c w_kc·x_c), Q15.16, with the unit u of the format, handed to `each` with
        /// the row block's item of `units`.
        ///
        /// `x` has n/2 words, n a multiple of 4; weights and parameters of a row block have as many words as
        /// [`Packing::weight_words`] and [`Packing::param_words`] say. There are as many row blocks as all of `weights`,
        /// `params` and `units` have.
        #[inline(always)]
        pub fn rows<T>(
            packing: Packing,
            weights: &[u32],
            params: &[u32],
            x: &[u32],
            units: impl Iterator<Item = T>,
            each: impl FnMut(T, [i32; 4]),
        ) {
            #[cfg(all(elman_several, elman_columns))]
            return columns::rows(packing, weights, params, x, units, each);
            #[cfg(all(elman_several, elman_dsp, elman_layout = "pairs"))]
            return dsp::rows(packing, weights, params, x, units, each);
            #[cfg(elman_layout = "rows")]
            return helium::rows(packing, weights, params, x, units, each);
            #[cfg(not(any(elman_layout = "rows", all(elman_several, elman_assembly))))]
            match packing.format {
                $(#[cfg($built)] WeightFormat::$name => <$format as Format>::rows(packing.layout, weights, params, x, units, each),)+
            }
        }

        /// For each row block, four pre-activations: rows 0 and 1 over x and h, row 2 over x, row 3 over h.
        ///
        /// As [`rows`], for split rows: `xh` is x and h in one slice, `x_words` the words of x.
        #[inline(always)]
        pub fn split<T>(
            packing: Packing,
            weights: &[u32],
            params: &[u32],
            xh: &[u32],
            x_words: usize,
            units: impl Iterator<Item = T>,
            each: impl FnMut(T, [i32; 4]),
        ) {
            #[cfg(all(elman_several, elman_columns))]
            return columns::split(packing, weights, params, xh, x_words, units, each);
            #[cfg(all(elman_several, elman_dsp, elman_layout = "pairs"))]
            return dsp::split(packing, weights, params, xh, x_words, units, each);
            #[cfg(elman_layout = "rows")]
            return helium::split(packing, weights, params, xh, x_words, units, each);
            #[cfg(not(any(elman_layout = "rows", all(elman_several, elman_assembly))))]
            match packing.format {
                $(#[cfg($built)] WeightFormat::$name => {
                    <$format as Format>::split(packing.layout, weights, params, xh, x_words, units, each)
                })+
            }
        }

        /// The scalar references: what every fast kernel must equal bit for bit.
        pub mod reference {
            use super::*;

            /// [`super::rows`] in plain loops, for every layout.
            #[inline(always)]
            pub fn rows<T>(
                packing: Packing,
                weights: &[u32],
                params: &[u32],
                x: &[u32],
                units: impl Iterator<Item = T>,
                each: impl FnMut(T, [i32; 4]),
            ) {
                match packing.format {
                    $(#[cfg($built)] WeightFormat::$name => {
                        <$format as Format>::reference_rows(packing.layout, weights, params, x, units, each)
                    })+
                }
            }

            /// [`super::split`] in plain loops, for every layout.
            #[inline(always)]
            pub fn split<T>(
                packing: Packing,
                weights: &[u32],
                params: &[u32],
                xh: &[u32],
                x_words: usize,
                units: impl Iterator<Item = T>,
                each: impl FnMut(T, [i32; 4]),
            ) {
                match packing.format {
                    $(#[cfg($built)] WeightFormat::$name => {
                        <$format as Format>::reference_split(packing.layout, weights, params, xh, x_words, units, each)
                    })+
                }
            }
        }
    };
}

// Each format by the number that a blob has of it, which is never reused; the first is what a blob has by default.
weight_formats! {
    /// Eight bits, -127..=127.
    #[default]
    Int8 = 0, int8::Int8, all();
    /// Four bits, -7..=7. With the feature `int4`.
    Int4 = 1, int4::Int4, feature = "int4";
    /// Two bits, -1, 0 and 1. With the feature `int2`.
    Int2 = 2, int2::Int2, feature = "int2";
}

/// The feature that a format of this number needs, where the build is without it.
pub(crate) const fn missing_feature(number: u8) -> Option<&'static str> {
    match number {
        1 if cfg!(not(feature = "int4")) => Some("int4"),
        2 if cfg!(not(feature = "int2")) => Some("int2"),
        _ => None,
    }
}

impl WeightFormat {
    /// By its number in a blob.
    pub fn of(number: u8) -> Option<Self> {
        WeightFormat::ALL.iter().copied().find(|format| *format as u8 == number)
    }

    /// Bits of a layer's tag in a blob that are the tag of its cell; those above are the number of its weight format.
    const TAG_BITS: u32 = 6;

    /// The format of a layer and the tag of its cell, from its tag in a blob.
    pub fn of_tag(tag: u8) -> Option<(Self, u8)> {
        let (number, cell) = Self::parts_of_tag(tag);
        Some((WeightFormat::of(number)?, cell))
    }

    /// The number of a layer's format and the tag of its cell, from its tag in a blob.
    pub(crate) const fn parts_of_tag(tag: u8) -> (u8, u8) {
        (tag >> Self::TAG_BITS, tag & ((1 << Self::TAG_BITS) - 1))
    }

    /// The tag in a blob of a layer with weights in this format.
    pub const fn tag(self, cell: u8) -> u8 {
        (self as u8) << Self::TAG_BITS | cell
    }

    /// By its name in recipes.
    pub fn named(name: &str) -> Option<Self> {
        WeightFormat::ALL.iter().copied().find(|format| format.name() == name)
    }
}

/// How the weights of a layer are packed: in which format, and in the order of which layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packing {
    /// Their format.
    pub format: WeightFormat,
    /// Their order.
    pub layout: Layout,
}

impl Packing {
    /// Each format in each layout.
    pub fn all() -> impl Iterator<Item = Packing> {
        let layouts = |format| Layout::ALL.into_iter().map(move |layout| Packing { format, layout });
        WeightFormat::ALL.iter().copied().flat_map(layouts)
    }
}

/// Whether a row with u Σ|w| = `magnitudes` could leave its accumulator of 32 bits: |x| is at most 2^15.
#[inline(always)]
pub fn accumulator_overflows(magnitudes: u32, bias: i32) -> bool {
    magnitudes as u64 * 32768 + bias.unsigned_abs() as u64 >= 1 << 31
}
