//! Records of a blob's descriptor: one definition of the fields gives the struct, its reader, its part of the schema hash,
//! random values for tests and the tables of docs/format.md.
//!
//! A field is written as
//! ```text
//! /// What it means.
//! name: Type as Reader ["part of the hashed text"],
//! ```
//! `as Reader` and the hashed text are optional. The hashed text is stable: names in the code may change, it may not.

#[cfg_attr(all(feature = "postcard", not(test)), allow(dead_code))]
mod bytes;
#[cfg(test)]
pub(crate) mod random;

#[cfg(any(test, feature = "postcard"))]
pub(crate) use bytes::are_lines;
pub(crate) use bytes::{Bytes, Lines, Read};

/// A field, or a variant of a choice, as docs/format.md lists it.
#[cfg(test)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its name.
    pub name: &'static str,
    /// How its bytes are read; of a variant its fields.
    pub layout: std::string::String,
    /// What it means.
    pub doc: std::string::String,
}

/// FNV-1a of a text.
pub(crate) const fn hash_text(mut h: u32, s: &str) -> u32 {
    let (s, mut k) = (s.as_bytes(), 0);
    while k < s.len() {
        h = hash_byte(h, s[k]);
        k += 1;
    }
    h
}

/// FNV-1a of a byte.
pub(crate) const fn hash_byte(h: u32, b: u8) -> u32 {
    (h ^ b as u32).wrapping_mul(0x0100_0193)
}

/// Hashes texts, and the texts of other records where a type stands.
macro_rules! hash_parts {
    ($h:expr;) => { $h };
    ($h:expr; $text:literal $($rest:tt)*) => {
        $crate::record::hash_parts!($crate::record::hash_text($h, $text); $($rest)*)
    };
    ($h:expr; $record:ident $($rest:tt)*) => { $crate::record::hash_parts!($record::schema($h); $($rest)*) };
}

/// Gathers the texts that [`hash_parts`] hashes.
#[cfg(test)]
macro_rules! text_parts {
    ($out:expr;) => {};
    ($out:expr; $text:literal $($rest:tt)*) => {
        $out.push_str($text);
        $crate::record::text_parts!($out; $($rest)*);
    };
    ($out:expr; $record:ident $($rest:tt)*) => {
        $record::schema_text($out);
        $crate::record::text_parts!($out; $($rest)*);
    };
}

/// The reader of a field: that of its type, or another one that is named.
macro_rules! reader {
    ($ty:ty) => {
        $ty
    };
    ($ty:ty, $reader:ty) => {
        $reader
    };
}

