# Plays wav files (16 kHz, mono, 16 bits) to two published detectors of "alexa"; prints a line of JSON for each file and detector:
# seconds at which it fired. A detector that fires stays silent for the next second.
import json
import sys
import wave

import numpy
from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures
from pymicro_wakeword import Model as MicroModel
from pyopen_wakeword import Model as OpenModel
from pyopen_wakeword import OpenWakeWord, OpenWakeWordFeatures

RATE = 16000


def samples(path):
    with wave.open(path, "rb") as file:
        assert file.getframerate() == RATE and file.getsampwidth() == 2 and file.getnchannels() == 1, path
        return numpy.frombuffer(file.readframes(file.getnframes()), "<i2")


def rising(times):
    kept = []
    for time in times:
        if not kept or time - kept[-1] > 1.0:
            kept.append(time)
    return kept


def micro(path):
    detector = MicroWakeWord.from_builtin(MicroModel.ALEXA)
    front = MicroWakeWordFeatures()
    data, times = samples(path).tobytes(), []
    for at in range(0, len(data), 2560):
        for features in front.process_streaming(data[at : at + 2560]):
            if detector.process_streaming(features):
                times.append((at + 2560) / 2 / RATE)
    detector.close()
    return rising(times)


def open_(path):
    detector = OpenWakeWord.from_builtin(OpenModel.ALEXA)
    features = OpenWakeWordFeatures.from_builtin()
    data, times = samples(path).tobytes(), []
    for at in range(0, len(data), 2560):
        for frame in features.process_streaming(data[at : at + 2560]):
            for probability in detector.process_streaming(frame):
                if probability > 0.5:
                    times.append((at + 2560) / 2 / RATE)
    return rising(times)


for path in sys.argv[1:]:
    for name, play in (("microWakeWord", micro), ("openWakeWord", open_)):
        print(json.dumps({"file": path, "detector": name, "seconds": play(path)}), flush=True)
