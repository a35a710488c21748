// What not every message has: a quote, reactions, the line below what was not sent or not saved. Loaded when idle.

import { loadFilesSheet } from "../lib/attachments-sheet.js";
import { action, cloneTemplate, part, setData, setText } from "../lib/dom.js";
import { isFinal } from "../protocol/events.js";
import { quoteOf } from "../state/timeline.js";
import { canBeFile, refusalText } from "../state/attachments-refusals.js";
import { addressOf } from "../state/attachments-shape.js";
import { ICONS, kindWord } from "../state/attachments-words.js";
import { MessageFiles } from "./attachments-files.js";
import { plainText } from "./bodies.js";
import { setIcon } from "./icons.js";

export class MessageExtras {
  #options;
  #files;

  /** `t`, `dates`, `me`, `peerName()`, `timeline`; `uploads` for MessageFiles. */
  constructor(options) {
    this.#options = options;
    this.#files = new MessageFiles(options);
  }

  /** `element` shows `item` already, but for these. */
  update(element, item) {
    this.#files.update(element, item);
    this.#fillQuote(element, item);
    this.#fillReactions(element, item);
    this.#fillEdited(part(element, "edited"), item.message);
    this.#fillFailure(element, item);
    this.#fillRefusedEdit(element, item.message);
  }

