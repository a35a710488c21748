// Entry of the chat list without an open chat: the list and the totals are live.

import { Shell } from "./shell.js";

new Shell().start();
