// The microphone, as it is: no gain control, no noise suppression, no echo canceller, at the rate that was asked for.

/** What the browser really gives. */
export interface Given {
  label: string;
  rate: number;
  deviceRate: number | undefined;
  gain: boolean | undefined;
  noise: boolean | undefined;
  echo: boolean | undefined;
}

export interface Microphone {
  given: Given;
  context: AudioContext;
  /** What the microphone's samples go into. */
  source: MediaStreamAudioSourceNode;
  close(): void;
}

/** Opens it. The browser converts from the microphone's rate to the context's. */
export async function openMicrophone(rate: number): Promise<Microphone> {
  if (!navigator.mediaDevices) throw new Error("insecure");
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { autoGainControl: false, noiseSuppression: false, echoCancellation: false, channelCount: 1 },
  });
  const context = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
  const track = stream.getAudioTracks()[0];
  const settings = track.getSettings();
  await context.resume();
  return {
    given: {
      label: track.label,
      rate: context.sampleRate,
      deviceRate: settings.sampleRate,
      gain: settings.autoGainControl,
      noise: settings.noiseSuppression,
      // Newer browsers answer with the kind of canceller instead of true.
      echo: settings.echoCancellation === undefined ? undefined : Boolean(settings.echoCancellation),
    },
    context,
    source: context.createMediaStreamSource(stream),
    close() {
      stream.getTracks().forEach((t) => t.stop());
      void context.close();
    },
  };
}
