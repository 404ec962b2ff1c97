//! A spectrogram with the probabilities below it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::chart::{Line, lines};
use super::html::Escaped;
use elman_listen::Scene;

/// A picture of 256 greys, rows from the bottom up, as BMP: the one format that needs no compression.
fn bitmap(width: usize, rows: &[Vec<u8>]) -> Vec<u8> {
    let stride = width.next_multiple_of(4);
    let offset = 14 + 40 + 1024;
    let mut out = b"BM".to_vec();
    let mut words = |list: &[u32]| list.iter().for_each(|w| out.extend(w.to_le_bytes()));
    words(&[(offset + stride * rows.len()) as u32, 0, offset as u32, 40, width as u32, rows.len() as u32]);
    words(&[1 | 8 << 16, 0, 0, 0, 0, 256, 0]);
    words(&(0..256u32).map(|v| (255 - v) * 0x0001_0101).collect::<Vec<_>>());
    for row in rows {
        out.extend(row);
        out.resize(out.len() + stride - width, 0);
    }
    out
}

pub(super) fn render(scene: &Scene) -> String {
    let values = || scene.bands.iter().flatten().copied();
    let (Some(low), Some(high)) = (values().min(), values().max()) else { return String::new() };
    let span = f64::from((high - low).max(1));
    let channels = scene.bands.first().map_or(0, Vec::len);
    let rows: Vec<Vec<u8>> = (0..channels)
        .map(|c| scene.bands.iter().map(|f| (f64::from(f[c] - low) / span * 255.0) as u8).collect())
        .collect();
    let picture = BASE64_STANDARD.encode(bitmap(scene.bands.len(), &rows));
    let title = Escaped(&scene.title);
    let curves: Vec<Line> = scene
        .tracks
        .iter()
        .map(|(name, values)| Line {
            name: name.clone(),
            points: values.iter().enumerate().map(|(t, p)| (t as f64 * scene.hop_s, *p)).collect(),
        })
        .collect();
    format!(
        "<div><figure><h3>{title}</h3><img alt=\"{title}\" src=\"data:image/bmp;base64,{picture}\" \
         style=\"width:100%;max-width:620px;height:128px;image-rendering:pixelated\"/></figure>{}</div>",
        lines("Mean probability", "seconds", &curves, Some((0.0, 1.0)))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitmap_has_the_size_it_says() {
        let bytes = bitmap(5, &[vec![0; 5], vec![255; 5]]);
        assert_eq!(bytes.len(), 14 + 40 + 1024 + 2 * 8);
        assert_eq!(bytes[2..6], (bytes.len() as u32).to_le_bytes());
        let scene = Scene {
            title: "missed: <yes>".into(),
            bands: vec![vec![1, 2], vec![3, -4]],
            tracks: vec![("yes".into(), vec![0.1, 0.9])],
            hop_s: 0.02,
        };
        let html = render(&scene);
        assert!(html.contains("missed: &lt;yes&gt;") && html.contains("data:image/bmp;base64,Qk"), "{html}");
        assert_eq!(render(&Scene::default()), "");
    }
}
