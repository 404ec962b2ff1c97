#!/usr/bin/env python3
"""Makes the bundled recordings: synthetic English words, spoken by espeak-ng in many voices.

    apt-get install espeak-ng sox flac
    python3 make.py                       writes clips.tar, train.csv, valid.csv, test.csv beside this file

Each clip is one word, 16 kHz, 16 bit, mono, exactly 1 s. A voice (an espeak-ng variant) is in one split only. The
output depends on the versions of the three programs and on SEED, on nothing else.
"""

import concurrent.futures
import csv
import io
import pathlib
import random
import subprocess
import tarfile

SEED = 1990
RATE = 16000
COMMANDS = "yes no up down left right on off stop go".split()
UNKNOWN = (
    "one two three four five seven eight nine bird cat dog house happy marvin sheila tree wow bed learn follow "
    "open close visual forward"
).split()
ACCENTS = "en-gb en-us en-gb-scotland en-gb-x-gbclan en-gb-x-rp en-gb-x-gbcwmd en-029 en-us-nyc".split()
# Each line is one person: variants that sound alike stay together.
PEOPLE = """
m1|m2|m3|m4|m5|m6|m7|m8|f1|f2|f3|f4|f5|adam|Alex|Alicia|Andrea|Andy|Annie|anika|antonio|announcer|aunty|belinda
benjamin|boris|caleb|david|Denis|Diogo|ed|edward edward2|Gene Gene2|grandma|grandpa|gustave|Henrique|Hugo
iven iven2 iven3|Jacky|john|klatt klatt2|klatt3 klatt4|klatt6|Lee|linda|marcelo|Marco|Mario|max|Michael|michel
miguel|Mike|Nguyen|norbert|pablo|paul|pedro|quincy|rob|robert|RicishayMax RicishayMax2|sandro|shelby
steph steph2 steph3|travis|victor|zac
"""
# Share of the people, and how often each of them says every command and how many unknown words in all.
SPLITS = {"train": (0.66, 1, 5), "valid": (0.17, 1, 5), "test": (0.17, 1, 5)}


def speak(job):
    """One clip as FLAC bytes, or None where the word does not fit a second."""
    voice, word, pitch, speed, peak, place = job
    wav = run(["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(speed), "--stdout", word], None)
    # Without the silence around the word, at the wanted rate; no dither, so that the result repeats.
    trim = ["silence", "1", "0.005", "0.3%", "reverse", "silence", "1", "0.005", "0.3%", "reverse"]
    raw_format = ["-t", "raw", "-e", "signed", "-b", "16", "-c", "1", "-L"]
    raw = run(["sox", "-D", "-t", "wav", "-", *raw_format, "-", "gain", "-3", "rate", "-v", str(RATE), *trim], wav)
    samples = memoryview(raw).cast("h")
    if not 0.1 * RATE < len(samples) < 0.95 * RATE:
        return None
    loudest = max(abs(x) for x in samples)
    # Quieter than full scale: fewer bits to store, and training varies the gain anyway.
    body = b"".join((x * peak // loudest).to_bytes(2, "little", signed=True) for x in samples)
    before = int(place * (RATE - len(samples)))
    clip = bytes(2 * before) + body
    clip += bytes(2 * RATE - len(clip))
    flac = ["flac", "-s", "-8", "-e", "-p", "--no-padding", "--no-seektable", "--stdout", "--force-raw-format"]
    shape = ["--endian=little", "--sign=signed", "--channels=1", "--bps=16", f"--sample-rate={RATE}", "-"]
    return run(flac + shape, clip)


def run(command, data):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def plan():
    """(split, file, label, word, speaker, job) of every clip."""
    chance = random.Random(SEED)
    people = [p.split() for line in PEOPLE.split("\n") for p in line.split("|") if p.strip()]
    chance.shuffle(people)
    first = 0.0
    for split, (share, repetitions, unknown) in SPLITS.items():
        chosen = people[round(first * len(people)) : round((first + share) * len(people))]
        first += share
        for variants in chosen:
            words = [(w, w) for w in COMMANDS * repetitions] + [("unknown", w) for w in chance.sample(UNKNOWN, unknown)]
            for number, (label, word) in enumerate(words):
                voice = f"{chance.choice(ACCENTS)}+{chance.choice(variants)}"
                job = (voice, word, chance.randint(20, 80), chance.randint(130, 210), chance.randint(2500, 6000),
                       chance.uniform(0.1, 0.9))
                speaker = variants[0]
                yield split, f"{split}/{label}/{speaker}_{number:02}_{word}.flac", label, word, speaker, job


def main():
    here = pathlib.Path(__file__).parent
    clips = list(plan())
    with concurrent.futures.ThreadPoolExecutor() as pool:
        sounds = list(pool.map(lambda clip: speak(clip[-1]), clips))
    rows = {split: [] for split in SPLITS}
    with tarfile.open(here / "clips.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for (split, file, label, word, speaker, job), sound in sorted(zip(clips, sounds)):
            if sound is None:
                print(f"left out, longer than a second or shorter than a tenth: {file} ({job[0]})")
                continue
            member = tarfile.TarInfo(file)
            member.size = len(sound)
            tar.addfile(member, io.BytesIO(sound))
            rows[split].append((file, label, speaker, word, job[0]))
    for split, lines in rows.items():
        with open(here / f"{split}.csv", "w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(("file", "label", "speaker", "word", "voice"))
            writer.writerows(lines)
        people = len({line[2] for line in lines})
        print(f"{split}: {len(lines)} clips of {people} voices")
    print(f"clips.tar: {(here / 'clips.tar').stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
