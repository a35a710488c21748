// The shape of files on the page: the box of a picture, the bars of a waveform, which of them are shown. As
// conversations/views/file_views.py makes it; tests/golden/files.json holds both to it.

const LONGEST = 368;
const SHORTEST = 180;
const TALLEST = 3 / 4;
const WIDEST = 16 / 9;
const SHOWN = 4;
const BAR = 4;
const WAVE_HEIGHT = 32;
const FLAT = Array(48).fill(8);

export const isSeen = ({ kind }) => kind === "picture" || kind === "video";

/** [width, height] of a picture that is alone: its box is there before the picture, so that nothing moves. */
export function boxOf({ width, height }) {
  if (!width || !height) return [LONGEST, Math.round((LONGEST / 4) * 3)];
  const ratio = Math.min(WIDEST, Math.max(TALLEST, width / height));
  const long = Math.min(LONGEST, Math.max(SHORTEST, width, height));
  return ratio >= 1 ? [long, Math.round(long / ratio)] : [Math.round(long * ratio), long];
}

/** {width, path} of an SVG. */
export function waveOf(peaks) {
  const bars = peaks?.length ? peaks : FLAT;
  const half = (peak) => Math.max(1, Math.round((peak / 100) * (WAVE_HEIGHT / 2 - 2)));
  return {
    width: bars.length * BAR,
    path: bars.map((peak, at) => `M${at * BAR + 2} ${WAVE_HEIGHT / 2 - half(peak)}v${2 * half(peak)}`).join(""),
  };
}

/** "pictures", "media" (with videos), "rows", or "" without files; how many are in the grid. */
export function layoutOf(files) {
  const seen = files.filter(isSeen);
  const grid = Math.min(seen.length, SHOWN);
  if (!files.length || seen.length < files.length) return { layout: files.length ? "rows" : "", grid };
  return { layout: seen.every(({ kind }) => kind === "picture") ? "pictures" : "media", grid };
}

/** For each file: of the last picture that is shown, how many follow; of these, -1; otherwise 0. */
export function beyondOf(files) {
  const seen = files.filter(isSeen);
  const hidden = seen.slice(SHOWN);
  const last = hidden.length ? seen[SHOWN - 1] : null;
  return files.map((file) => (file === last ? hidden.length : hidden.includes(file) ? -1 : 0));
}

export const addressOf = (id, what) => `/files/${id}/${what}`;
export const downloadOf = ({ id, name }) => addressOf(id, encodeURIComponent(name));
/** A video has a picture of its own if its sender's browser has drawn one. */
export const hasStill = ({ kind, placeholder }) => kind === "picture" || (kind === "video" && Boolean(placeholder));
