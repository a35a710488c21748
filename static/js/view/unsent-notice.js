// The lines above the message box: several messages failed, or the browser keeps nothing of what waits. Loaded when idle, before it is needed.

import { action, cloneTemplate, part, setText, view } from "../lib/dom.js";

export class UnsentNotice {
  #options;
  #isAtRisk = false;

  /** `announce(text)` tells screen readers politely. */
  constructor(options) {
    const { root, room, events, drafts } = (this.#options = options);
    events.on("unsent", (counts) => this.#update(counts));
    if (!view("composer", root)) showDraft(root, drafts.get(room));
  }

  /** `failed` of this chat, `final` of them for good; `isAtRisk`: a message of any chat is nowhere but in this page. */
  #update({ failed, final, isAtRisk }) {
    const { root, t, announce } = this.#options;
    const several = view("several-failed", root);
    const risk = view("at-risk", root);
    if (!several) return;
    several.hidden = failed < 2;
    action("retry-all", several).hidden = failed === final;
    if (failed > 1) setText(part(several, "text"), t("{n} message not sent.|{n} messages not sent.", { n: failed }));
    if (isAtRisk === this.#isAtRisk) return;
    this.#isAtRisk = isAtRisk;
    risk.hidden = !isAtRisk;
    if (isAtRisk) announce(risk.textContent.trim());
  }
}

/** In a chat that takes nothing any more: what was typed is there to be copied. */
function showDraft(root, draft) {
  if (!draft) return;
  const element = cloneTemplate("unsent-text");
  element.querySelector("textarea").value = draft.text;
  part(root, "closed")?.after(element);
}
