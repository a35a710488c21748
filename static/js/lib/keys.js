// Keyboard events: which key was meant, on any keyboard layout (docs/interface.md X); and the keys of a toolbar.

export const isMac = /Mac|iP(hone|ad|od)/.test(globalThis.navigator?.platform ?? "");

/**
 * A key of a running composition (Japanese, Chinese, many phone keyboards) belongs to the input method; Safari marks it
 * by 229.
 */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/**
 * ⌘ on a Mac, where Ctrl moves in the text; Ctrl elsewhere, where Meta belongs to the system. With AltGr it types a
 * character.
 */
export const isCommand = ({ ctrlKey, metaKey, altKey }, onMac = isMac) =>
  !altKey && (onMac ? metaKey && !ctrlKey : ctrlKey && !metaKey);

/**
 * What the key writes, in lower case. Where that is a letter that is not Latin, the letter that stands there on an
 * English keyboard: on a Russian one K says "л". Never by the place alone: on a German one the minus, with which the
 * browser makes the page smaller, stands where "/" is on an English one. And "/" on a letter's place (Hebrew Q) is
 * meant as that letter.
 */
export function keyOf({ key = "", code = "" }) {
  const letter = /^Key([A-Z])$/.exec(code)?.[1].toLowerCase();
  const isForeign = /^[\p{L}\p{M}]/u.test(key) && !/^\p{Script=Latin}/u.test(key);
  if (letter && (isForeign || key === "/")) return letter;
  return isForeign && code === "Slash" ? "/" : key.toLowerCase();
}

/**
 * Makes a toolbar one tab stop (docs/interface.md A4): arrow keys, Home and End move between its buttons, and Tab
 * returns to the one that had the focus last. Returns what to call after buttons were shown, hidden or disabled.
 */
export function rove(bar) {
  const usable = () => [...bar.querySelectorAll("button")].filter((one) => !one.disabled && one.checkVisibility());
  let last = null;
  function settle() {
    const all = usable();
    if (!all.includes(last)) [last = null] = all;
    for (const one of bar.querySelectorAll("button")) one.tabIndex = one === last ? 0 : -1;
  }
  bar.addEventListener("focusin", ({ target }) => {
    last = target;
    settle();
  });
  bar.addEventListener("keydown", (event) => {
    const all = usable();
    const forward = getComputedStyle(bar).direction === "rtl" ? -1 : 1;
    const at = all.indexOf(event.target);
    const to = { ArrowRight: at + forward, ArrowLeft: at - forward, Home: 0, End: -1 }[event.key];
    if (to === undefined || at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    all.at(to % all.length).focus();
  });
  return settle;
}
