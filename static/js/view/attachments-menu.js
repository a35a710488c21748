// A menu beside the button that opens it: a clone of a template, gone when it closes.

import { cloneTemplate } from "../lib/dom.js";

const EDGE_PX = 8;

/** `allowed`: the items that are offered; `onDo(name)` is called once the menu is closed and `anchor` has the focus. */
export function openMenu({ template, anchor, allowed, onDo }) {
  const menu = cloneTemplate(template);
  for (const item of menu.querySelectorAll("[data-do]")) if (!allowed.includes(item.dataset.do)) item.remove();
  const items = () => [...menu.querySelectorAll("[data-do]")];
  (anchor.closest("dialog") ?? document.body).append(menu);
  menu.addEventListener("click", ({ target }) => {
    const chosen = target.closest("[data-do]")?.dataset.do;
    if (!chosen) return;
    menu.hidePopover();
    anchor.focus({ preventScroll: true });
    // In the task of the press: a file picker opens only then.
    onDo(chosen);
  });
  menu.addEventListener("keydown", (event) => {
    const all = items();
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    // The browser closes the menu, and nothing below it.
    if (event.key === "Escape") event.stopPropagation();
    if (event.key === "Tab") menu.hidePopover();
    else if (to === undefined) return;
    else all.at(to % all.length).focus();
    event.preventDefault();
  });
  menu.addEventListener("toggle", ({ newState }) => {
    if (newState !== "closed") return;
    const hadFocus = menu.contains(document.activeElement) || document.activeElement === document.body;
    anchor.setAttribute("aria-expanded", "false");
    menu.remove();
    if (hadFocus) anchor.focus({ preventScroll: true });
  });
  menu.showPopover();
  anchor.setAttribute("aria-expanded", "true");
  place(menu, anchor);
  items()[0]?.focus({ preventScroll: true });
}

function place(menu, anchor) {
  const box = menu.getBoundingClientRect();
  const by = anchor.getBoundingClientRect();
  const wanted = getComputedStyle(anchor).direction === "rtl" ? by.right - box.width : by.left;
  const left = Math.max(EDGE_PX, Math.min(wanted, innerWidth - box.width - EDGE_PX));
  Object.assign(menu.style, { left: `${left}px`, top: `${Math.max(EDGE_PX, by.top - box.height - EDGE_PX)}px` });
}
