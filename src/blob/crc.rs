//! CRC-32C (Castagnoli), four bits at a time: a table of 64 bytes.

const TABLE: [u32; 16] = {
    let mut t = [0; 16];
    let mut k = 0;
    while k < 16 {
        let (mut v, mut bit) = (k as u32, 0);
        while bit < 4 {
            v = if v & 1 == 1 { v >> 1 ^ 0x82F6_3B78 } else { v >> 1 };
            bit += 1;
        }
        t[k] = v;
        k += 1;
    }
    t
};

/// CRC-32C of `words` in little-endian order. It finds every error of up to 3 bits in blobs up to 375 KB.
pub fn crc32c(words: &[u32]) -> u32 {
    let mut crc = !0u32;
    let nibble = |crc: u32| TABLE[(crc & 15) as usize] ^ crc >> 4;
    for word in words {
        // Written out: a loop would take half as many instructions again.
        crc = nibble(nibble(nibble(nibble(crc ^ word))));
        crc = nibble(nibble(nibble(nibble(crc))));
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of the standard: CRC-32C of "123456789" is E3069283. Here on the eight whole bytes,
    /// from an independent bitwise loop.
    #[test]
    fn equals_the_definition() {
        fn bitwise(bytes: &[u8]) -> u32 {
            let mut crc = !0u32;
            for b in bytes {
                crc ^= *b as u32;
                for _ in 0..8 {
                    crc = if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
                }
            }
            !crc
        }
        assert_eq!(bitwise(b"123456789"), 0xE306_9283);
        let words = [0x3433_3231, 0x3837_3635];
        assert_eq!(crc32c(&words), bitwise(b"12345678"));
        assert_eq!(crc32c(&[]), 0);
    }
}
