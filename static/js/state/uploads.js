// Uploads the files of a message in parts, before the outbox sends it. A part that got no answer is sent again, from
// where the server says.

import { retryAfter } from "../lib/timing.js";

const SMALLEST_PART = 64 * 1024;
const FIRST_PART = 256 * 1024;
/** A part that takes less is followed by one of twice the size; one that takes more, by one of half of it. */
const QUICK_MS = 700;
const SLOW_MS = 4_000;
/** After so many failures in a row the outbox waits: another tab may have a connection. */
const MOST_TRIES = 5;
const PAUSE_MS = 5_000;
const LONG_PAUSE_MS = 30_000;

/** Refused for good, with what the message says below its bubble (view/message-extras.js). */
const REFUSED = {
  invalid_file: "file_invalid",
  too_large: "file_too_large",
  storage_full: "files_full",
  invalid_text: "file_invalid",
  forbidden: "files_forbidden",
};

const isPassing = ({ status }) => !status || status === 408 || status === 429 || status >= 500;

export class Uploads {
  #options;
  #partBytes = FIRST_PART;
  /** By id of the file: {state, share, reason}. */
  #progress = new Map();
  /** By id of the message that is being prepared: what calls its requests off. */
  #running = new Map();

  /**
   * `transport` (net/uploads.js); `files` (LocalFiles); `outbox`; `clock`; `random`; `makeStill(blob)` -> promise of a
   * picture of a video, or null; `onChange()`: the progress of some file.
   */
  constructor({ random = Math.random, makeStill = async () => null, onChange = () => {}, ...options }) {
    this.#options = { random, makeStill, onChange, ...options };
  }

  urlOf = (id) => this.#options.files.urlOf(id);

  /** {state: "waiting", "sending", "checking", "ready" or "failed", share: 0 to 1, reason}, or null. */
  progressOf(id) {
    return this.#progress.get(id) ?? null;
  }

