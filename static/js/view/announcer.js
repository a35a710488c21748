// Live regions for screen readers (docs/interface.md A1 to A3). They are empty on load and hold at most twenty
// lines.

import { cut } from "../lib/body.js";
import { shownText } from "./bodies.js";

const LINES = 20;
const LONGEST = 200;

export class Announcer {
  #lastFrom = new Map();

  constructor({ t, now }) {
    this.t = t;
    this.now = now;
  }

  /** A message that arrived while its chat is open. */
  message(name, message) {
    this.#add("say-messages", `${name}: ${cut(shownText(message, this.t), LONGEST)}`);
  }

  /** A message in another chat: at most once in ten seconds per chat. */
  otherChat(room, name) {
    if (this.now() - (this.#lastFrom.get(room) ?? -Infinity) < 10_000) return;
    this.#lastFrom.set(room, this.now());
    this.status(this.t("New message from {name}", { name }));
  }

  status(text) {
    this.#add("say-status", text);
  }

  alert(text) {
    this.#add("say-alert", text);
  }

  #add(id, text) {
    // Screen readers skip regions behind a modal dialog; a dialog with its own region uses that.
    const region = document.querySelector(`dialog[open] [data-say="${id}"]`) ?? document.getElementById(id);
    if (!region) return;
    region.append(Object.assign(document.createElement("p"), { textContent: text }));
    while (region.childElementCount > LINES) region.firstElementChild.remove();
  }
}
