// Entry of the page of invites: the chat list stays live, and revoking a link asks first.

import { ask } from "../view/confirm.js";
import { Shell } from "./shell.js";

document.addEventListener("submit", async (event) => {
  const question = event.target.dataset.ask;
  if (!question) return;
  event.preventDefault();
  if (await ask(question)) event.target.submit();
});
new Shell().start();
