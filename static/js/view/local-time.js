// Times that the server wrote in UTC, said in the reader's zone and language; said again when a new day begins.

const SAYS = {
  time: (dates, moment) => dates.time(moment),
  row: (dates, moment) => dates.listTime(moment),
  full: (dates, moment) => dates.full(moment),
};

/** `<time datetime data-says="time|row|full">` inside `root`. */
export function sayTimes(root, dates) {
  for (const time of root.querySelectorAll("time[datetime][data-says]")) {
    const say = SAYS[time.dataset.says];
    if (say && !Number.isNaN(Date.parse(time.dateTime))) time.textContent = say(dates, time.dateTime);
  }
}

/** Calls `onDay` whenever "today" may have become "yesterday". */
export function watchDays({ dates, clock, onDay }) {
  let today = dates.dayKey(clock.now());
  const look = () => {
    const day = dates.dayKey(clock.now());
    if (day !== today) onDay();
    today = day;
    clock.after(dates.untilNextDay(), look);
  };
  clock.after(dates.untilNextDay(), look);
}
