// The microphone: recorded by the browser (MediaRecorder), with its level.

/** What every browser of today plays comes first. */
const TYPES = ["audio/mp4;codecs=opus", "audio/webm;codecs=opus", "audio/mp4"];
const BITS_PER_S = 48_000;
const CHUNK_MS = 1_000;

export const canRecord = () => Boolean(globalThis.MediaRecorder && navigator.mediaDevices?.getUserMedia);

/** "granted", "prompt", "denied", or "unknown" where the browser does not tell. */
export async function microphonePermission() {
  try {
    return (await navigator.permissions.query({ name: "microphone" })).state;
  } catch {
    return "unknown";
  }
}

/**
 * Records from now on. Rejects as `getUserMedia` does: NotAllowedError, NotFoundError, NotReadableError. `onLost()`:
 * the microphone was unplugged, or taken by something else.
 */
export async function openMicrophone({ onLost }) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  const recorder = new MediaRecorder(stream, { ...(mimeType && { mimeType }), audioBitsPerSecond: BITS_PER_S });
  const chunks = [];
  const type = () => (recorder.mimeType || mimeType || "audio/webm").split(";")[0];
  const blob = () => new Blob(chunks, { type: type() });
  const next = (name) => new Promise((done) => recorder.addEventListener(name, done, { once: true }));
  const meter = levelMeter(stream);
  recorder.addEventListener("dataavailable", ({ data }) => data.size && chunks.push(data));
  stream.getAudioTracks()[0].addEventListener("ended", onLost);
  recorder.start(CHUNK_MS);
  return {
    get type() {
      return type();
    },
    level: () => meter.level(),
    pause: () => recorder.state === "recording" && recorder.pause(),
    resume: () => recorder.state === "paused" && recorder.resume(),
    /** What is recorded until now. */
    async data() {
      if (recorder.state === "inactive") return blob();
      const isHere = next("dataavailable");
      recorder.requestData();
      await isHere;
      return blob();
    },
    /** Ends it, and the browser no longer shows that the page listens. */
    async stop() {
      if (recorder.state !== "inactive") {
        const isDone = next("stop");
        recorder.stop();
        await isDone;
      }
      for (const track of stream.getTracks()) track.stop();
      meter.close();
      return blob();
    },
  };
}

function levelMeter(stream) {
  if (!globalThis.AudioContext) return { level: () => 0, close() {} };
  const context = new AudioContext();
  const analyser = Object.assign(context.createAnalyser(), { fftSize: 1_024 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return {
    level() {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      return Math.min(1, Math.sqrt(power) * 3);
    },
    close: () => context.close(),
  };
}
