// "A new version is ready. Reload" (ui-spec K7): looked for after every reconnection. Reloads by itself only where nobody could notice.

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
   * `release` is the page's own; `ask()` -> promise of the server's. `isUnsent()`: is something of this person still waiting to go out?
   * `announce(text)` tells screen readers politely. `session` remembers what was reloaded for: two processes of different age, while a new
   * version is rolled out, must not send a hidden tab round in circles.
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
    // Where this cannot be remembered, it is not done.
    if (session.set(KEY, this.#found)) reload();
  }
}
