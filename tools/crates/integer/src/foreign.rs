//! Files that are no elman model: what they are instead.

/// First bytes of other files, their offset, and what they mean.
const KNOWN: &[(usize, &[u8], &str)] = &[
    (4, b"TFL3", "a TensorFlow Lite model"),
    (0, b"\x89HDF", "an HDF5 file, as Keras writes"),
    (0, b"PK\x03\x04", "a zip archive, as PyTorch and Keras write"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"GGUF", "a GGUF model"),
    (0, b"ggml", "a GGML model"),
    (4, b"ORTM", "an ONNX Runtime model"),
    (0, b"\x7fELF", "an ELF program"),
    (0, b"\xce\xfa\xed\xfe", "a Mach-O program"),
    (0, b"\xcf\xfa\xed\xfe", "a Mach-O program"),
    (0, b"UF2\n", "a UF2 firmware"),
    (0, b":10", "Intel hex"),
    (0, b"\x1f\x8b", "gzip data"),
    (0, b"RIFF", "a RIFF file, as recordings are"),
    (0, b"fLaC", "a flac recording"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"version https://git-lfs", "a pointer of git-lfs, not the file itself: fetch it by `git lfs pull`"),
];

/// What `bytes` are, where that can be seen and is no elman blob.
pub fn what(bytes: &[u8]) -> Option<String> {
    let known = KNOWN.iter().find(|(at, magic, _)| bytes.get(*at..).is_some_and(|b| b.starts_with(magic)));
    if let Some((_, _, what)) = known {
        return Some((*what).to_owned());
    }
    if bytes.starts_with(b"ELMN") {
        return None;
    }
    if bytes.is_empty() {
        return Some("an empty file".to_owned());
    }
    let contains = |part: &[u8]| bytes[..bytes.len().min(512)].windows(part.len()).any(|w| w == part);
    if bytes.starts_with(b"\x08") && (contains(b"pytorch") || contains(b"onnx") || contains(b"tf2onnx")) {
        return Some("an ONNX model".to_owned());
    }
    // The length of a JSON header, then the header.
    if bytes.get(8..10).is_some_and(|b| b == b"{\"") && bytes.get(5..8).is_some_and(|b| b == [0; 3]) {
        return Some("a safetensors model".to_owned());
    }
    if bytes.starts_with(b"\x80") && bytes.get(1).is_some_and(|v| (2..=5).contains(v)) {
        return Some("a Python pickle, as older versions of PyTorch write".to_owned());
    }
    let page: Vec<u8> = bytes.trim_ascii_start().iter().take(9).map(u8::to_ascii_lowercase).collect();
    if page.starts_with(b"<!doctype") || page.starts_with(b"<html") {
        return Some("a web page, not the file itself".to_owned());
    }
    text(bytes)
}

/// A text, and its first characters.
fn text(bytes: &[u8]) -> Option<String> {
    let start = &bytes[..bytes.len().min(40)];
    let valid = std::str::from_utf8(start).map_or_else(|e| e.valid_up_to(), str::len);
    let text = std::str::from_utf8(&start[..valid]).ok().filter(|_| valid + 4 > start.len())?;
    let plain = !text.is_empty() && !text.chars().any(|c| c.is_control() && !c.is_whitespace());
    let array = text.contains("char ") || text.contains("#include") || text.contains("uint8_t");
    match (plain, array) {
        (false, _) => None,
        (true, true) => Some(format!("C source that starts with {text:?}, as models are embedded in firmware")),
        (true, false) => Some(format!("a text that starts with {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_of_other_programs_are_named() {
        let onnx = [b"\x08\x08\x12\x07pytorch", &[0; 20][..]].concat();
        let safetensors = [&82u64.to_le_bytes()[..], b"{\"gru.weight\": {}}"].concat();
        for (bytes, wanted) in [
            (&b"\x1c\0\0\0TFL3\0\0"[..], "a TensorFlow Lite model"),
            (b"\x89HDF\r\n\x1a\n", "HDF5"),
            (b"PK\x03\x04\0\0", "PyTorch"),
            (&onnx, "an ONNX model"),
            (&safetensors, "a safetensors model"),
            (b"\x80\x02}q", "a Python pickle"),
            (b"unsigned char model_tflite[] = {\n", "C source"),
            (b"alignas(16) const uint8_t g_model[] = {", "C source"),
            (b"\n<!DOCTYPE html>", "a web page"),
            (b"hello, a text", "a text that starts with \"hello, a text\""),
            ("größe und länge von allem, was es gibt".as_bytes(), "a text"),
            (b"", "an empty file"),
        ] {
            assert!(what(bytes).is_some_and(|w| w.contains(wanted)), "{:?} for {wanted}", what(bytes));
        }
        assert_eq!(what(b"ELMN\x04\0\0\0"), None);
        assert_eq!(what(&[0xF1, 0xFD, 0x18, 0x02]), None);
    }
}
