// Entry of the directory of people: the list and the totals are live.

import { listenForButtons } from "../view/buttons.js";
import { Shell } from "./shell.js";

const shell = new Shell();
listenForButtons(shell);
shell.start();
