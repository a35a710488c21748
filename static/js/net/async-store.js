// An asynchronous store for values of any size: large kinds of keys are kept in IndexedDB, all others in localStorage.

const LARGE_KINDS = new Set(["file"]);
const TABLE = "values";
/** The key in localStorage, and the end of the name, of the account's database. */
const MARK = "database";

const isLarge = (key) => LARGE_KINDS.has(key.split(":", 1)[0]);

function openDatabase(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      // Otherwise a log-out in another tab could not delete the database.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
  });
}

/** The result of `run(objectStore)`, a request, once its transaction has committed. */
function inTransaction(database, mode, run) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(TABLE, mode);
    const request = run(transaction.objectStore(TABLE));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

export class AsyncStore {
  #store;

  #name;

  /** `store` is the Store of the account `user` (net/store.js). Its mark makes a log-out delete the database, too. */
  constructor({ store, user }) {
    this.#store = store;
    this.#name = `entre:${user}:${MARK}`;
  }

  /** The value, or null. Without IndexedDB no large value is kept, and nothing breaks. */
  async get(key) {
    if (!isLarge(key)) return this.#store.get(key);
    return (await this.#try("readonly", (table) => table.get(key))) ?? null;
  }

  /** False when it could not be stored. */
  async set(key, value) {
    if (!isLarge(key)) return this.#store.set(key, value);
    // As in the Store: after a log-out nothing is stored, and that is no failure.
    if (this.#store.isOver) return true;
    if (!this.#store.set(MARK, true)) return false;
    const stored = await this.#try("readwrite", (table) => table.put(value, key));
    return stored === key;
  }

  async remove(key) {
    if (!isLarge(key)) return this.#store.remove(key);
    await this.#try("readwrite", (table) => table.delete(key));
  }

  /** The keys of this kind that begin so. */
  async keys(begin) {
    if (!isLarge(begin)) return this.#store.keys(begin);
    const keys = (await this.#try("readonly", (table) => table.getAllKeys())) ?? [];
    return keys.filter((key) => key.startsWith(begin));
  }

  /** Opened for each use: a database that another tab deleted is not held open, and a refusal may pass. */
  async #try(mode, run) {
    if (!this.#store.get(MARK)) return null;
    try {
      const database = await openDatabase(this.#name);
      return await inTransaction(database, mode, run).finally(() => database.close());
    } catch {
      return null;
    }
  }
}
