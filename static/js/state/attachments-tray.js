// The files for the next message of a chat: which, in which order, with which description. They belong to its draft and
// survive a reload; their bytes are in the LocalFiles.

import { canBeFile } from "./attachments-refusals.js";

const key = (room) => `tray:${room}`;

const PICTURES = new Set(["image/jpeg", "image/png", "image/webp", "image/gif"]);
const VIDEOS = new Set(["video/mp4", "video/webm"]);
export const ALT_CHARS = 200;

/** What the server shows in the chat; everything else is a download. */
export const kindOf = ({ type }) => (PICTURES.has(type) ? "picture" : VIDEOS.has(type) ? "video" : "file");

/** What the tray of a chat has, for a page that does not show it. */
export const trayOf = (store, room) => store.get(key(room)) ?? [];

/** The ids in the trays of an account, and of recordings that were interrupted: their bytes are still needed. */
export const idsInTrays = (store) =>
  ["tray:", "recording:"]
    .flatMap((kind) => store.keys(kind))
    .flatMap((name) => store.get(name) ?? [])
    .map(({ id }) => id);

export class Tray {
  #options;
  #items;
  /** The browser did not store them: they exist only in this page. */
  #isUnsaved = false;

  /**
   * `room`, `store`, `files` (LocalFiles), `newId()`, `limits()` -> {max_bytes, per_message}; `onChange()`;
   * `dropped(ids)`: their uploads and bytes are not needed.
   */
  constructor(options) {
    this.#options = options;
    this.#items = trayOf(options.store, options.room);
  }

  /**
   * As another tab may have left it, whose news comes later: nothing that was sent there is sent here again, and
   * nothing that was added there is lost.
   */
  read() {
    if (!this.#isUnsaved) this.#items = trayOf(this.#options.store, this.#options.room);
    return this;
  }

  /** {id, kind, name, size, type, seconds?, peaks?, alt?, canBe} in the order in which they are sent. */
  get items() {
    return this.#items;
  }

  get isFilled() {
    return this.#items.length > 0;
  }

  /** A file of it exists only in this page. */
  get isAtRisk() {
    return this.#options.files.isAtRisk((id) => this.get(id) !== null);
  }

  get(id) {
    return this.#items.find((item) => item.id === id) ?? null;
  }

  /**
   * Takes what the limits allow. Returns {added, tooLarge, tooMany}: lists of items, and of files that stay outside.
   * `asFile`: sent as they are. `more` is stored with each of them.
   */
  add(files, { asFile = false, ...more } = {}) {
    const { limits, newId } = this.#options;
    const { max_bytes: most, per_message: count } = limits();
    const result = { added: [], tooLarge: [], tooMany: [] };
    this.read();
    for (const file of files) {
      if (file.size > most) result.tooLarge.push(file);
      else if (this.#items.length + result.added.length >= count) result.tooMany.push(file);
      else result.added.push({ item: { ...this.#itemOf(file, newId(), asFile), ...more }, file });
    }
    for (const { item, file } of result.added)
      this.#options.files.keep(item.id, file).then((isStored) => isStored || this.#options.onChange());
    // Before the files are stored: one that no list names may be swept by another tab.
    this.#set([...this.#items, ...result.added.map(({ item }) => item)]);
    return { ...result, added: result.added.map(({ item }) => item) };
  }

  #itemOf(file, id, asFile) {
    const can = kindOf(file);
    return { id, kind: asFile ? "file" : can, name: file.name || "file", size: file.size, type: file.type, canBe: can };
  }

  remove(id) {
    this.#set(this.read().items.filter((item) => item.id !== id));
    this.#options.dropped([id]);
  }

  /** By so many places, towards the end or the beginning. */
  move(id, by) {
    const from = this.read().items.findIndex((item) => item.id === id);
    const to = Math.min(Math.max(from + by, 0), this.#items.length - 1);
    if (from < 0 || from === to) return false;
    const items = this.#items.filter((item) => item.id !== id);
    items.splice(to, 0, this.#items[from]);
    this.#set(items);
    return true;
  }

  change(id, fields) {
    this.#set(this.read().items.map((item) => (item.id === id ? { ...item, ...fields } : item)));
  }

  /**
   * Sent: {attachments} for the message, or {} when there are none. Where two tabs, or what came back, made it more
   * than a message can have, the others stay.
   */
  take() {
    if (!this.read().isFilled) return {};
    const { per_message: count } = this.#options.limits();
    const attachments = this.#items.slice(0, count).map(({ canBe, isRefused, type, alt, ...file }) => ({
      ...file,
      ...(type && { type }),
      ...(alt && file.kind !== "file" && { alt }),
    }));
    this.#set(this.#items.slice(count));
    return { attachments };
  }

  /**
   * What could not be sent comes back, before what is here by now. Under new ids: the server may know the old ones, and
   * not take them with another description or kind. What was refused as a picture comes back as a file.
   */
  restore(attachments = []) {
    const { files, newId, dropped } = this.#options;
    const kept = attachments.filter(({ refused }) => refused !== "missing");
    const back = kept.map(({ refused, ...file }) => ({
      ...file,
      id: newId(),
      canBe: kindOf({ type: "", ...file }),
      ...(canBeFile({ ...file, refused }) && { kind: "file", isRefused: true }),
    }));
    const copies = back.map(({ id }, at) => files.copy(kept[at].id, id));
    Promise.all(copies).then(() => dropped(attachments.map(({ id }) => id)));
    this.#set([...back, ...this.read().items]);
  }

  /** Another tab has changed or sent it. */
  reload() {
    this.read();
    this.#options.onChange();
  }

  #set(items) {
    const { store, room, onChange } = this.#options;
    this.#items = items;
    if (!items.length) store.remove(key(room));
    this.#isUnsaved = items.length > 0 && !store.set(key(room), items);
    onChange();
  }
}
