use elman_tools::data::*;
use std::time::Instant;
fn main() {
    let mut a = std::env::args().skip(1);
    let dir = a.next().unwrap();
    let t = Instant::now();
    let c = Corpus::open(&dir, &Options::default()).unwrap_or_else(|e| { eprintln!("{e}"); std::process::exit(1) });
    println!("{:?} {} Hz {:?} train {} valid {} test {} noise {} carved {} in {:?}", c.layout, c.sample_rate, c.labels, c.train.len(), c.valid.len(), c.test.len(), c.noise.len(), c.valid_is_carved, t.elapsed());
    for n in &c.notes { println!("{n}") }
    let config = if c.sample_rate == 8000 { elman::audio::Config::HZ_8000 } else { elman::audio::Config::HZ_16000 };
    let t = Instant::now();
    let mut n = 0; let mut sum = 0u64; let mut len = 0;
    for clip in &c.train { len += clip.samples.len(); let f = features(&clip.samples, &config).unwrap(); n += 1; sum += f.iter().map(|&x| x as u64).sum::<u64>(); }
    println!("features: {:?} per clip of {:.2} s, checksum {sum}", t.elapsed() / n, len as f32 / n as f32 / c.sample_rate as f32);
    let t = Instant::now();
    let aug = Augment { gain_db: 6.0, shift: 1600, noise_share: 0.8, noise_snr_db: (5.0, 30.0) };
    for (i, clip) in c.train.iter().enumerate() { let s = aug.apply(&clip.samples, &c.noise, i as u64); sum += s[0] as u64 & 1; }
    println!("augment: {:?} per clip", t.elapsed() / n);
    if let Some(p) = a.next() {
        use std::io::Write;
        let mut f = std::fs::File::create(p).unwrap();
        for clip in &c.train { if clip.name.contains("7_jackson") { for x in &clip.samples { f.write_all(&x.to_le_bytes()).unwrap(); } } }
    }
}
