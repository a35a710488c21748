// The notice of a new version (docs/interface.md K7), checked after every reconnect. Reloads by itself only in a
// hidden, unused tab.

const KEY = "entre-reloaded-for";

const isUntouched = (field) =>
  field.type === "checkbox" || field.type === "radio"
    ? field.checked === field.defaultChecked
    : field.value === field.defaultValue;

export class NewRelease {
  #root;
  #options;
  #found = null;

  /**
   * `release` is the page's own; `ask()` -> promise of the server's. `isUnsent()`: something of this user is still
   * unsent. `announce(text)` tells screen readers politely. `session` remembers what was reloaded for: two processes of
   * different age, while a new version is rolled out, must not send a hidden tab round in circles.
   */
  constructor({ root, ...options }) {
    this.#root = root;
    this.#options = options;
    options.document.addEventListener("visibilitychange", () => this.#tryAlone());
  }

  async check() {
    const found = await this.#options.ask().catch(() => null);
    if (!found || found === this.#options.release || found === this.#found) return;
    this.#found = found;
    this.#root.hidden = false;
    this.#options.announce(this.#root.textContent.trim());
    this.#tryAlone();
  }

  #tryAlone() {
    const { document, isUnsent, reload, session } = this.#options;
    if (!this.#found || !document.hidden || isUnsent() || session.get(KEY) === this.#found) return;
    if (document.querySelector("dialog[open]") || ![...document.querySelectorAll("textarea, input")].every(isUntouched))
      return;
    // Without storage this cannot be remembered, so the page does not reload.
    if (session.set(KEY, this.#found)) reload();
  }
}