  /** A reply that waits in the outbox has its quote from the page. */
  #reply({ reply_to: seq, reply }) {
    const quoted = seq == null || reply ? null : this.#options.timeline.get(seq);
    return reply ?? (quoted && quoteOf(quoted));
  }

  #fillQuote(element, { message, gone }) {
    const { t, me, peerName } = this.#options;
    const reply = gone ? null : this.#reply(message);
    let quote = part(element, "quote");
    if (!reply) return quote?.remove();
    if (!quote) {
      quote = cloneTemplate("quote");
      quote.id = `m-${message.id}-quote`;
      quote.tabIndex = -1;
      (part(element, "files") ?? part(element, "body")).before(quote);
    }
    quote.setAttribute("href", `?m=${reply.seq}#message-${reply.seq}`);
    setData(quote, "deleted", reply.deleted);
    setText(part(quote, "quoted"), reply.sender === me ? t("You") : peerName());
    const text = plainText(reply.excerpt) || kindWord(reply.attached, t);
    setText(part(quote, "excerpt"), reply.deleted ? t("Message deleted") : text);
    const picture = reply.deleted ? null : reply.picture;
    setIcon(part(quote, "icon"), reply.deleted || picture ? null : ICONS[reply.attached]);
    this.#fillThumb(quote, picture);
  }

  #fillThumb(quote, id) {
    let thumb = part(quote, "thumb");
    if (!id) return thumb?.remove();
    if (!thumb) quote.prepend((thumb = part(cloneTemplate("quote"), "thumb")));
    const address = this.#options.uploads?.()?.urlOf(id) ?? addressOf(id, "thumb");
    if (thumb.getAttribute("src") !== address) thumb.src = address;
    loadFilesSheet();
  }

  /** A chip for each emoji; a press on it sets or takes back mine. */
  #fillReactions(element, { message, gone }) {
    let chips = part(element, "reactions");
    const reactions = gone ? [] : (message.reactions ?? []);
    if (!reactions.length) return chips?.remove();
    if (!chips) element.querySelector("article").after((chips = cloneTemplate("reactions")));
    const wanted = JSON.stringify(reactions);
    if (chips.dataset.shown === wanted) return;
    const focused = chips.contains(document.activeElement) ? document.activeElement.dataset.emoji : null;
    chips.dataset.shown = wanted;
    // As the links of a message: reached with Tab where the message is (view/message-keys.js).
    const tabIndex = element.querySelector("article").tabIndex;
    chips.replaceChildren(...reactions.map((reaction) => Object.assign(this.#chip(reaction), { tabIndex })));
    if (focused) ([...chips.children].find(({ dataset }) => dataset.emoji === focused) ?? chips.firstChild).focus();
  }

  #chip({ emoji, users }) {
    const { t, me, peerName } = this.#options;
    const isMine = users.includes(me);
    const names = users.map((user) => (user === me ? t("You") : peerName())).join(", ");
    const chip = Object.assign(document.createElement("button"), {
      type: "button",
      className: "reactions__chip",
      textContent: users.length > 1 ? `${emoji} ${users.length}` : emoji,
      title: names,
    });
    chip.setAttribute("aria-label", `${emoji} ${names}`);
    chip.setAttribute("aria-pressed", String(isMine));
    setData(chip, "mine", isMine);
    chip.dataset.emoji = emoji;
    return chip;
  }

  #fillEdited(label, { edited_at: at, isSaving }) {
    const { t, dates } = this.#options;
    if (!label || !at) return;
    setText(label, isSaving ? t("saving…") : t("edited"));
    label.title = dates.full(at);
  }

  /** Few messages ever fail, so the template does without these buttons. */
  #fillFailure(element, { state, reason, message }) {
    const { t } = this.#options;
    let failure = part(element, "failure");
    if (state !== "failed") return failure?.remove();
    if (!failure) element.append((failure = cloneTemplate("failure")));
    const isQuestion = reason === "waited";
    const refused = message.attachments?.find((file) => file.refused);
    setText(part(failure, "reason"), (refused && refusalText(refused, t)) ?? this.#reason(reason));
    action("retry-send", failure).hidden = isFinal(reason);
    action("edit-send", failure).hidden = !isFinal(reason);
    action("send-as-file", failure).hidden = !(refused && canBeFile(refused));
    setText(action("retry-send", failure), isQuestion ? t("Send") : t("Try again"));
    setText(action("discard", failure), isQuestion ? t("Discard") : t("Delete"));
  }

  #reason(code) {
    const { t } = this.#options;
    const known = {
      too_large: t("Not sent. The message is too long."),
      invalid_text: t("Not sent. The text contains characters that can’t be sent."),
      cannot_deliver: t("Not sent. You can’t write to this person now."),
      not_found: t("Not sent. This chat is not available."),
      gone: t("Not sent. This chat is not available."),
      no_answer: t("Not sent. The server isn’t responding."),
      internal: t("Not sent. The server couldn’t accept it."),
      file_invalid: t("Not sent. The server refuses a file of this message."),
      files_full: t("Not sent. There is no room for the files on the server."),
      files_forbidden: t("Not sent. Files can be sent once this person has accepted."),
      waited: t("Not sent for more than a day. Send it now?"),
    };
    return known[code] ?? t("Not sent.");
  }

  /** The bubble has the text that the server holds; mine stands below it until the user decides. */
  #fillRefusedEdit(element, { failed }) {
    let failure = part(element, "edit-failure");
    if (!failed) return failure?.remove();
    if (!failure) element.append((failure = cloneTemplate("edit-failure")));
    const { reason, body } = failed;
    setText(part(failure, "reason"), this.#editReason(reason));
    setText(part(failure, "mine"), body);
    const isLost = ["gone", "edit_window_closed", "forbidden", "not_found"].includes(reason);
    const offered = { "keep-mine": reason === "conflict", "edit-again": !isLost && reason !== "conflict" };
    for (const [name, isOffered] of Object.entries(offered))
      failure.querySelector(`[data-do="${name}"]`).hidden = !isOffered;
  }

  #editReason(code) {
    const { t } = this.#options;
    const known = {
      conflict: t("Not saved. The message was changed on another device. Your text:"),
      gone: t("Not saved. The message was deleted. Your text:"),
      edit_window_closed: t("Not saved. A message can be edited for 24 hours. Your text:"),
      cannot_deliver: t("Not saved. You can’t write to this person now. Your text:"),
      too_large: t("Not saved. The text is too long:"),
      invalid_text: t("Not saved. The text contains characters that can’t be sent:"),
    };
    return known[code] ?? t("Not saved. Your text:");
  }
}