  /** For the outbox, which asks as often as it looks at its entries. */
  prepare = async (entry) => {
    if (this.#running.has(entry.id)) return;
    this.#options.outbox.prepared(entry, await this.#uploadAll(entry).catch(() => ({})));
  };

  async #uploadAll(entry) {
    const calledOff = new AbortController();
    this.#running.set(entry.id, calledOff);
    for (const { id } of entry.command.attachments) if (!this.#isReady(id)) this.#report(id, { state: "waiting" });
    try {
      for (const file of entry.command.attachments) {
        const outcome = this.#isReady(file.id) ? {} : await this.#upload(file, calledOff.signal);
        if (calledOff.signal.aborted) return { wait: 0 };
        if (outcome.failed || outcome.wait !== undefined) return outcome;
      }
      return { isReady: true };
    } finally {
      this.#running.delete(entry.id);
    }
  }

  /** The user does not want to send it: the whole message, or with `fileId` one of its files. */
  cancel(messageId, fileId = null) {
    const { outbox } = this.#options;
    const entry = outbox.get(messageId);
    if (!entry || entry.isPrepared || !["pending", "failed"].includes(entry.state)) return null;
    const { attachments, body } = entry.command;
    const gone = attachments.filter(({ id }) => fileId === null || id === fileId);
    const left = attachments.filter((file) => !gone.includes(file));
    this.#running.get(messageId)?.abort();
    if (!left.length && (fileId === null || !body)) outbox.withdraw(messageId);
    else this.#change(entry, { attachments: left.length ? left : undefined });
    for (const { id } of gone) this.#forget(id);
    return entry;
  }

  /** The server does not take it as a picture or video: it is sent as it is. */
  sendAsFile(messageId) {
    const { outbox } = this.#options;
    const entry = outbox.get(messageId);
    const asFile = ({ id, name, size }) => ({ id, kind: "file", name, size });
    const isRefused = ({ id }) => this.progressOf(id)?.state === "failed";
    if (entry?.state !== "failed") return;
    const { attachments } = entry.command;
    // After a reload nothing says which of them it was.
    const isAny = attachments.some(isRefused);
    this.#change(entry, {
      attachments: attachments.map((file) => ((isAny ? isRefused(file) : file.kind !== "file") ? asFile(file) : file)),
    });
    outbox.retry(messageId);
  }

  /** A message has left the outbox, or a draft its file. */
  async drop(ids, { isSent = false } = {}) {
    for (const id of ids) {
      this.#progress.delete(id);
      await this.#options.files.remove(id);
      if (!isSent) this.#options.transport.cancel(id).catch(() => {});
    }
  }

  #change(entry, fields) {
    Object.assign(entry.command, fields);
    this.#options.outbox.restore(entry);
  }

  #forget(id) {
    this.#progress.delete(id);
    this.#options.transport.cancel(id).catch(() => {});
  }

  #isReady(id) {
    return this.progressOf(id)?.state === "ready";
  }

  #report(id, { state, share = 0, reason }) {
    this.#progress.set(id, { state, share, reason });
    this.#options.onChange(id);
  }

  #fail(id, failed, reason) {
    this.#report(id, { state: "failed", reason });
    return { failed };
  }

  async #upload(file, signal) {
    const blob = await this.#options.files.get(file.id);
    let failures = 0;
    for (;;) {
      try {
        await this.#attempt(file, blob, signal, () => (failures = 0));
        this.#report(file.id, { state: "ready", share: 1 });
        return {};
      } catch (error) {
        if (signal.aborted) return {};
        if (error instanceof Missing) return this.#fail(file.id, "file_missing");
        const outcome = this.#judge(file, error);
        if (outcome) return outcome;
        failures += isPassing(error) ? 1 : 0.5;
        if (failures > MOST_TRIES) return { wait: error.status === 429 ? LONG_PAUSE_MS : PAUSE_MS };
        this.#partBytes = Math.max(SMALLEST_PART, this.#partBytes / 2);
        await this.#pause(retryAfter(error, Math.floor(failures), this.#options.random), signal);
        if (signal.aborted) return {};
      }
    }
  }

  /** Null: another try may help. */
  #judge({ id }, error) {
    // The id belongs to a file that was sent: the message is surely there, and the server knows it by its own id.
    if (error.status === 409 && error.offset === undefined) return { isReady: true };
    if (isPassing(error) && error.code !== "storage_full") return null;
    // Announced too long ago: again. Or the server has another offset than this page.
    if (error.status === 404 || error.status === 409) return null;
    return this.#fail(id, REFUSED[error.code] ?? (error.status === 401 ? "unauthenticated" : "internal"), error.reason);
  }

  async #attempt(file, blob, signal, succeeded) {
    const { transport, clock } = this.#options;
    let { offset, part_bytes: most = FIRST_PART, attachment } = await transport.announce(file, signal);
    while (!attachment) {
      if (!blob) throw new Missing();
      const part = blob.slice(offset, offset + Math.min(this.#partBytes, most));
      const end = offset + part.size;
      this.#report(file.id, { state: end < file.size ? "sending" : "checking", share: offset / (file.size || 1) });
      const bytes = await part.arrayBuffer().catch(() => {
        throw new Missing();
      });
      const startedAt = clock.now();
      const answer = await transport.part(file.id, offset, bytes, signal);
      succeeded();
      this.#adapt(clock.now() - startedAt, most);
      offset = end;
      if (answer.id) attachment = answer;
    }
    // From here on the page shows what the server has made of it: its measures, its placeholder.
    Object.assign(file, attachment);
    if (file.kind === "video" && !file.placeholder && blob) await this.#addStill(file, blob, signal);
  }

  #adapt(took, most) {
    if (took < QUICK_MS) this.#partBytes = Math.min(most, this.#partBytes * 2);
    else if (took > SLOW_MS) this.#partBytes = Math.max(SMALLEST_PART, this.#partBytes / 2);
  }

  /** Without one the video is sent all the same. */
  async #addStill(file, blob, signal) {
    try {
      const still = await this.#options.makeStill(blob);
      if (still) Object.assign(file, await this.#options.transport.still(file.id, still, signal));
    } catch {
      // A browser that cannot draw the video, or a picture that the server refuses.
    }
  }

  #pause(ms, signal) {
    return new Promise((done) => {
      const stop = this.#options.clock.after(ms, done);
      signal.addEventListener("abort", () => (stop(), done()), { once: true });
    });
  }
}

/** The browser no longer has the bytes: its storage was emptied, or the file on the disk was changed or removed. */
class Missing extends Error {}
