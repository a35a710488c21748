// The files that this device has not sent yet: in memory for this page, and in IndexedDB for the next one.

const key = (id) => `file:${id}`;

export class LocalFiles {
  #store;
  #makeUrl;
  #onLoaded;
  #blobs = new Map();
  #urls = new Map();
  #loading = new Map();
  /** Promise of the keys that the store had at the start. */
  #stored = null;
  /** Ids of files that the browser did not store. */
  #unsaved = new Set();

  /**
   * `store` is the AsyncStore of the account; `makeUrl(blob)` -> its `blob:` address; `onLoaded()`: one that an earlier
   * page had stored can be shown now.
   */
  constructor({ store, makeUrl = (blob) => URL.createObjectURL(blob), onLoaded = () => {} }) {
    this.#store = store;
    this.#makeUrl = makeUrl;
    this.#onLoaded = onLoaded;
  }

  /** Resolves once it is stored: false if it exists only in this page. */
  async keep(id, blob) {
    this.#blobs.set(id, blob);
    this.#unsaved.add(id);
    const isStored = await this.#store.set(key(id), blob);
    if (isStored) this.#unsaved.delete(id);
    return isStored;
  }

  /** Under another id as well. */
  async copy(from, to) {
    const blob = await this.get(from);
    if (blob) await this.keep(to, blob);
  }

  /** The file, or null: the browser did not store it, or another account has wiped the store. */
  async get(id) {
    const held = this.#blobs.get(id);
    if (held) return held;
    const blob = await this.#store.get(key(id));
    if (blob) this.#blobs.set(id, blob);
    return blob;
  }

  /** Its address in this page, or null: then it is read, and `onLoaded` called. It stays valid after `remove`. */
  urlOf(id) {
    if (!this.#urls.has(id) && this.#blobs.has(id)) this.#urls.set(id, this.#makeUrl(this.#blobs.get(id)));
    if (!this.#urls.has(id) && !this.#loading.has(id)) this.#loading.set(id, this.#load(id));
    return this.#urls.get(id) ?? null;
  }

  /** Most files of a chat were never here: the store is asked once which ones it has. */
  async #load(id) {
    this.#stored ??= this.#store.keys("file:").then((keys) => new Set(keys));
    if ((await this.#stored).has(key(id)) && (await this.get(id))) this.#onLoaded();
  }

  /** Sent or discarded. What the page shows of it stays as long as the page. */
  async remove(id) {
    this.#blobs.delete(id);
    this.#unsaved.delete(id);
    await this.#store.remove(key(id));
  }

  /** One of those that are used exists only in this page. */
  isAtRisk(isUsed) {
    return [...this.#unsaved].some(isUsed);
  }

  /** Removes what a page that was closed has left: neither a message nor a draft has it. */
  async sweep(isUsed) {
    const isLeft = (id) => !isUsed(id) && !this.#blobs.has(id);
    const unused = async () =>
      (await this.#store.keys("file:")).map((name) => name.slice(key("").length)).filter(isLeft);
    // Looked at twice: another tab may just be moving one from its tray into a message.
    const before = new Set(await unused());
    for (const id of await unused()) if (before.has(id)) await this.remove(id);
  }
}
