// Entry of the invite links: copy, share, QR; the chat list stays live, so that an accepted invite is seen at once.

import { Shell } from "./shell.js";

new Shell().start();
