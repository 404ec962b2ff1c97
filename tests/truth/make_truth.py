"""Numbers of other programs for tools/crates/pipeline/src/evaluate/score/truth.rs: features of sound by librosa, and figures of
scikit-learn, seqeval and sacrebleu, with the inputs they were computed from. Writes truth.json next to this file.

    pip install -r requirements.txt && python make_truth.py
"""

import json
import pathlib

import librosa
import numpy as np
import sacrebleu
import scipy.fft
import scipy.signal
import sklearn
import sklearn.metrics
from seqeval import metrics as spans
from seqeval.scheme import IOB2  # noqa: F401  (the default mode is that of conlleval, which is compared)

random = np.random.default_rng(7)


def voice(rate, seconds, loudness):
    """A gliding tone with overtones, and noise."""
    t = np.arange(int(rate * seconds)) / rate
    phase = 2 * np.pi * (120 * t + 60 * t * t)
    tone = sum(np.sin(k * phase) / k for k in range(1, 20)) * np.hanning(len(t))
    return np.round(loudness * (tone / 3 + random.normal(size=len(t)) / 30)).clip(-32768, 32767).astype(np.int16)


def bands(samples, config):
    """Energies of the mel bands of each frame, by librosa."""
    window = config["window"]
    # Each sample stands for the middle of its interval.
    hann = np.sin(np.pi * (np.arange(window) + 0.5) / window) ** 2
    frames = librosa.util.frame(samples.astype(np.float64), frame_length=window, hop_length=config["hop"])
    if config["remove_dc"]:
        frames = frames - frames.mean(axis=0)
    power = np.abs(np.fft.rfft(frames * hann[:, None], n=config["fft"], axis=0)) ** 2
    mel = librosa.filters.mel(
        sr=config["sample_rate"],
        n_fft=config["fft"],
        n_mels=config["channels"],
        fmin=config["low_hz"],
        fmax=config["high_hz"],
        htk=True,
        norm=None,
        dtype=np.float64,
    )
    return mel @ power + 2.0 ** config["floor_log2"]


def pcen(energies, p):
    """Per-channel energy normalisation by librosa; the mean begins as the first frame's energies."""
    b = 2.0 ** -p["smoothing_log2"]
    zi = (1 - b) * energies[:, :1]
    return librosa.pcen(energies, gain=p["alpha"], bias=p["delta"], power=p["r"], b=b, eps=1e-6, zi=zi)


def sound():
    base = dict(sample_rate=16000, window=512, hop=320, fft=512, channels=32, low_hz=20, high_hz=7600, floor_log2=10)
    narrow = dict(sample_rate=8000, window=256, hop=160, fft=256, channels=32, low_hz=20, high_hz=3800, floor_log2=10)
    normalised = dict(smoothing_log2=5, alpha=32113 / 32768, delta=8192 / 4096, r=0.5)
    cases = []
    for name, config, loudness in [("16 kHz", base, 8000), ("8 kHz", narrow, 8000), ("quiet", base, 40)]:
        config = dict(config, remove_dc=True)
        samples = voice(config["sample_rate"], 0.3, loudness)
        energies = bands(samples, config)
        log = np.log2(energies)
        cases.append(dict(name=f"log-mel, {name}", config=config, pcen=None, cepstrum=0, samples=samples, features=log.T))
        # c_k = 2/N sum, c_0 the mean: half of that.
        dct = scipy.fft.dct(log, type=2, axis=0)[:13] / config["channels"]
        dct[0] /= 2
        cases.append(dict(name=f"MFCC, {name}", config=config, pcen=None, cepstrum=13, samples=samples, features=dct.T))
        features = pcen(energies, normalised)
        cases.append(
            dict(name=f"PCEN, {name}", config=config, pcen=normalised, cepstrum=0, samples=samples, features=features.T)
        )
    return [
        dict(case, samples=case["samples"].tolist(), features=np.round(case["features"], 5).tolist()) for case in cases
    ]


def labels():
    wanted = random.integers(0, 5, 300)
    said = np.where(random.random(300) < 0.7, wanted, random.integers(0, 5, 300))
    precision, recall, f1, _ = sklearn.metrics.precision_recall_fscore_support(
        wanted, said, labels=range(5), zero_division=0
    )
    macro = sklearn.metrics.f1_score(wanted, said, average="macro")
    numbers = dict(precision=precision.tolist(), recall=recall.tolist(), f1=f1.tolist(), macro_f1=macro)
    return dict(wanted=wanted.tolist(), said=said.tolist(), **numbers)


def tags():
    names = ["O", "O", "B-x", "I-x", "B-y", "I-y"]
    wanted = [[str(random.choice(names)) for _ in range(random.integers(1, 15))] for _ in range(60)]
    said = [[t if random.random() < 0.7 else str(random.choice(names)) for t in line] for line in wanted]
    return dict(
        wanted=wanted,
        said=said,
        precision=float(spans.precision_score(wanted, said)),
        recall=float(spans.recall_score(wanted, said)),
        f1=float(spans.f1_score(wanted, said)),
    )


def symbols():
    wanted = [random.integers(0, 12, random.integers(5, 20)).tolist() for _ in range(50)]
    said = []
    for line in wanted:
        other = [s if random.random() < 0.85 else int(random.integers(0, 12)) for s in line]
        said.append(other[: max(1, len(other) - int(random.integers(0, 3)))])
    text = [[" ".join(f"s{s}" for s in line) for line in lines] for lines in (said, wanted)]
    bleu = sacrebleu.corpus_bleu(text[0], [text[1]], tokenize="none", smooth_method="none", force=True).score / 100
    return dict(wanted=wanted, said=said, bleu=bleu)


def values():
    wanted = np.round(random.normal(size=200) * 3 + 1, 4)
    said = np.round(wanted + random.normal(size=200) / 2, 4)
    rmse = float(np.sqrt(sklearn.metrics.mean_squared_error(wanted, said)))
    most = float(sklearn.metrics.max_error(wanted, said))
    return dict(wanted=wanted.tolist(), said=said.tolist(), rmse=rmse, nrmse=rmse / float(wanted.std()), most=most)


programs = {m.__name__: m.__version__ for m in (librosa, sklearn, sacrebleu, np)}
truth = dict(programs=programs, sound=sound(), labels=labels(), tags=tags(), symbols=symbols(), values=values())
path = pathlib.Path(__file__).with_name("truth.json")
path.write_text(json.dumps(truth, separators=(",", ":")) + "\n")
print(path, path.stat().st_size, "bytes;", ", ".join(f"{k} {v}" for k, v in programs.items()))
