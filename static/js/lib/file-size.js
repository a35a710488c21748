// Sizes of files in the reader's language: "640 kB", "1.2 MB". In powers of 1,000, as the systems' file managers show.

import { optional } from "./errors.js";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"];
const SHORT = ["B", "kB", "MB", "GB"];

export function fileSize(bytes, language = "en") {
  const power = Math.min(3, Math.max(0, Math.floor(Math.log10(Math.max(bytes, 1)) / 3)));
  const value = bytes / 1_000 ** power;
  const digits = power && value < 10 ? 1 : 0;
  const style = { style: "unit", unit: UNITS[power], unitDisplay: "short", maximumFractionDigits: digits };
  // A browser without units (Safari 14.0).
  const plain = () => `${value.toFixed(digits)} ${SHORT[power]}`;
  return optional(() => new Intl.NumberFormat(language, style).format(value), null) ?? plain();
}

/** 7 -> "0:07", 3725 -> "1:02:05". */
export function playTime(seconds) {
  const whole = Math.max(0, Math.round(seconds || 0));
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3_600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
