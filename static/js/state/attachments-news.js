// How far the upload of a message is, for screen readers: in tens, and not more often than one can listen to.

const EVERY_MS = 5_000;
const STEP = 10;

export class UploadNews {
  #options;
  /** By id of the message: {at, percent} of what was said last. */
  #said = new Map();

  /** `announce(text)`, `clock`, `t`. */
  constructor(options) {
    this.#options = options;
  }

  /** A file of the message has come further. `progressOf(id)` as of the Uploads. */
  tell({ id, command: { attachments } }, progressOf) {
    const { announce, clock, t } = this.#options;
    const now = clock.now();
    if (!this.#said.has(id)) this.#said.set(id, { at: now, percent: 0 });
    const said = this.#said.get(id);
    const sum = (sizes) => sizes.reduce((all, size) => all + size, 0);
    const whole = sum(attachments.map(({ size }) => size));
    const done = sum(attachments.map((file) => file.size * (progressOf(file.id)?.share ?? 0)));
    const percent = Math.floor((100 * done) / (whole || 1) / STEP) * STEP;
    if (percent <= said.percent || percent >= 100 || now - said.at < EVERY_MS) return;
    Object.assign(said, { at: now, percent });
    announce(t("{n} % uploaded", { n: percent }));
  }
}
