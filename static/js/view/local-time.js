// Formats the times that the server wrote in UTC in the reader's zone and language, and again when a new day begins.

const SAYS = {
  time: (dates, moment) => dates.time(moment),
  row: (dates, moment) => dates.listTime(moment),
  full: (dates, moment) => dates.full(moment),
};

/** `<time datetime data-says="time|row|full">` inside `root`. */
export function formatTimes(root, dates) {
  for (const time of root.querySelectorAll("time[datetime][data-says]")) {
    const say = SAYS[time.dataset.says];
    if (say && !Number.isNaN(Date.parse(time.dateTime))) time.textContent = say(dates, time.dateTime);
  }
}

/**
 * Calls `onDay` when the day or the time zone may have changed: checked once an hour, and when the page is focused or
 * shown.
 */
export function watchDayChange({ dates, clock, onDay, window = globalThis.window }) {
  const state = () => (dates.look(), `${dates.dayKey(dates.now())} ${dates.generation}`);
  let before = state();
  const look = () => {
    const now = state();
    if (now !== before) onDay();
    before = now;
  };
  const go = () => (look(), clock.after(dates.untilNextDay(), go));
  clock.after(dates.untilNextDay(), go);
  for (const type of ["focus", "pageshow", "visibilitychange"]) window.addEventListener(type, look, { capture: true });
}
