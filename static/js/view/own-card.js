// Redraws the user's own name, username and avatar when another device changed them. Loaded when idle.

import { setData, setText, showFace } from "../lib/dom.js";

const FACES = '[data-own-card=""] [data-part="avatar"], [data-own-card="last"] > [data-part="avatar"]:last-of-type';

/** `roots`: the document, and chats that are kept but not on the screen. */
export function redrawOwnCard(roots, card) {
  const each = (selector, draw) => {
    for (const root of roots) for (const element of root.querySelectorAll(selector)) draw(element);
  };
  each('[data-own-card] [data-part="name"]', (element) => setText(element, card.name));
  each('[data-own-card] [data-part="username"]', (element) => setText(element, `@${card.username}`));
  each(FACES, (avatar) => {
    showFace(avatar, card);
    setData(avatar, "colour", card.colour);
  });
}
