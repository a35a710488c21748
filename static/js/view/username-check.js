// Checks whether a username is free, 400 ms after the last key. The form itself decides.

import { onTyped, part, setData, setText } from "../lib/dom.js";
import { retryUntilAnswered } from "../lib/timing.js";

const QUIET_MS = 400;

export function checkUsername(form, { post, clock }) {
  const field = form.elements.username;
  const says = part(form, "username-says");
  let cancel = () => {};

  async function ask(username) {
    const body = new FormData();
    body.set("username", username);
    const again = async () => {
      const found = await post(form.dataset.check, body);
      if (found.state === "away" || found.state === "limited") throw new Error(found.state);
      return found;
    };
    const answer = (await retryUntilAnswered(again, { clock, isWanted: () => field.value === username })) ?? {};
    // The user has typed on: this answer is about an earlier name.
    if (field.value !== username || answer.state !== "saved") return;
    setText(says, answer.says ?? "");
    setData(says, "state", answer.says && (answer.free ? "free" : "taken"));
  }

  onTyped(field, () => {
    cancel();
    setText(says, "");
    const { value } = field;
    if (value.trim()) cancel = clock.after(QUIET_MS, () => ask(value));
  });
}
