// Entry of the invite links: copy, share; the chat list stays live, and an accepted link says so.

import { AcceptedInvites } from "../view/accepted-invites.js";
import { Shell } from "./shell.js";

const shell = new Shell();
const { api, t, clock, page } = shell;
const accepted = new AcceptedInvites({
  rooms: page.conversations.map(({ room }) => room),
  invites: async () => (await api.get("/api/v1/invites")).items,
  open: (room) => location.assign(`/chats/${room}/`),
  t, clock,
});
shell.onChanged = (room) => accepted.changed(room);
shell.start();
