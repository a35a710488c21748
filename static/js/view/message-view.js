// One message: a clone of the template, filled with text nodes. The same element stays from pending to read.

import { isLong } from "../lib/body.js";
import { action, cloneTemplate, part, setData, setText } from "../lib/dom.js";
import { isFinal } from "../protocol/events.js";
import { fillBody, replaceBody } from "./bodies.js";

export class MessageView {
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
    article.setAttribute("aria-labelledby", named.map((name) => `m-${id}-${name}`).join(" "));
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
    this.#fillFailure(element, item);
  }

  #fillBody(body, { message, gone }, isFromServer) {
    const isKnown = message.kind === "text" || message.kind === "system";
    if (gone) return replaceBody(body, this.#t("Message deleted"));
    if (!isKnown) return replaceBody(body, this.#t("Sent from a newer version."));
    fillBody(body, message.body, { isFromServer });
  }

  #fillMeta(element, { message, state, at }) {
    const time = part(element, "time");
    if (time?.dateTime !== message.created_at) time?.setAttribute("datetime", message.created_at);
    setText(time, this.#dates.time(at));
    setText(part(element, "ticks"), state ? this.#stateName(state) : "");
    const edited = part(element, "edited");
    if (edited) edited.hidden = !message.edited_at;
    const quote = part(element, "quote");
    if (quote && message.reply_to == null) quote.hidden = true;
  }

  /** Few messages ever fail, so the template does without these buttons. */
  #fillFailure(element, { state, reason }) {
    let failure = part(element, "failure");
    if (state !== "failed") return failure?.remove();
    if (!failure) element.append((failure = cloneTemplate("failure")));
    const isQuestion = reason === "waited";
    setText(part(failure, "reason"), this.#reason(reason));
    action("retry-send", failure).hidden = isFinal(reason);
    action("edit-send", failure).hidden = !isFinal(reason);
    setText(action("retry-send", failure), isQuestion ? this.#t("Send") : this.#t("Try again"));
    setText(action("discard", failure), isQuestion ? this.#t("Discard") : this.#t("Delete"));
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

  #reason(code) {
    const t = this.#t;
    const known = {
      too_large: t("Not sent. The message is too long."),
      invalid_text: t("Not sent. The text contains characters that can’t be sent."),
      cannot_deliver: t("Not sent. You can’t write to this person now."),
      not_found: t("Not sent. This chat is not available."),
      gone: t("Not sent. This chat is not available."),
      no_answer: t("Not sent. The server isn’t responding."),
      internal: t("Not sent. The server couldn’t accept it."),
      waited: t("Not sent for more than a day. Send it now?"),
    };
    return known[code] ?? t("Not sent.");
  }
}
