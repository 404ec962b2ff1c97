//! Seeds for the readers of files and of a line, and for what makes models.

use anyhow::{Context, Result};
use elman_data::wav_bytes;
use std::path::Path;

/// A file a format, in the order of `records::FORMATS`; `0xff` ends one, and the next begins.
const RECORDS: [&[&str]; 20] = [
    &["@problemName X\n@univariate false\n@dimensions 2\n@classLabel true a b\n@data\n1,2:3,4:a\n5:6:b\n"],
    &["1\t0.5\t0.25\n2\t1e-3\t-4\n", "2\t1\t2\n"],
    &["0,1,2,3,8\n4,5,6,7,9\n", "0,0,0,0,8\n"],
    &["1\n2\n", "1 2\n3 4\n", "1\n", "1 2\n"],
    &["-,-,-\n1,2,3\n4,5,6\n-,-,-\n0.1,0.2,1.0\n", "-,-,-\n9,9,9\n"],
    &["Abe\nNoah\n", "Ole\nKari\n"],
    &["U.N. NNP B-ORG\nheads VBZ O\n\nx X O\n", "y\tB-X\n"],
    &["# text\n1-2\tdu\t_\t_\n1\tde\t_\tADP\n2\tle\t_\tDET\n3\tvin\t_\tNOUN\n", "1\tx\t_\tX\n"],
    &["play it \nadd  this\n", "O B-x\nO O\n", "Play\nAdd\n"],
    &["(3 (2 It) (4 (2 really) (3 works)))\n\n(1 (2 No) (1 way))\n", "(3 so)\n"],
    &["0\t( a ( b c ) )\t( d e )\n1\ta\tb\n", "0\t( a b )\t( c d )\n"],
    &["Ah so\r\nOh", "Oh"],
    &["[{\"paragraphs\": [\"\u{79e6}\u{5ddd}\", \"\u{96c4}\u{3002}\"]}, {\"paragraphs\": []}]"],
    &["t,x,y\n1,2,3\n2,3,4\n3,4,5\n4,5,6\n"],
    &["IN: jump twice OUT: I_JUMP I_JUMP\nIN: walk OUT: I_WALK\n", "IN: run OUT: I_RUN\n"],
    &["fly\tflew\tV;PST\ngo\twent\tV;PST\n", "eat\tate\tV;PST\n"],
    &["Run.\tLauf.\nHi.\tHallo.\tCC-BY\n"],
    &["2\n2 0\n0 1 1\n1 1 0\n3 1\n0 1 1\n0 2 0 2\n1 1 1\n", "1\n2\n"],
    &[
        "{\"node_feat\": [[5, 0], [6, 1]], \"edge_index\": [[0, 1], [1, 0]], \"edge_attr\": [[0], [0]], \"y\": [1.5], \"num_nodes\": 2}\n",
        "{\"num_nodes\": 0}\n",
    ],
    &["\u{93}NUMPY", "a,b,label\n1,2,x\n3,4,x\n"],
];

const RECIPES: [&str; 3] = [
    include_str!("../../../../tools/recipes/fsdd.toml"),
    include_str!("../../../../tools/recipes/reverse.toml"),
    include_str!("../../../../tools/recipes/mutag.toml"),
];

/// Writes them below `seeds`.
pub fn write(seeds: &Path) -> Result<()> {
    let save = |target: &str, name: &str, bytes: &[u8]| {
        let folder = seeds.join(target);
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        std::fs::write(folder.join(name), bytes).with_context(|| folder.display().to_string())
    };
    for (k, files) in RECORDS.iter().enumerate() {
        let mut bytes = vec![k as u8];
        for (n, file) in files.iter().enumerate() {
            bytes.extend((n > 0).then_some(0xff));
            bytes.extend(file.as_bytes());
        }
        save("records", &format!("format-{k}"), &bytes)?;
    }
    for (k, recipe) in RECIPES.iter().enumerate() {
        save("recipe", &format!("recipe-{k}"), format!("{recipe}\0train.epochs=3\nname=kitchen").as_bytes())?;
    }
    let samples: Vec<i16> = (0..300).map(|k| (k * 71) as i16).collect();
    save("sound", "wav", &wav_bytes(&samples, 8000))?;
    save("sound", "aiff", b"FORM\0\0\0\x2eAIFFCOMM\0\0\0\x12\0\x01\0\0\0\x02\0\x10\x40\x0b\xfa\0\0\0\0\0\0\0SSND\0\0\0\x0c\0\0\0\0\0\0\0\0\0\x01\0\x02")?;
    let mut manifest = vec![0];
    manifest.extend(b"file,label,speaker\na/1.wav,a,x\nb/1.wav,b,x\na/2.wav,a,y\n\xfffile,label\nb/2.wav,b\n");
    save("corpus", "manifests", &manifest)?;
    let mut archive = vec![1];
    archive.extend(tar("a/1.wav", &wav_bytes(&samples, 8000)));
    save("corpus", "tar", &archive)?;
    // A model of each kind, changed or not, and requests.
    for kind in 0..9u8 {
        for more in 0..4u8 {
            let mut random = u32::from(kind) * 4 + u32::from(more) + 1;
            let mut bytes = vec![more, kind];
            bytes.extend((0..160).map(|_| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (random >> 24) as u8
            }));
            save("models", &format!("kind-{kind}-{more}"), &bytes)?;
            save("protocol", &format!("kind-{kind}-{more}"), &bytes)?;
        }
    }
    Ok(())
}

/// An archive of one file.
fn tar(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut head = [0u8; 512];
    head[..name.len()].copy_from_slice(name.as_bytes());
    head[100..107].copy_from_slice(b"0000644");
    let size = format!("{:011o}", bytes.len());
    head[124..135].copy_from_slice(size.as_bytes());
    head[156] = b'0';
    head[257..263].copy_from_slice(b"ustar\0");
    head[148..156].fill(b' ');
    let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
    head[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut file = head.to_vec();
    file.extend(bytes);
    file.resize(file.len().next_multiple_of(512) + 1024, 0);
    file
}
