// Entry of the directory of people: the list and the totals are live.

import { searchPeople } from "../view/people-search.js";
import { Shell } from "./shell.js";

const shell = new Shell();
shell.start();
searchPeople({ ...shell, say: (text) => shell.announcer.status(text) });
