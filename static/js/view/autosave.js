// Settings that save themselves: "Saved" shows beside the control for two seconds; a failure reverts it and says
// why.

import { part, setData, setText } from "../lib/dom.js";
import { applyAppearance, broadcastAppearance } from "./appearance.js";

const SAVED_MS = 2_000;

/** Why it was not saved, in a sentence. Also used by the avatar picker. */
export function reason({ state, errors = {} }, t) {
  const said = Object.values(errors).flat().join(" ");
  if (said) return said;
  if (state === "signed-out") return t("You have been logged out. Reload this page to log in again.");
  if (state === "old") return t("This page is out of date. Reload it and try again.");
  if (state === "limited") return t("Too many attempts. Try again in a moment.");
  return t("Not saved: the server isn’t responding. Try again.");
}

const valueOf = (control) => (control.type === "checkbox" ? control.checked : control.value);

function putBack(form, name, value) {
  const control = form.elements[name];
  if (control instanceof RadioNodeList) control.value = value;
  else if (control.type === "checkbox") control.checked = value;
  else control.value = value;
}

const controlsOf = (form) =>
  [...form.elements].filter(({ name, type, checked }) => name && (type !== "radio" || checked));

/** The values as the server sent them. */
function stored(form) {
  const sent = form.cloneNode(true);
  sent.reset();
  return new Map(controlsOf(sent).map((control) => [control.name, valueOf(control)]));
}

/** `user` is the id of the user whose settings these are. */
export function autosave(form, { post, t, clock, user }) {
  const kept = stored(form);
  const latest = new Map();
  const fades = new WeakMap();

  function say(control, text, state) {
    const place = part(control.closest('[data-part="setting"]'), "saved");
    fades.get(place)?.();
    setText(place, text);
    setData(place, "state", state);
    if (state === "saved")
      fades.set(
        place,
        clock.after(SAVED_MS, () => setText(place, "")),
      );
  }

  async function save(control) {
    const { name } = control;
    const value = valueOf(control);
    const turn = (latest.get(name) ?? 0) + 1;
    latest.set(name, turn);
    applyAppearance(name, value);
    const body = new FormData();
    body.set("only", name);
    if (value !== false) body.set(name, value === true ? "on" : value);
    const answer = await post(form.action, body);
    const isLast = latest.get(name) === turn;
    if (answer.state === "saved") {
      kept.set(name, value);
      broadcastAppearance(user, name, value);
      if (isLast) say(control, t("Saved"), "saved");
      if (name === "language") location.reload();
    } else if (isLast) {
      putBack(form, name, kept.get(name));
      applyAppearance(name, kept.get(name));
      say(control, reason(answer, t), "failed");
    }
  }

  // One after the other, so that the last change wins.
  let queue = Promise.resolve();
  const changed = (control) => (queue = queue.then(() => save(control)));
  form.addEventListener("change", ({ target }) => target.name && changed(target));
  // Before this script was there.
  for (const control of controlsOf(form)) if (valueOf(control) !== kept.get(control.name)) changed(control);
  form.addEventListener("submit", (event) => event.preventDefault());
}
