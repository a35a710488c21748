// Submissions of the account pages that need a question first, and what a log-out removes from this device.

import { view } from "../lib/dom.js";
import { optional } from "../lib/errors.js";
import { unsentOnDevice, wipeOthers } from "../net/store.js";

export const loadLogOutConfirm = () => import("../view/leave-dialog.js");
export const loadConfirm = () => import("../view/confirm.js");

/** The log-out form, or the button of an invite that continues with another account. */
const isLogOut = ({ target: form, submitter }) =>
  form.method === "post" &&
  (new URL(form.action).pathname.endsWith("/accounts/logout/") || submitter?.value === "switch");

/** A log-out removes drafts and unsent messages from this device and closes the other tabs of the account. */
function removeStored(users, shell) {
  document.documentElement.dataset.leaving = "true";
  // What the connection of this page holds must not be written again after the log-out.
  shell?.store.end();
  for (const user of users) optional(() => new BroadcastChannel(`app:${user}`).postMessage({ kind: "log-out" }));
  wipeOthers();
}

/** `currentShell()` returns the Shell of this page, or null while none is loaded. */
export function guardSubmissions(currentShell) {
  let isConfirmed = false;
  window.addEventListener("pageshow", () => (isConfirmed = false));

  /**
   * `answer` resolves to whether to continue. Without a network no question can load, and the form could not be sent.
   */
  async function confirmFirst(event, answer, beforeSubmit = () => {}) {
    event.preventDefault();
    if (!(await answer.catch(() => false))) return;
    beforeSubmit();
    isConfirmed = true;
    event.target.requestSubmit(event.submitter);
  }

  document.addEventListener("submit", (event) => {
    if (isConfirmed) return;
    const { ask: question } = event.target.dataset;
    if (question) {
      const answer = loadConfirm().then(({ ask }) => ask(question));
      return confirmFirst(event, answer);
    }
    if (!isLogOut(event)) return;
    const { users, ...unsent } = unsentOnDevice();
    if (!Object.values(unsent).some(Boolean) || !view("leave")) return removeStored(users, currentShell());
    const answer = loadLogOutConfirm().then(({ confirmLogOut }) => confirmLogOut(unsent));
    return confirmFirst(event, answer, () => removeStored(users, currentShell()));
  });
}
