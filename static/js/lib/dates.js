// Formats times for the reader's language and time zone: 14:07, Yesterday, Monday, 16 November.

import { optional } from "./errors.js";

const DAY_MS = 86_400_000;
const noonOf = (key) => Date.parse(`${key}T12:00:00Z`);
const capital = (word) => word.charAt(0).toLocaleUpperCase() + word.slice(1);

const CYCLES = { 12: "h12", 24: "h23" };

/** If the browser cannot format for this language, it formats in English, or else as an ISO time. */
const formatter = (language, options) =>
  optional(() => new Intl.DateTimeFormat(language, options)) ??
  optional(() => new Intl.DateTimeFormat("en", options)) ?? {
    format: (date) => date.toISOString().slice(0, 16).replace("T", " "),
  };

/**
 * `moment` is anything `new Date` takes; a day key is "2026-11-21" in the reader's zone. `hours()` is "12", "24", or
 * what the language does; `now()` the time of the server.
 */
export function dates({ language = "en", t, zone, hours = () => null, now = () => Date.now() }) {
  const made = new Map();
  const days = new Map();
  let place = null;
  const here = { generation: 0 };

  /** Clears the cached formats when the time zone, its offset or the hour format has changed. */
  function look(name = place?.name) {
    const found = { name, offset: new Date(now()).getTimezoneOffset(), hours: hours() };
    if (place && Object.keys(found).every((key) => place[key] === undefined || found[key] === place[key]))
      return void (place.name ??= name);
    place = found;
    made.clear();
    days.clear();
    here.generation += 1;
    return true;
  }
  const zoneName = () => optional(() => new Intl.DateTimeFormat().resolvedOptions().timeZone);

  const format = (name, options) => {
    look();
    if (!made.has(name)) made.set(name, formatter(name === "key" ? "en-CA" : language, { timeZone: zone, ...options }));
    return made.get(name);
  };
  const sayDay = (key, options, name) =>
    format(`${name}@noon`, { ...options, timeZone: "UTC" }).format(new Date(noonOf(key)));
  const toKey = (moment) =>
    optional(
      () => format("key", { year: "numeric", month: "2-digit", day: "2-digit" }).format(new Date(moment)),
      "",
    ).slice(0, 10);
  /** Called for every message at every change, hence cached. */
  function dayKey(moment) {
    if (typeof moment !== "string") return toKey(moment);
    look();
    if (!days.has(moment)) days.set(moment, toKey(moment));
    return days.get(moment);
  }
  const daysAgo = (key) => Math.round((noonOf(dayKey(now())) - noonOf(key)) / DAY_MS);

  function dayLabel(key, month = "long") {
    const ago = daysAgo(key);
    if (ago === 0) return t("Today");
    if (ago === 1) return t("Yesterday");
    if (ago > 1 && ago < 7) return capital(sayDay(key, { weekday: "long" }, "weekday"));
    return date(key, month);
  }

  function date(key, month) {
    if (key.slice(0, 4) === dayKey(now()).slice(0, 4)) return sayDay(key, { day: "numeric", month }, `day-${month}`);
    return sayDay(key, { day: "numeric", month, year: "numeric" }, `year-${month}`);
  }

  const cycle = () => ({ timeStyle: "short", ...(CYCLES[hours()] && { hourCycle: CYCLES[hours()] }) });
  const time = (moment) => optional(() => format("time", cycle()).format(new Date(moment)), "");
  return Object.assign(here, {
    /** Also notices a zone with the same offset. `generation` changes when everything has to be formatted again. */
    look: () => void look(zoneName()),
    time,
    dayKey,
    dayLabel,
    daysAgo,
    date,
    now,
    /** For a row of the list: the time today, otherwise the day. */
    listTime: (moment) => (daysAgo(dayKey(moment)) === 0 ? time(moment) : dayLabel(dayKey(moment), "short")),
    full: (moment) => format("full", { dateStyle: "medium", ...cycle() }).format(new Date(moment)),
    /**
     * Milliseconds until every label above is out of date; an hour at most, so that a changed zone or clock is noticed.
     */
    untilNextDay() {
      const today = dayKey(now());
      let ms = 60_000;
      while (ms < 3_600_000 && dayKey(now() + ms) === today) ms += 60_000;
      return ms;
    },
  });
}
