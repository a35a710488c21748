// Entry of the invite links: copy, share, QR; the chat list stays live, so that an accepted invite is seen at once.

import { listenForButtons } from "../view/buttons.js";
import { Shell } from "./shell.js";

const shell = new Shell();
listenForButtons(shell);
shell.start();
