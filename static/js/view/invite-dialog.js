// The invite dialog, over any page of the shell. It is fetched each time, with the links that are pending now.

import { part, setText, view } from "../lib/dom.js";
import { acceptedNotice } from "./accepted-invites.js";
import { ask } from "./confirm.js";
import { closeOnBackdropPress } from "./backdrop-close.js";
import { copyText } from "./clipboard.js";
import { InviteMaking } from "./invite-making.js";
import { formatTimes } from "./local-time.js";
import { toast } from "./toast.js";

const ADDRESS = "/invites/dialog/";
const HISTORY = "invite";
const TIMEOUT_MS = 10_000;

const isNarrow = () => matchMedia("(width < 760px)").matches;

export class InviteDialog {
  #options;
  #dialog = null;
  #opener = null;
  #making;
  #loading = null;
  #unsaved = null;

  constructor(options) {
    this.#options = options;
    window.addEventListener("popstate", () => this.#dialog?.open && this.#dialog.close());
  }

  /** Rejects when the dialog cannot be loaded; then the page of invites opens. */
  show(opener) {
    if (this.#dialog?.open) return Promise.resolve();
    this.#opener = opener;
    return (this.#loading ??= this.#open().finally(() => (this.#loading = null)));
  }

  async #open() {
    // A redirect leads to the log-in page.
    const answer = await fetch(ADDRESS, {
      headers: { "X-Acting-User": this.#options.me },
      credentials: "same-origin",
      redirect: "error",
      signal: AbortSignal.timeout?.(TIMEOUT_MS),
    });
    if (!answer.ok) throw new Error(`${ADDRESS}: ${answer.status}`);
    const dialog = view("invite", new DOMParser().parseFromString(await answer.text(), "text/html"));
    this.#dialog?.remove();
    this.#dialog = document.importNode(dialog, true);
    this.#wire(this.#dialog);
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    // So that Back closes it on a narrow screen (docs/interface.md N3).
    if (isNarrow()) history.pushState({ open: HISTORY }, "");
  }

  #wire(dialog) {
    const { api, t, clock, dates, announcer } = this.#options;
    formatTimes(dialog, dates);
    if (/Mac|iP(hone|ad)/.test(navigator.platform)) setText(part(dialog, "command-key"), "⌘");
    this.#making = new InviteMaking({
      form: part(dialog, "making"),
      api,
      t,
      clock,
      announce: (text) => announcer.status(text),
      problem: (error) => this.#problem(error),
    });
    if (this.#unsaved) this.#making.restore(this.#unsaved);
    closeOnBackdropPress(dialog, () => !this.#making.unsaved);
    dialog.addEventListener("click", ({ target }) => this.#onClick(target.closest("[data-do]")));
    dialog.addEventListener("close", () => this.#closed());
  }

  #closed() {
    this.#making.save();
    this.#unsaved = this.#making.unsaved;
    if (history.state?.open === HISTORY) history.back();
    // Not every browser restores the focus. This runs a moment after the close, when the user may have moved on.
    if (document.activeElement === document.body) this.#opener?.focus({ preventScroll: true });
  }

  #onClick(button) {
    const acts = {
      close: () => this.#dialog.close(),
      copy: () => this.#making.copy(button),
      share: () => this.#making.share(button),
      qr: () => this.#making.showCode(button),
      preview: () => this.#making.preview(),
      "copy-waiting": () => this.#copyWaiting(button),
      revoke: () => this.#revoke(button),
      another: () => this.#another(button),
    };
    // `problem` has reported the failure.
    Promise.resolve(acts[button?.dataset.do]?.()).catch(() => {});
  }

  #problem(error) {
    const place = part(this.#dialog, "problem");
    place.hidden = !error;
    if (!error) return;
    const text = this.#reason(error);
    if (this.#dialog.open) setText(place, text);
    else toast(text, { clock: this.#options.clock });
  }

  #reason({ status }) {
    const { t } = this.#options;
    if (status === 409) return t("Too many links haven’t been accepted yet. Revoke one to make another.");
    if (status === 410) return t("This link can no longer be changed.");
    if (status === 401) return t("You have been logged out. Reload this page to log in again.");
    return t("That didn’t work. Check your connection and try again.");
  }

  async #copyWaiting({ dataset }) {
    const { announcer, t, clock } = this.#options;
    // The page of invites shows each link in a field.
    if (!(await copyText(dataset.url)))
      return toast(t("This browser doesn’t let the page copy. You can find the link under “All my invites”."), {
        clock,
      });
    toast(dataset.done, { clock });
    announcer.status(dataset.done);
  }

  async #revoke(button) {
    const { api, t, announcer } = this.#options;
    if (!(await ask(button.dataset.ask, this.#dialog))) return;
    const line = button.closest("[data-invite]");
    try {
      await api.remove(`/api/v1/invites/${line.dataset.invite}`);
    } catch (error) {
      return this.#problem(error);
    }
    const next = line.nextElementSibling ?? line.previousElementSibling;
    line.remove();
    part(this.#dialog, "waiting").hidden = !next;
    // It may have been the link over the limit.
    part(this.#dialog, "full").hidden = true;
    part(this.#dialog, "making").hidden = false;
    this.#problem(null);
    (next?.querySelector("button") ?? this.#dialog.querySelector('[data-do="close"]')).focus();
    announcer.status(t("The link no longer works."));
  }

  /** A user accepted the link that was made here, or a pending one. The focus moves only if its element is gone. */
  accepted({ id, name, room }) {
    if (!this.#dialog?.open) return false;
    const form = part(this.#dialog, "making");
    const place = this.#making.id === id ? form : this.#dialog.querySelector(`[data-invite="${CSS.escape(id)}"]`);
    if (!place) return false;
    const hadFocus = place.contains(document.activeElement);
    const notice = acceptedNotice({ name, room, t: this.#options.t });
    part(this.#dialog, "done").append(notice);
    if (place === form) {
      form.hidden = part(this.#dialog, "lead").hidden = true;
      part(this.#dialog, "next").hidden = false;
    } else {
      place.remove();
      part(this.#dialog, "waiting").hidden = !this.#dialog.querySelector("[data-invite]");
    }
    if (hadFocus) notice.focus({ preventScroll: true });
    return true;
  }

  /** The next link takes the place of the accepted one. */
  #another(button) {
    this.#making.reset();
    const form = part(this.#dialog, "making");
    form.hidden = part(this.#dialog, "lead").hidden = false;
    button.closest('[data-part="next"]').hidden = true;
    form.querySelector('[data-do="copy"]').focus();
  }
}
