//! `elman quantize --weights auto`: a format for each layer, so that the blob fits a budget of bytes at the least loss.
//!
//! Each layer alone is rounded to each narrower format and the model run in integers on the calibration examples; its loss is the
//! noise of the answers, as a share of the float network's, that comes in addition. Then, from int8 everywhere, the narrowing with
//! the least loss a byte is taken until the budget holds, and what is left of the budget widens layers again.

use std::cmp::Reverse;

use anyhow::{Result, ensure};
use elman::kernel::WeightFormat;
use serde::{Deserialize, Serialize};

use crate::ui::{Ui, bytes};
use elman_quant::network::LayerFormats;

/// What was measured of a layer in a format, all others in int8.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// Name of the format.
    pub format: String,
    /// Bytes of the blob.
    pub blob_bytes: usize,
    /// Noise of the answers in addition, as a share of their signal.
    pub loss: f64,
}

/// The format of a layer, and what it was chosen from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Choice {
    /// Number of the layer in the network.
    pub layer: usize,
    /// What the recipe calls it.
    pub name: String,
    /// The format that it has.
    pub format: String,
    /// Every format, from the widest.
    pub measured: Vec<Measured>,
}

/// A layer on the way to its format: bytes and loss of each format, from the widest, and the one that it has.
struct Layer {
    number: usize,
    name: String,
    options: Vec<(WeightFormat, usize, f64)>,
    at: usize,
}

impl Layer {
    /// Bytes saved and loss added by another format than the present one.
    fn change(&self, to: usize) -> (i64, f64) {
        let ((_, have, now), (_, bytes, loss)) = (self.options[self.at], self.options[to]);
        (have as i64 - bytes as i64, loss - now)
    }
}

/// Formats, from the widest.
fn formats() -> Vec<WeightFormat> {
    let mut all = WeightFormat::ALL.to_vec();
    all.sort_by_key(|format| Reverse(format.bits()));
    all
}

/// Chooses formats. `names` are those of the network's layers; `measure` gives bytes of the blob and the share of noise in the answers.
///
/// # Errors
/// Where the narrowest formats do not fit the budget either, or a measurement fails.
pub fn choose(
    names: &[String],
    budget: usize,
    mut measure: impl FnMut(&LayerFormats) -> Result<(usize, f64)>,
) -> Result<(LayerFormats, Vec<Choice>)> {
    let formats = formats();
    let base = LayerFormats::one(formats[0]);
    let (most, noise) = measure(&base)?;
    let mut layers = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let mut options = vec![(formats[0], most, 0.0)];
        for format in &formats[1..] {
            let mut tried = base.clone();
            tried.layers.insert(number, *format);
            let (bytes, with) = measure(&tried)?;
            if bytes < most {
                options.push((*format, bytes, (with - noise).max(0.0)));
            }
        }
        if options.len() > 1 {
            layers.push(Layer { number, name: name.clone(), options, at: 0 });
        }
    }
    fit(&mut layers, most as i64, budget as i64)?;
    let mut chosen = base;
    let choice = |layer: &Layer| {
        let of = |(format, blob_bytes, loss): &(WeightFormat, usize, f64)| Measured {
            format: format.name().to_owned(),
            blob_bytes: *blob_bytes,
            loss: *loss,
        };
        let format = layer.options[layer.at].0.name().to_owned();
        Choice {
            layer: layer.number,
            name: layer.name.clone(),
            format,
            measured: layer.options.iter().map(of).collect(),
        }
    };
    let choices = layers.iter().map(choice).collect();
    chosen.layers.extend(layers.iter().map(|layer| (layer.number, layer.options[layer.at].0)));
    Ok((chosen, choices))
}

/// Narrows layers from `bytes` until `budget` holds, and widens what fits.
fn fit(layers: &mut [Layer], mut bytes: i64, budget: i64) -> Result<()> {
    while bytes > budget {
        let changes = layers
            .iter()
            .enumerate()
            .flat_map(|(k, layer)| (layer.at + 1..layer.options.len()).map(move |to| (k, to, layer.change(to))));
        let least = changes.filter(|(.., (saved, _))| *saved > 0).min_by(|(.., a), (.., b)| {
            (a.1.max(0.0) / a.0 as f64).total_cmp(&(b.1.max(0.0) / b.0 as f64)).then(b.0.cmp(&a.0))
        });
        let Some((k, to, (saved, _))) = least else { break };
        layers[k].at = to;
        bytes -= saved;
    }
    ensure!(
        bytes <= budget,
        "the narrowest formats take {bytes} bytes, more than the budget of {budget}: make the budget larger or the network smaller"
    );
    loop {
        let changes =
            layers.iter().enumerate().flat_map(|(k, layer)| (0..layer.at).map(move |to| (k, to, layer.change(to))));
        let fits = changes.filter(|(.., (saved, loss))| bytes - saved <= budget && *loss < 0.0);
        let Some((k, to, (saved, _))) = fits.min_by(|(.., a), (.., b)| a.1.total_cmp(&b.1)) else { return Ok(()) };
        layers[k].at = to;
        bytes -= saved;
    }
}

/// A line for each layer.
pub fn show(choices: &[Choice], ui: Ui) {
    ui.line("    layer         format   of the blob's bytes and the answers' noise with this layer alone narrower");
    for Choice { layer, name, format, measured } in choices {
        let of = |m: &Measured| format!("{} {} {:.2} %", m.format, bytes(m.blob_bytes), 100.0 * m.loss);
        let all: Vec<String> = measured.iter().map(of).collect();
        ui.line(format!("{layer:>2}  {name:<12}  {format:<8} {}", all.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A large layer that bears four bits, a small one that does not, and one without weights.
    fn measure(formats: &LayerFormats) -> Result<(usize, f64)> {
        let bits = |layer: usize| formats.of(layer).bits() as usize;
        let loss = |bits: usize, of_four: f64| match bits {
            8 => 0.001,
            4 => of_four,
            _ => 20.0 * of_four,
        };
        Ok((500 + 1000 * bits(0) + 40 * bits(2), loss(bits(0), 0.01) + loss(bits(2), 0.3)))
    }

    fn chosen(budget: usize) -> Result<[u32; 2]> {
        let names = ["gru", "pool", "dense"].map(String::from);
        let (formats, choices) = choose(&names, budget, measure)?;
        assert_eq!(choices.iter().map(|c| c.layer).collect::<Vec<_>>(), [0, 2]);
        Ok([formats.of(0).bits(), formats.of(2).bits()])
    }

    #[test]
    fn what_saves_most_at_the_least_loss_is_narrowed() {
        assert_eq!(chosen(8820).unwrap(), [8, 8]);
        assert_eq!(chosen(8819).unwrap(), [4, 8]);
        assert_eq!(chosen(4820).unwrap(), [4, 8]);
        assert_eq!(chosen(2900).unwrap(), [2, 8]);
        assert_eq!(chosen(2800).unwrap(), [2, 4]);
        assert_eq!(chosen(2580).unwrap(), [2, 2]);
        let error = chosen(2579).unwrap_err().to_string();
        assert!(error.contains("2580 bytes") && error.contains("2579"), "{error}");
    }
}