/// Defines a struct of fields that are read one after the other.
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident $(<$lt:lifetime>)? {
            $(
                $(#[doc = $doc:literal])+
                $(#[serde($serde:ident)])?
                $field:ident: $ty:ty $(as $reader:ty)? $([$($hash:tt)*])?,
            )+
        }
    ) => {
        $(#[$meta])*
        #[cfg_attr(any(test, feature = "serde"), derive(serde::Serialize, serde::Deserialize))]
        pub struct $name $(<$lt>)? {
            $(
                $(#[doc = $doc])+
                $(#[cfg_attr(any(test, feature = "serde"), serde($serde))])?
                pub $field: $ty,
            )+
        }

        impl $(<$lt>)? $name $(<$lt>)? {
            /// Hashes the stable text of the fields.
            pub(crate) const fn schema(h: u32) -> u32 {
                $crate::record::hash_parts!(h; $($($($hash)*)?)+)
            }

            /// The stable text of the fields.
            #[cfg(test)]
            #[allow(unused_variables, clippy::ptr_arg)]
            pub(crate) fn schema_text(out: &mut std::string::String) {
                $crate::record::text_parts!(out; $($($($hash)*)?)+);
            }

            /// The fields in order.
            #[cfg(test)]
            pub(crate) fn entries() -> std::vec::Vec<$crate::record::Entry> {
                std::vec![$($crate::record::Entry {
                    name: stringify!($field),
                    layout: <$crate::record::reader!($ty $(, $reader)?) as $crate::record::Read<'_, $ty>>::layout(),
                    doc: [$($doc),+].map(str::trim).join(" "),
                }),+]
            }
        }

        $crate::record::record!(@read [$($lt)?] $name, $($field: $ty => $crate::record::reader!($ty $(, $reader)?)),+);
    };
    (@read [$lt:lifetime] $name:ident, $($field:ident: $ty:ty => $reader:ty),+) => {
        $crate::record::record!(@impl $lt, $name<$lt>, $name, $($field: $ty => $reader),+);
    };
    (@read [] $name:ident, $($field:ident: $ty:ty => $reader:ty),+) => {
        $crate::record::record!(@impl 'b, $name, $name, $($field: $ty => $reader),+);
    };
    (@impl $lt:lifetime, $full:ty, $name:ident, $($field:ident: $ty:ty => $reader:ty),+) => {
        impl<$lt> $crate::record::Read<$lt, $full> for $full {
            #[inline(never)]
            fn read(bytes: &mut $crate::record::Bytes<$lt>) -> $full {
                $name { $($field: <$reader as $crate::record::Read<$lt, $ty>>::read(bytes)),+ }
            }

            #[cfg(test)]
            fn random(random: &mut $crate::record::random::Random) -> $full {
                $name { $($field: <$reader as $crate::record::Read<$lt, $ty>>::random(random)),+ }
            }

            #[cfg(test)]
            fn layout() -> std::string::String {
                std::format!("`{}`", core::any::type_name::<Self>())
            }
        }
    };
}

/// Defines an enum: a byte with the number of the variant, then its fields. The default is the first variant.
macro_rules! choice {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $variant:ident $({ $($(#[doc = $field_doc:literal])+ $field:ident: $ty:ty,)+ })? $([$($hash:tt)*])?,
            )+
        }
    ) => {
        $(#[$meta])*
        #[cfg_attr(any(test, feature = "serde"), derive(serde::Serialize, serde::Deserialize))]
        pub enum $name {
            $(
                $(#[doc = $doc])+
                $variant $({ $($(#[doc = $field_doc])+ $field: $ty,)+ })?,
            )+
        }

        $crate::record::choice!(@default $name, $($variant),+);

        impl $name {
            /// Hashes the stable text of the variants.
            #[allow(dead_code)]
            pub(crate) const fn schema(h: u32) -> u32 {
                $crate::record::hash_parts!(h; $($($($hash)*)?)+)
            }

            /// The stable text of the variants.
            #[cfg(test)]
            #[allow(dead_code, unused_variables, clippy::ptr_arg)]
            pub(crate) fn schema_text(out: &mut std::string::String) {
                $crate::record::text_parts!(out; $($($($hash)*)?)+);
            }

            /// The variants in order.
            #[cfg(test)]
            pub(crate) fn entries() -> std::vec::Vec<$crate::record::Entry> {
                std::vec![$($crate::record::Entry {
                    name: stringify!($variant),
                    layout: {
                        let fields: &[std::string::String] = &[$($(std::format!(
                            "`{}`: {} ({})",
                            stringify!($field),
                            <$ty as $crate::record::Read<'_, $ty>>::layout(),
                            [$($field_doc),+].map(str::trim).join(" ").trim_end_matches('.'),
                        )),+)?];
                        fields.join(", ")
                    },
                    doc: [$($doc),+].map(str::trim).join(" "),
                }),+]
            }
        }

        impl<'b> $crate::record::Read<'b, $name> for $name {
            #[inline]
            fn read(bytes: &mut $crate::record::Bytes<'b>) -> $name {
                enum Number { $($variant),+ }
                const KINDS: u8 = [$(Number::$variant as u8),+].len() as u8;
                let number = bytes.choice(KINDS);
                $(
                    if number == Number::$variant as u8 {
                        return $name::$variant $({ $($field: <$ty as $crate::record::Read<'b, $ty>>::read(bytes)),+ })?;
                    }
                )+
                $name::default()
            }

            #[cfg(test)]
            fn random(random: &mut $crate::record::random::Random) -> $name {
                enum Number { $($variant),+ }
                let number = random.below([$(Number::$variant as u8),+].len() as u64) as u8;
                $(
                    if number == Number::$variant as u8 {
                        return $name::$variant $({ $($field: <$ty as $crate::record::Read<'b, $ty>>::random(random)),+ })?;
                    }
                )+
                $name::default()
            }

            #[cfg(test)]
            fn layout() -> std::string::String {
                std::format!("`{}`", core::any::type_name::<Self>())
            }
        }
    };
    (@default $name:ident, $first:ident $(, $rest:ident)*) => {
        #[allow(clippy::derivable_impls)]
        impl Default for $name {
            fn default() -> Self {
                $name::$first
            }
        }
    };
}

#[cfg(test)]
pub(crate) use text_parts;
pub(crate) use {choice, hash_parts, reader, record};
