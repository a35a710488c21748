// Creates the link of the invite dialog on the first action that needs it, so that looking leaves no unused links
// (docs/interface.md I1).

import { part, setData, setText } from "../lib/dom.js";
import { Timer } from "../lib/timing.js";
import { newId } from "../protocol/commands.js";
import { copyLater } from "./clipboard.js";

const INVITES = "/api/v1/invites";
const SAVE_AFTER_MS = 500;
const DONE_MS = 2_000;

export class InviteMaking {
  #form;
  #options;
  #timer;
  /** What the server has stored of it: {id, url, note, lives}; null before it is created. */
  #invite = null;
  #making = null;
  /** The same for each try at one link: the first answer may be lost after the link was created. */
  #key = newId();
  #fades = new Map();

  /** `announce(text)` for screen readers; `problem(error)` shows why something failed, null clears it. */
  constructor(options) {
    const { form, clock } = (this.#options = options);
    this.#form = form;
    this.#timer = new Timer(clock, () => this.save());
    form.addEventListener("submit", (event) => (event.preventDefault(), this.save()));
    form.addEventListener("input", () => this.#timer.set(clock.now() + SAVE_AFTER_MS));
    form.addEventListener("change", () => this.save());
    form.querySelector('[data-do="share"]').hidden = !navigator.share;
  }

  get id() {
    return this.#invite?.id ?? null;
  }

  /** Typed for a link that does not exist yet. */
  get unsaved() {
    const [note, lives] = [this.#note, this.#lives];
    return !this.#invite && note ? { note, lives } : null;
  }

  /** For another link. */
  reset() {
    this.#timer.clear();
    this.#invite = this.#making = null;
    this.#key = newId();
    this.#form.reset();
    for (const name of ["press", "qr"]) part(this.#form, name).hidden = true;
    part(this.#form, "code").removeAttribute("src");
    this.#form.querySelector('[data-do="qr"]').setAttribute("aria-expanded", "false");
  }

  restore({ note, lives }) {
    this.#form.elements.note.value = note;
    this.#form.elements.lives.value = lives;
  }

  get #note() {
    return this.#form.elements.note.value.trim();
  }

  get #lives() {
    return this.#form.elements.lives.value;
  }

  /** Promise of the link; rejects after `problem` has reported why. Two quick presses create one link. */
  #link() {
    return (this.#making ??= this.#make().catch((error) => {
      this.#making = null;
      this.#options.problem(error);
      throw error;
    }));
  }

  async #make() {
    const sent = { note: this.#note, lives: this.#lives };
    const { id, url } = await this.#options.api.post(INVITES, sent, { "Idempotency-Key": this.#key });
    this.#invite = { id, url, ...sent };
    part(this.#form, "link").value = url;
    this.#options.problem(null);
    // The user may have typed on meanwhile.
    this.save();
    return url;
  }

  async copy(button) {
    const isCopied = await copyLater(this.#link()).catch(() => null);
    // Without a link there is nothing to select; `problem` has reported why.
    if (!isCopied) return isCopied === false && this.#select();
    const label = part(button, "label");
    this.#options.announce(button.dataset.done);
    if (button.dataset.state === "done") return;
    const before = label.textContent;
    setText(label, button.dataset.done);
    setData(button, "state", "done");
    this.#options.clock.after(DONE_MS, () => (setText(label, before), setData(button, "state", null)));
  }

  /** For the user's own Ctrl C. */
  #select() {
    const hint = part(this.#form, "press");
    part(this.#form, "link").select();
    hint.hidden = false;
    this.#options.announce(hint.textContent);
  }

  async share(button) {
    const url = await this.#link();
    // Closing the share sheet rejects, too; that is no error.
    navigator.share({ url, text: button.dataset.text }).catch(() => {});
  }

  async showCode(button) {
    const figure = part(this.#form, "qr");
    if (figure.hidden) {
      await this.#link();
      await this.#loadCode();
    }
    figure.hidden = !figure.hidden;
    button.setAttribute("aria-expanded", String(!figure.hidden));
    if (!figure.hidden) figure.scrollIntoView({ block: "nearest" });
  }

  /** Shown once it is loaded, so that the fields below move once. */
  async #loadCode() {
    const picture = part(this.#form, "code");
    if (!picture.hasAttribute("src")) picture.src = `/invites/${this.#invite.id}/qr.svg`;
    try {
      await picture.decode();
    } catch (error) {
      picture.removeAttribute("src");
      this.#options.problem({ status: 0 });
      throw error;
    }
  }

  /** The tab is opened by the press itself; after an await it would be blocked as a pop-up. */
  async preview() {
    const tab = window.open("", "_blank");
    const url = await this.#link().catch((error) => (tab?.close(), Promise.reject(error)));
    if (!tab) return location.assign(url);
    tab.opener = null;
    tab.location.replace(url);
  }

  /** The note and the time of the link that is there; before it is, they wait for it. */
  async save() {
    this.#timer.clear();
    const invite = this.#invite;
    const [note, lives] = [this.#note, this.#lives];
    const change = { ...(note !== invite?.note && { note }), ...(lives !== invite?.lives && { lives }) };
    if (!invite || !Object.keys(change).length) return;
    const before = { note: invite.note, lives: invite.lives };
    Object.assign(invite, change);
    try {
      await this.#options.api.patch(`${INVITES}/${invite.id}`, change);
      this.#options.problem(null);
      for (const name of Object.keys(change)) this.#sayBeside(part(this.#form, `saved-${name}`));
      this.#options.announce(this.#options.t("Saved"));
    } catch (error) {
      Object.assign(invite, before);
      this.#options.problem(error);
    }
  }

  #sayBeside(place) {
    this.#fades.get(place)?.();
    setText(place, this.#options.t("Saved"));
    this.#fades.set(
      place,
      this.#options.clock.after(DONE_MS, () => setText(place, "")),
    );
  }
}
