// A frame of a video as a picture, which is shown before it plays. Drawn by this browser: the server does not decode
// videos.

const LONGEST_EDGE = 1_280;
const MOST_BYTES = 1024 * 1024;
const PATIENCE_MS = 10_000;

const heard = (element, type) =>
  new Promise((done, failed) => {
    element.addEventListener(type, done, { once: true });
    element.addEventListener("error", () => failed(element.error), { once: true });
    setTimeout(() => failed(new Error(type)), PATIENCE_MS);
  });

const drawn = (canvas, quality) => new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));

/** A JPEG, or null where the browser cannot draw it. */
export async function stillOf(blob) {
  const url = URL.createObjectURL(blob);
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, preload: "auto" });
  try {
    const isLoaded = heard(video, "loadeddata");
    video.src = url;
    await isLoaded;
    const at = Math.min(1, Number.isFinite(video.duration) ? video.duration / 3 : 0);
    if (at > 0) {
      const isThere = heard(video, "seeked");
      video.currentTime = at;
      await isThere;
    }
    const { videoWidth, videoHeight } = video;
    const scale = Math.min(1, LONGEST_EDGE / Math.max(videoWidth, videoHeight));
    const canvas = Object.assign(document.createElement("canvas"), {
      width: Math.max(1, Math.round(videoWidth * scale)),
      height: Math.max(1, Math.round(videoHeight * scale)),
    });
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const still = await drawn(canvas, 0.8);
    return still && still.size <= MOST_BYTES ? still : await drawn(canvas, 0.4);
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(url);
  }
}
