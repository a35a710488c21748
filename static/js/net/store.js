// Browser storage of one account: drafts and unsent messages, each under its own key, so that two tabs never
// overwrite each other.

const ALL = "entre:";

/** A browser may refuse storage altogether (private windows, full disk): then nothing is stored, and nothing breaks. */
function tried(run, otherwise) {
  try {
    return run() ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Even naming it throws where the user has blocked site data. */
export const browserStorage = () => tried(() => globalThis.localStorage, {});

/** The id of this page, `tab`, and of the page before the reload, `before`; null in a new tab, or without storage. */
export function pageOfTab(tab) {
  const before = tried(() => sessionStorage.getItem(`${ALL}tab`), null);
  tried(() => sessionStorage.setItem(`${ALL}tab`, tab));
  return { tab, before };
}

const forgetTab = () => tried(() => sessionStorage.removeItem(`${ALL}tab`));

const names = (storage) => tried(() => Object.keys(storage), []);

/** Removes an entry; with the mark of an account's database (net/async-store.js) the database itself. */
function drop(storage, name) {
  tried(() => storage.removeItem(name));
  if (name.endsWith(":database")) tried(() => indexedDB.deleteDatabase(name));
}

/** Removes the data of every account but `user`: at log-out (of all) and when another account logs in. */
export function wipeOthers(user = null, storage = browserStorage()) {
  if (user === null) forgetTab();
  for (const name of names(storage)) {
    if (name.startsWith(ALL) && (user === null || !name.startsWith(`${ALL}${user}:`))) drop(storage, name);
  }
}

/**
 * What a log-out would delete: {users, messages, drafts, files}, of all accounts with data in this browser. `files` are
 * those in trays, and recordings.
 */
export function unsentOnDevice(storage = browserStorage()) {
  const keys = names(storage)
    .map((name) => /^entre:([^:]+):(\w+)/.exec(name))
    .filter(Boolean);
  const read = ({ input }) => tried(() => JSON.parse(storage.getItem(input)), []);
  // The copy of a draft for the other devices is no unsent message.
  const isMine = (entry) => entry.command?.type !== "draft.set";
  const count = (kind) => keys.filter((key) => key[2] === kind).flatMap(read).filter(isMine).length;
  return {
    users: new Set(keys.map((key) => key[1])),
    messages: count("outbox"),
    drafts: count("draft"),
    files: count("tray") + count("recording"),
  };
}

export class Store {
  #storage;
  #prefix;
  /** After `end()`. */
  isOver = false;

  constructor({ storage, user }) {
    this.#storage = storage;
    this.#prefix = `${ALL}${user}:`;
  }

  get(key) {
    return tried(() => JSON.parse(this.#storage.getItem(this.#prefix + key)), null);
  }

  /** False when it could not be stored. After `end()` nothing is stored, and no page asks before it is closed. */
  set(key, value) {
    return (
      this.isOver ||
      tried(() => {
        this.#storage.setItem(this.#prefix + key, JSON.stringify(value));
        return true;
      }, false)
    );
  }

  remove(key) {
    drop(this.#storage, this.#prefix + key);
  }

  /** The user logged out in another tab: what this one still holds is never written again. */
  end() {
    this.isOver = true;
    forgetTab();
    for (const key of this.keys("")) this.remove(key);
  }

  /** The keys that begin so, without the account's prefix. */
  keys(begin) {
    const whole = this.#prefix + begin;
    return names(this.#storage)
      .filter((name) => name.startsWith(whole))
      .map((name) => name.slice(this.#prefix.length));
  }
}
