// Entry of /chats/ and of every chat: the list, and the conversation on the screen, live over one socket.

import { part, view } from "../lib/dom.js";
import { safely } from "../lib/errors.js";
import { ChatSession } from "./chat-session.js";
import { Shell } from "./shell.js";

const shell = new Shell({ openChat: (owner, root, page) => new ChatSession({ root, page, shell: owner }) });
const root = view("chat");
// A page of older messages, opened by the link for browsers without scripts, is not live: its end is not the newest.
// If it cannot be drawn, the connection, and with it the sending, starts all the same.
if (part(root, "delivery-status")) safely(() => shell.showChat(shell.openChat(root, shell.page)));
shell.start();
