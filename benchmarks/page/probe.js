// Instrumentation, put into each page before its own scripts. Only records; `window.probe` is read afterwards.

(() => {
  const probe = (window.probe = {
    fcp: 0, lcp: 0, shift: 0, blocking: 0, longTasks: 0, echo: [], inserts: [], anchorError: 0, against: 0, timers: [],
  });
  const observe = (type, run) =>
    new PerformanceObserver((list) => list.getEntries().forEach(run)).observe({ type, buffered: true });
  observe("paint", ({ name, startTime }) => name === "first-contentful-paint" && (probe.fcp = startTime));
  observe("largest-contentful-paint", ({ startTime }) => (probe.lcp = startTime));
  observe("layout-shift", ({ hadRecentInput, value }) => !hadRecentInput && (probe.shift += value));
  observe("longtask", ({ duration }) => {
    probe.longTasks += 1;
    probe.blocking += Math.max(0, duration - 50);
  });

  // Each timer that fires, and its delay.
  for (const name of ["setTimeout", "setInterval"]) {
    const original = window[name];
    window[name] = (run, delay = 0, ...rest) => original.call(window, (...args) => {
      probe.timers.push([performance.now(), delay]);
      run(...args);
    }, delay, ...rest);
  }

  const list = () => document.querySelector('[data-view="timeline"]');
  const count = () => list()?.querySelectorAll(":scope > li[data-id]").length ?? 0;

  // Echo: from the key press to the task after the frame that shows the new message.
  addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches?.("textarea")) return;
    const text = event.target.value;
    const { timeStamp } = event;
    requestAnimationFrame(() => {
      const isThere = list()?.lastElementChild?.textContent.includes(text);
      const channel = new MessageChannel();
      channel.port1.onmessage = () => probe.echo.push(isThere ? performance.now() - timeStamp : Infinity);
      channel.port2.postMessage(null);
    });
  }, { capture: true });

  // An older page: from its arrival as JSON to its insertion, forced layout included; and how far the anchor moved.
  const inView = () => {
    const { top } = document.querySelector('[data-view="scroller"]').getBoundingClientRect();
    const messages = [...list().children].filter((element) => element.dataset.id);
    return messages.find((element) => element.getBoundingClientRect().bottom > top + 1);
  };
  const json = Response.prototype.json;
  Response.prototype.json = async function () {
    const data = await json.call(this);
    if (!this.url.includes("before=") || !list()) return data;
    const before = { at: performance.now(), count: count(), anchor: inView() };
    before.top = before.anchor?.getBoundingClientRect().top;
    const watch = new MutationObserver(() => {
      watch.disconnect();
      const error = before.anchor?.isConnected ? Math.abs(before.anchor.getBoundingClientRect().top - before.top) : 0;
      probe.inserts.push(performance.now() - before.at);
      probe.anchorError = Math.max(probe.anchorError, error);
    });
    watch.observe(list(), { childList: true });
    return data;
  };

  // The wheel turned up moves messages down; counts frames in which a message moved up, against the wheel.
  probe.watchFrames = () => {
    let last = null;
    const frame = () => {
      const top = last?.element.isConnected ? last.element.getBoundingClientRect().top : null;
      if (top !== null && top < last.top - 1) probe.against += 1;
      const element = inView();
      last = element && { element, top: element.getBoundingClientRect().top };
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  };
})();
