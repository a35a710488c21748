// Whether a handle is free, asked while it is typed: 400 ms after the last key. The form itself decides.

import { part, setData, setText } from "../lib/dom.js";
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
    // Somebody who typed on is not told of what stood there before.
    if (field.value !== username || answer.state !== "saved") return;
    setText(says, answer.says ?? "");
    setData(says, "state", answer.says && (answer.free ? "free" : "taken"));
  }

  field.addEventListener("input", () => {
    cancel();
    setText(says, "");
    const { value } = field;
    if (value.trim()) cancel = clock.after(QUIET_MS, () => ask(value));
  });
}
