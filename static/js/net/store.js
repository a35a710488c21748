// What one account keeps in this browser: drafts and unsent messages, each under its own key, so that two tabs never overwrite each other.

const ALL = "entre:";

/** A browser may refuse storage altogether (private windows, full disk): then nothing is kept, and nothing breaks. */
function tried(run, otherwise) {
  try {
    return run() ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Even to name it is refused where a person has blocked site data. */
export const browserStorage = () => tried(() => globalThis.localStorage, {});

/** The page that this tab shows now, `tab`, and the one before it was loaded again, `before`; null in a fresh tab, or where a browser keeps nothing. */
export function pageOfTab(tab) {
  const before = tried(() => sessionStorage.getItem(`${ALL}tab`), null);
  tried(() => sessionStorage.setItem(`${ALL}tab`, tab));
  return { tab, before };
}

const forgetTab = () => tried(() => sessionStorage.removeItem(`${ALL}tab`));

const names = (storage) => tried(() => Object.keys(storage), []);

/** Everything of every account but `user` leaves the device: at log-out (nobody stays) and when another account signs in. */
export function wipeOthers(user = null, storage = browserStorage()) {
  if (user === null) forgetTab();
  for (const name of names(storage)) {
    if (name.startsWith(ALL) && (user === null || !name.startsWith(`${ALL}${user}:`)))
      tried(() => storage.removeItem(name));
  }
}

/** What would be lost with a log-out: {users, messages, drafts}, of every account that this browser keeps something of. */
export function unsentOnDevice(storage = browserStorage()) {
  const keys = names(storage)
    .map((name) => /^entre:([^:]+):(\w+)/.exec(name))
    .filter(Boolean);
  const count = (kind) => keys.filter((key) => key[2] === kind).length;
  return { users: new Set(keys.map((key) => key[1])), messages: count("outbox"), drafts: count("draft") };
}

export class Store {
  #storage;
  #prefix;
  #isOver = false;

  constructor({ storage, user }) {
    this.#storage = storage;
    this.#prefix = `${ALL}${user}:`;
  }

  get(key) {
    return tried(() => JSON.parse(this.#storage.getItem(this.#prefix + key)), null);
  }

  /** False when it could not be kept. After the end nothing is to be kept, and no page is to be held back for it. */
  set(key, value) {
    return (
      this.#isOver ||
      tried(() => {
        this.#storage.setItem(this.#prefix + key, JSON.stringify(value));
        return true;
      }, false)
    );
  }

  remove(key) {
    tried(() => this.#storage.removeItem(this.#prefix + key));
  }

  /** The account was left in another tab: what this one still holds is never written again. */
  end() {
    this.#isOver = true;
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
