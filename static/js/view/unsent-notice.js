// The lines above the composer: several messages failed, or the browser cannot store them. Loaded when idle.

import { action, cloneTemplate, part, setText, view } from "../lib/dom.js";

export class UnsentNotice {
  #options;
  #isAtRisk = false;

  /** `root`, `room`, `events`, `drafts`, `t`; `announce(text)` for screen readers. */
  constructor(options) {
    const { root, room, events, drafts } = (this.#options = options);
    events.on("unsent", (counts) => this.#update(counts));
    if (!view("composer", root)) showDraft(root, drafts.get(room));
  }

  /**
   * `failed` messages of this chat, `final` of them for good; `isAtRisk`: a message of any chat exists only in this
   * page.
   */
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

/** In a closed chat the draft is shown to be copied; the page may have the one that the server knows. */
function showDraft(root, draft) {
  if (!draft) return;
  const element = part(root, "unsent") ?? cloneTemplate("unsent-text");
  element.querySelector("textarea").value = draft.text;
  part(root, "closed")?.after(element);
}
