// One message: a clone of the template, filled with text nodes. The same element stays from pending to read.

import { isLong } from "../lib/body.js";
import { action, cloneTemplate, part, setData, setText } from "../lib/dom.js";
import { fillBody, replaceBody } from "./bodies.js";

export class MessageView {
  /** The MessageExtras: quote, reactions, failures. Loaded when idle; until then they stay as the server drew them. */
  extras = null;
  #t;
  #dates;
  #peerName;

  constructor({ t, dates, peerName }) {
    this.#t = t;
    this.#dates = dates;
    this.#peerName = peerName;
  }

  /** Empty: `update` fills it. */
  create(item) {
    const element = cloneTemplate("message");
    const { id } = item.message;
    const named = ["who", "body", "meta"].filter((name) => part(element, name));
    for (const name of named) part(element, name).id = `m-${id}-${name}`;
    const article = element.querySelector("article");
    article.id = `m-${id}`;
    const parts = ["who", "quote", "files", "body", "meta"];
    article.setAttribute("aria-labelledby", parts.map((name) => `m-${id}-${name}`).join(" "));
    setText(part(element, "who"), `${item.own ? this.#t("You") : this.#peerName()}:`);
    return element;
  }

  update(element, item) {
    const { message } = item;
    const isFromServer = element.dataset.version === String(message.version) && message.seq !== null;
    const data = {
      seq: message.seq,
      id: message.id,
      version: message.version,
      own: item.own ? "true" : "false",
      state: item.state,
    };
    for (const [name, value] of Object.entries(data)) setData(element, name, value);
    setData(element, "first", item.first && "true");
    setData(element, "last", item.last && "true");
    setData(element, "emoji", item.emoji && "true");
    setData(element, "deleted", item.gone && "true");
    const more = action("show-all", element);
    const isFolded = !item.gone && isLong(message.body);
    setData(element, "long", isFolded && "true");
    if (!isFolded) more?.remove();
    this.#fillBody(part(element, "body"), item, isFromServer);
    this.#fillMeta(element, item);
    this.extras?.update(element, item);
  }

  #fillBody(body, { message, gone }, isFromServer) {
    const isKnown = message.kind === "text" || message.kind === "system";
    if (gone) return replaceBody(body, this.#t("Message deleted"));
    if (!isKnown) return replaceBody(body, this.#t("Sent from a newer version."));
    fillBody(body, message.body, { isFromServer });
  }

  #fillMeta(element, { message, state, at, gone }) {
    const time = part(element, "time");
    if (time?.dateTime !== message.created_at) time?.setAttribute("datetime", message.created_at);
    setText(time, this.#dates.time(at));
    setText(part(element, "ticks"), state ? this.#stateName(state) : "");
    const edited = part(element, "edited");
    if (edited) edited.hidden = gone || !message.edited_at;
  }

  #stateName(state) {
    const t = this.#t;
    return {
      pending: t("Sending…"),
      sent: t("Sent"),
      delivered: t("Delivered"),
      read: t("Read"),
      failed: t("Not sent."),
    }[state];
  }
}
