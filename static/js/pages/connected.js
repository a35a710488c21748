// The connection of a logged-in account page (settings and the like): its user is online and is notified of
// messages.

import { Shell } from "./shell.js";

export function connect() {
  const shell = new Shell();
  shell.start();
  return shell;
}
