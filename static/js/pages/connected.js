// A signed-in page beside the chats (settings and the like) is connected like every other one: its person is here, hears of messages, and has them.

import { Shell } from "./shell.js";

export function connect() {
  const shell = new Shell();
  shell.start();
  return shell;
}
