// IndexedDB as far as the store uses it: databases with one object store, requests that answer later.

const later = (run) => Promise.resolve().then(run);

export class FakeIndexedDB {
  databases = new Map();
  /** Set to make every write fail, as on a full disk. */
  isFull = false;

  open(name) {
    const request = {};
    later(() => {
      const isNew = !this.databases.has(name);
      if (isNew) this.databases.set(name, new Map());
      request.result = this.#database(name);
      if (isNew) request.onupgradeneeded();
      request.onsuccess();
    });
    return request;
  }

  deleteDatabase(name) {
    this.databases.delete(name);
  }

  #database(name) {
    return { createObjectStore() {}, close() {}, transaction: (table, mode) => this.#transaction(name, mode) };
  }

  #transaction(name, mode) {
    const values = this.databases.get(name);
    const transaction = {};
    const answer = (run) => {
      const request = {};
      later(() => {
        if (this.isFull && mode === "readwrite") return transaction.onabort();
        request.result = run();
        transaction.oncomplete();
      });
      return request;
    };
    transaction.objectStore = () => ({
      get: (key) => answer(() => values.get(key)),
      put: (value, key) => answer(() => (values.set(key, structuredClone(value)), key)),
      delete: (key) => answer(() => void values.delete(key)),
      getAllKeys: () => answer(() => [...values.keys()]),
    });
    return transaction;
  }
}
