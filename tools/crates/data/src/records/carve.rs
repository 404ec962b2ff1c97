//! A validation part out of train, where a folder has none. It depends on the data only, so it is always the same.

use super::{Answer, Format, Input, Record, Records};
use crate::ExampleStructure;
use std::collections::{BTreeMap, HashSet};

/// Moves about `share` of train into valid; false if there is too little to part.
///
/// Of windows, which overlap, the last ones of every label. Of a single long example its last part. Otherwise the same
/// share of every label, by a hash of the content, so that equal examples stay together.
pub(super) fn valid(records: &mut Records, share: f64) -> bool {
    if let [only] = &mut records.train[..] {
        let Some(tail) = cut(only, records.channels.len(), records.outputs.len(), share) else {
            return false;
        };
        records.valid.push(tail);
        return true;
    }
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (k, record) in records.train.iter().enumerate() {
        let label = match &record.answer {
            Answer::Label(label) => label.clone(),
            _ => String::new(),
        };
        groups.entry(label).or_default().push(k);
    }
    let mut chosen = vec![false; records.train.len()];
    let by_hash = records.format != Format::Channels;
    let hashes: Vec<[u8; 20]> = records.train.iter().filter(|_| by_hash).map(|r| hash(&r.input)).collect();
    for members in groups.values_mut() {
        match by_hash {
            true => members.sort_by_key(|&k| (hashes[k], k)),
            false => members.reverse(),
        }
        let count = ((members.len() as f64 * share).round() as usize).min(members.len() - 1);
        members[..count].iter().for_each(|&k| chosen[k] = true);
    }
    if by_hash {
        let apart: HashSet<[u8; 20]> = (0..chosen.len()).filter(|&k| chosen[k]).map(|k| hashes[k]).collect();
        for members in groups.values() {
            let equal: Vec<usize> = members.iter().copied().filter(|&k| apart.contains(&hashes[k])).collect();
            if equal.len() < members.len() {
                equal.into_iter().for_each(|k| chosen[k] = true);
            }
        }
    }
    let mut chosen = chosen.into_iter();
    (records.valid, records.train) =
        std::mem::take(&mut records.train).into_iter().partition(|_| chosen.next() == Some(true));
    !records.valid.is_empty()
}

/// Cuts the last `share` of the steps off a record.
fn cut(record: &mut Record, channels: usize, outputs: usize, share: f64) -> Option<Record> {
    let first = |count: usize| Some(count - (count as f64 * share).round() as usize).filter(|&k| 0 < k && k < count);
    let name = format!("{} (end)", record.name);
    match (&mut record.input, &mut record.answer) {
        (Input::Symbols(symbols), Answer::None) => {
            let at = first(symbols.len())?;
            Some(Record {
                name,
                input: Input::Symbols(symbols.split_off(at)),
                joints: ExampleStructure::None,
                answer: Answer::None,
            })
        }
        (Input::Values(input), Answer::Values(answer)) => {
            let at = first(answer.len() / outputs.max(1))?;
            let input = Input::Values(input.split_off((at * channels).min(input.len())));
            Some(Record {
                name,
                input,
                joints: ExampleStructure::None,
                answer: Answer::Values(answer.split_off(at * outputs)),
            })
        }
        _ => None,
    }
}

/// A number that depends on the content only, today and in every later version.
pub(super) fn hash(input: &Input) -> [u8; 20] {
    let mut digest = sha1_smol::Sha1::new();
    match input {
        // As f32, which values once were.
        Input::Values(values) => values.iter().for_each(|v| digest.update(&(*v as f32).to_le_bytes())),
        Input::Symbols(symbols) => symbols.iter().for_each(|s| {
            digest.update(s.as_bytes());
            digest.update(&[0]);
        }),
    }
    digest.digest().bytes()
}
