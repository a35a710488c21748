// Entry of the directory of people: the list and the unread totals are live.

import { searchPeople } from "../view/people-search.js";
import { Shell } from "./shell.js";

const shell = new Shell();
shell.start();
const { t, clock, me, announcer } = shell;
searchPeople({ t, clock, me, announce: (text) => announcer.status(text) });
