// The notification sound: two synthesised notes of a third of a second; no file to fetch.

const NOTES = [
  [587, 0],
  [880, 0.11],
];
const LENGTH_S = 0.22;
let context = null;

/** Silent where the browser allows no sound before the first press. */
export function playNotificationSound() {
  const Context = globalThis.AudioContext;
  if (!Context) return;
  context ??= new Context();
  if (context.state === "suspended") context.resume().catch(() => {});
  for (const [hertz, after] of NOTES) {
    const from = context.currentTime + after;
    const tone = new OscillatorNode(context, { frequency: hertz, type: "sine" });
    const loudness = new GainNode(context, { gain: 0 });
    loudness.gain.setValueAtTime(0, from);
    loudness.gain.linearRampToValueAtTime(0.09, from + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.0001, from + LENGTH_S);
    tone.connect(loudness).connect(context.destination);
    tone.start(from);
    tone.stop(from + LENGTH_S);
  }
}
