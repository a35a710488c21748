// The connection of a logged-in account page (settings and the like): its user is online, notified, and receives messages.

import { Shell } from "./shell.js";

export function connect() {
  const shell = new Shell();
  shell.start();
  return shell;
}
