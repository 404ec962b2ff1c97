//! Files that are damaged, or made to harm: an error that says where and what to do, and no more memory than a bound.

use crate::cases::{Case, cases};
use elman_import::{Asked, ImportError, MOST_BYTES, Outputs, from_bytes};
use std::io::{Cursor, Write};

fn case(name: &str) -> Case {
    cases().into_iter().find(|c| c.file == name).expect(name)
}

fn error(bytes: &[u8]) -> String {
    match from_bytes(bytes, &Asked::default()) {
        Ok(_) => panic!("it was read"),
        Err(error) => error.to_string(),
    }
}

/// One of each format.
const FILES: [&str; 6] = [
    "torch-gru.safetensors",
    "torch-lstm.pt",
    "onnx-gru.onnx",
    "onnx-torch-embedding.onnx",
    "keras-gru.keras",
    "keras-gru.h5",
];

#[test]
fn a_file_that_is_cut_off_is_an_error_at_every_length() {
    for name in FILES {
        let case = case(name);
        let step = (case.bytes.len() / 2000).max(1);
        for n in (0..case.bytes.len()).step_by(step) {
            let read = from_bytes(&case.bytes[..n], &case.asked());
            // HDF5 ends in nothing that is needed.
            assert!(read.is_err() || name.ends_with("h5"), "{name}: {n} of {}", case.bytes.len());
        }
    }
}

#[test]
fn flipped_bits_give_an_error_or_a_network() {
    for name in FILES {
        let case = case(name);
        let step = (case.bytes.len() / 3000).max(1);
        for at in (0..case.bytes.len()).step_by(step) {
            let mut bytes = case.bytes.clone();
            bytes[at] ^= 1 << (at % 8);
            if let Ok(imported) = from_bytes(&bytes, &case.asked()) {
                let _ = imported.network(Outputs::Classes);
            }
        }
    }
}

#[test]
fn what_is_no_model_is_said() {
    assert!(error(b"hello, I am a text").contains("none of the marks"));
    assert!(error(b"").contains("none of the marks"));
    let old = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";
    assert!(error(old).contains("before version 1.6"));
}

/// A safetensors file with this header and data.
fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn safetensors_with_huge_shapes_other_types_or_no_numbers() {
    let huge = r#"{"a.weight":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#;
    assert!(error(&safetensors(huge, &[0; 4])).contains("damaged"));
    let header = r#"{"a.weight":{"dtype":"I8","shape":[2,2],"data_offsets":[0,4]}}"#;
    let said = error(&safetensors(header, &[0; 4]));
    assert!(
        said.contains("tensor a.weight") && said.contains("I8") && said.contains("save the float network"),
        "{said}"
    );
    let header = r#"{"fc.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"fc.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]}}"#;
    let values = [0.5f32, 1.0, f32::NAN].iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let said = error(&safetensors(header, &values));
    assert!(said.contains("fc: element 1 is NaN") && said.contains("all finite"), "{said}");
}

/// A zip file of these.
fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let deflated = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        writer.start_file(*name, deflated).expect(name);
        writer.write_all(content).expect(name);
    }
    writer.finish().expect("a zip file").into_inner()
}

#[test]
fn a_pickle_that_would_run_code_is_refused_by_name() {
    let bomb = b"\x80\x02cposix\nsystem\nX\x08\x00\x00\x00rm -rf /\x85R.";
    let said = error(&zipped(&[("m/data.pkl", bomb)]));
    assert!(said.contains("`posix.system`") && said.contains("runs no code"), "{said}");
    let module = b"\x80\x02c__main__\nNet\n)\x81.";
    assert!(error(&zipped(&[("m/data.pkl", module)])).contains("`__main__.Net`"));
    assert!(error(&zipped(&[("m/data.pkl", b"\x80\x02}."), ("m/code/a.py", b"x")])).contains("TorchScript"));
}

#[test]
fn a_tensor_beyond_its_storage_or_without_end_is_an_error() {
    let pickle = |shape: &[u8], stride: &[u8]| {
        let mut p = b"\x80\x02}X\x06\x00\x00\x00weightctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQK\x00".to_vec();
        p.extend([shape, stride, b"\x89}tRs."].concat());
        p
    };
    let data = [0u8; 4];
    let read = |p: &[u8]| error(&zipped(&[("m/data.pkl", p), ("m/data/0", &data)]));
    assert!(read(&pickle(b"K\x02K\x02\x86", b"K\x02K\x01\x86")).contains("does not fit its 4 bytes"));
    // 2^31 - 1 by 2^31 - 1 times the same element.
    let wide = b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86";
    assert!(read(&pickle(wide, b"K\x00K\x00\x86")).contains("no network of a microcontroller is so large"));
    assert!(read(&pickle(b"J\xff\xff\xff\xffK\x01\x86", b"K\x01K\x01\x86")).contains("does not fit"));
}

#[test]
fn a_zip_bomb_stops_at_the_bound() {
    let zeros = vec![0u8; MOST_BYTES as usize + 10];
    let bomb = zipped(&[("m/data.pkl", &zeros)]);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    assert!(matches!(from_bytes(&bomb, &Asked::default()), Err(ImportError::TooLarge { .. })));
}

/// A field of a protobuf message.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut n = content.len();
    while n > 127 {
        bytes.push(n as u8 | 128);
        n >>= 7;
    }
    bytes.push(n as u8);
    bytes.extend(content);
    bytes
}

#[test]
fn a_graph_of_many_messages_or_other_operators_is_an_error() {
    let model = |graph: &[u8]| [b"\x08\x08".to_vec(), field(7, graph), field(8, &[16, 17])].concat();
    let nodes = field(1, &[]).repeat(300_000);
    assert!(error(&model(&nodes)).contains("more than"));
    let input = field(11, &[field(1, b"x"), field(2, &field(1, &[8, 1]))].concat());
    let node = field(1, &[field(1, b"x"), field(2, b"y"), field(3, b"step"), field(4, b"Loop")].concat());
    let said = error(&model(&[input, node, field(12, &field(1, b"y"))].concat()));
    assert!(said.contains("node step (Loop)") && said.contains("one node"), "{said}");
}
