// Entry of the directory of people: the list and the totals are live.

import { Shell } from "./shell.js";

new Shell().start();
