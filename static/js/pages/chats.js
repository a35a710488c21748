// Entry of /chats/ and of every chat in it: the list, and the conversation on the screen, live over one socket.

import { part, view } from "../lib/dom.js";
import { safely } from "../lib/errors.js";
import { OpenChat } from "./chat-session.js";
import { Shell } from "./shell.js";

const shell = new Shell();
shell.openChat = (root, page) => new OpenChat({ root, page, shell });
const root = view("chat");
// A page of older messages, opened by the link that works without scripts, is not live: its end is not the end.
// Whatever cannot be drawn of it: the connection, and with it the sending, begins all the same.
if (part(root, "delivery-status")) safely(() => shell.shows(shell.openChat(root, shell.page)));
shell.start();
