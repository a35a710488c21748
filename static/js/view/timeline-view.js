// Updates the list of messages to the items of state/timeline-items.js. An element is kept as long as its message is
// shown.

import { cloneTemplate, part, setText, view } from "../lib/dom.js";
import { report } from "../lib/errors.js";
import { canDraw } from "./bodies.js";

/** `generation` of the dates: a device in another zone has other hours. */
const stamp = (item, generation) =>
  JSON.stringify([
    generation,
    canDraw(),
    item.message,
    item.gone,
    item.state,
    item.reason,
    item.first,
    item.last,
    item.count,
    item.label,
  ]);

function nearest(element, side) {
  let found = element[side];
  while (found && !found.dataset.id) found = found[side];
  return found;
}

export class TimelineView {
  #list;
  #messages;
  #t;
  #dates;
  #elements = new Map();
  #stamps = new Map();

  /** `messages` is the MessageView. Elements that the server has drawn are taken over. */
  constructor({ list, messages, t, dates }) {
    this.#list = list;
    this.#messages = messages;
    this.#t = t;
    this.#dates = dates;
    for (const element of list.children) {
      if (element.dataset.id) this.#elements.set(element.dataset.id, element);
      else if (element.dataset.day) this.#elements.set(`day:${element.dataset.day}`, element);
      else if (element.dataset.part === "new-divider") this.#elements.set("divider", element);
    }
  }

  element(key) {
    return this.#elements.get(key) ?? null;
  }

  /** Every message is drawn again, with what `extras` (view/message-extras.js) adds. */
  extend(extras) {
    this.#messages.extras = extras;
    this.redraw();
  }

  /** With the next `render` every message is drawn again. */
  redraw() {
    this.#stamps.clear();
  }

  render(items) {
    const wanted = new Set(items.map((item) => item.key));
    for (const [key, element] of this.#elements) if (!wanted.has(key)) this.#drop(key, element);
    let place = this.#list.firstElementChild;
    for (const item of items) {
      const element = this.#elements.get(item.key) ?? this.#make(item);
      if (element === place) place = place.nextElementSibling;
      else this.#list.insertBefore(element, place);
      try {
        this.#refresh(element, item);
      } catch (error) {
        // A message that fails to draw does not stop the others.
        report(error);
        setText(part(element, item.message ? "body" : "label"), item.message?.body ?? item.day ?? "");
      }
    }
  }

  #make(item) {
    const element = item.kind === "message" ? this.#messages.create(item) : cloneTemplate(item.kind);
    if (item.kind === "day") element.dataset.day = item.day;
    this.#elements.set(item.key, element);
    return element;
  }

  #refresh(element, item) {
    if (item.kind === "day") item.label = this.#dates.dayLabel(item.day);
    const now = stamp(item, this.#dates.generation);
    if (this.#stamps.get(item.key) === now) return;
    this.#stamps.set(item.key, now);
    if (item.kind === "message") this.#messages.update(element, item);
    else if (item.kind === "day") setText(part(element, "label"), item.label);
    else setText(part(element, "label"), this.#t("{n} new message|{n} new messages", { n: item.count }));
  }

  /** The focus is never lost: it moves to the next message (docs/interface.md A5). */
  #drop(key, element) {
    const next = nearest(element, "nextElementSibling") ?? nearest(element, "previousElementSibling");
    if (element.contains(document.activeElement))
      (next?.querySelector("article") ?? view("composer")?.elements.body)?.focus();
    element.remove();
    this.#elements.delete(key);
    this.#stamps.delete(key);
  }
}
