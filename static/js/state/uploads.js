// Uploads the files of a message in parts, before the outbox sends it. A part that got no answer is sent again, from
// where the server says.

import { retryAfter } from "../lib/timing.js";
import { canBeFile } from "./attachments-refusals.js";

const SMALLEST_PART = 64 * 1024;
const FIRST_PART = 256 * 1024;
/** A part that takes less is followed by one of twice the size; one that takes more, by one of half of it. */
const QUICK_MS = 700;
const SLOW_MS = 4_000;
/** After so many failures in a row the outbox waits: another tab may have a connection. */
const MOST_TRIES = 5;
const PAUSE_MS = 5_000;
const LONG_PAUSE_MS = 30_000;
/** A longer wait is explained. */
const PATIENCE_MS = 10_000;
/** Well before the server sweeps what was uploaded and not sent. */
const READY_MS = 3_600_000;

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
  /** By id of the file: {state, share, at}. */
  #progress = new Map();
  /** By id of the message that is being prepared: what calls its requests off. */
  #running = new Map();

  /**
   * `transport` (net/uploads.js); `files` (LocalFiles); `outbox`; `clock`; `random`; `makeStill(blob)` -> promise of a
   * picture of a video, or null; `onChange()`: the progress of some file; `stored(id)` -> the command of a message as
   * the store has it, or null.
   */
  constructor({ random = Math.random, onChange = () => {}, stored = () => null, ...options }) {
    this.#options = { random, onChange, stored, makeStill: async () => null, ...options };
  }

  urlOf = (id) => this.#options.files.urlOf(id);

  /**
   * {state: "waiting", "sending", "checking", "ready" or "failed", share: 0 to 1, isLimited}, or null. `isLimited`: the
   * server takes no more files for a while.
   */
  progressOf(id) {
    return this.#progress.get(id) ?? null;
  }

  /** For the outbox, which asks as often as it looks at its entries. */
  prepare = async (entry) => {
    if (this.#running.has(entry.id)) return;
    const outcome = await this.#uploadAll(entry).catch(() => ({}));
    this.#options.outbox.prepared(entry, this.#follow(entry) ? { wait: 0 } : outcome);
  };

  /** The messages of a chat have changed: one that waits may have lost a file in another tab, or was sent there. */
  changed(room) {
    const { outbox } = this.#options;
    for (const entry of outbox.messages(room))
      if ((this.#follow(entry) || entry.state === "accepted") && this.#running.has(entry.id))
        this.#running.get(entry.id).abort();
  }

  /** Takes over what another tab has taken out of the message, or sends as it is. Returns whether it had. */
  #follow({ id, command, state }) {
    const known = command.attachments;
    if (!known || (state !== "pending" && state !== "failed")) return false;
    const stored = this.#options.stored(id);
    const isSame = (one, other) => one.id === other.id && one.kind === other.kind;
    const files = stored?.attachments ?? [];
    if (!stored || (files.length === known.length && known.every((file, at) => isSame(file, files[at])))) return false;
    // What the server has made of the others stays.
    const left = files.map((file) => known.find((other) => isSame(file, other)) ?? file);
    command.attachments = left.length ? left : undefined;
    return true;
  }

  async #uploadAll(entry) {
    this.#follow(entry);
    const calledOff = new AbortController();
    this.#running.set(entry.id, calledOff);
    const files = entry.command.attachments ?? [];
    for (const { id } of files) if (!this.#isReady(id)) this.#report(id, { state: "waiting" });
    try {
      for (const file of files) {
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
    if (entry?.state !== "failed") return;
    const { attachments } = entry.command;
    this.#change(entry, { attachments: attachments.map((file) => (canBeFile(file) ? asFile(file) : file)) });
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
    const { state, at } = this.progressOf(id) ?? {};
    return state === "ready" && this.#options.clock.now() - at < READY_MS;
  }

  #report(id, { state, share = 0, isLimited = false }) {
    this.#progress.set(id, { state, share, isLimited, at: this.#options.clock.now() });
    this.#options.onChange(id);
  }

  /** The message keeps which of its files it was, also over a reload. */
  #fail(file, failed, refused) {
    file.refused = refused;
    this.#report(file.id, { state: "failed" });
    return { failed };
  }

  async #upload(file, signal) {
    const blob = await this.#options.files.get(file.id);
    delete file.refused;
    let failures = 0;
    for (;;) {
      try {
        await this.#attempt(file, blob, signal, () => (failures = 0));
        this.#report(file.id, { state: "ready", share: 1 });
        return {};
      } catch (error) {
        if (signal.aborted) return {};
        if (error instanceof Missing) return this.#fail(file, "file_missing", "missing");
        const outcome = this.#judge(file, error);
        if (outcome) return outcome;
        if (error.status === 429 && error.retryAfterMs > PATIENCE_MS)
          this.#report(file.id, { state: "waiting", isLimited: true });
        failures += isPassing(error) ? 1 : 0.5;
        if (failures > MOST_TRIES) return { wait: error.status === 429 ? LONG_PAUSE_MS : PAUSE_MS };
        this.#partBytes = Math.max(SMALLEST_PART, this.#partBytes / 2);
        await this.#pause(retryAfter(error, Math.floor(failures), this.#options.random), signal);
        if (signal.aborted) return {};
      }
    }
  }

  /** Null: another try may help. */
  #judge(file, error) {
    // The id belongs to a file that was sent: the message is surely there, and the server knows it by its own id.
    if (error.status === 409 && error.offset === undefined) return { isReady: true };
    if (isPassing(error) && error.code !== "storage_full") return null;
    // Announced too long ago: again. Or the server has another offset than this page.
    if (error.status === 404 || error.status === 409) return null;
    const failed = REFUSED[error.code] ?? (error.status === 401 ? "unauthenticated" : "internal");
    if (error.reason === "infected") return this.#fail(file, "file_infected", error.reason);
    return this.#fail(file, failed, error.reason ?? (error.code === "too_large" ? "too_large" : undefined));
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
