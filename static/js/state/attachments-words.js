// Files in words: in the list of chats, in quotes, announcements and notifications. As
// conversations/views/file_views.py says it; tests/golden/files.json holds both to it.

const KILO = 1_000;
const RISKY = new Set(
  (
    "apk app appimage bat bin cmd com cpl deb dll dmg docm exe gadget hta img ins iso jar js jse lnk msc msi msp mst " +
    "pif pkg ps1 pptm py reg rpm run scf scr sh sys url vb vbe vbs wsf wsh xlsm"
  ).split(" "),
);

/** 0:24, 12:05 or 1:00:00. */
export function clockText(seconds) {
  const whole = Math.round(seconds || 0);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** 1.5 MB; units of a thousand, as phones and Macs count them. */
export function sizeText(size, t) {
  if (size < KILO) return t("{n} B", { n: String(size) });
  let power = 1;
  // 999.6 kB are 1 MB: rounded before the unit is chosen.
  while (power < 3 && Math.round(size / KILO ** power) >= KILO) power += 1;
  const value = size / KILO ** power;
  const tenths = Math.round(value * 10);
  const number = t.number(tenths < 100 ? tenths / 10 : Math.round(value));
  return [t("{n} kB", { n: number }), t("{n} MB", { n: number }), t("{n} GB", { n: number })][power - 1];
}

/** In lower case; empty if the name has none that could be one. */
export const endingOf = (name) => /^.+\.([a-z0-9]{1,8})$/is.exec(name)?.[1].toLowerCase() ?? "";

/** A file of this name can run programs. */
export const isRisky = (name) => RISKY.has(endingOf(name));

export const detailsOf = ({ name, size }, t) =>
  [endingOf(name).toUpperCase(), sizeText(size, t)].filter(Boolean).join(" · ");

/** All that is known of a file but its name. */
export const factsOf = (file, t) =>
  [
    file.kind !== "file" && kindWord(file.kind, t),
    file.width && `${file.width} × ${file.height}`,
    file.seconds && clockText(file.seconds),
    detailsOf(file, t),
  ]
    .filter(Boolean)
    .join(" · ");

/** The word of a kind of file, of which no more is known. */
export const kindWord = (kind, t) =>
  ({ picture: t("Photo"), video: t("Video"), voice: t("Voice message"), file: t("File") })[kind] ?? "";

const one = ({ kind, name, seconds }, t) => {
  if (kind === "file") return name;
  if (kind === "voice" && seconds) return t("Voice message, {time}", { time: clockText(seconds) });
  return kindWord(kind, t);
};

/** What stands for a message without a text; of several pictures, how many. */
export function words(files, t) {
  if (!files?.length) return "";
  const isAllPictures = files.every(({ kind }) => kind === "picture");
  if (files.length > 1 && isAllPictures) return t("{n} photo|{n} photos", { n: files.length });
  return one(files[0], t);
}

export const ICONS = { picture: "image", video: "video", voice: "mic", file: "file-text" };
