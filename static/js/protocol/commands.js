// The commands of the browser: one builder for each, with exactly the fields of docs/protocol.md.

/**
 * `forward` {room, seq}: the server copies that message; our `body` is what the page shows until then. `attachments`
 * are what the page shows of the files; the server needs the ids of new ones.
 */
export const messageSend = ({ room, id, body, reply_to = null, forward, attachments }) => ({
  type: "message.send",
  room,
  id,
  body: forward ? "" : body,
  ...(reply_to == null ? {} : { reply_to }),
  ...(forward && { forward }),
  ...(attachments && !forward && { attachments: attachments.map(({ id }) => id) }),
  ref: id,
});

/** The frame of an entry of the outbox. The server answers a message with its id, any other command with its ref. */
export const commandFrame = ({ room, id, command }) =>
  command.type === "message.send" ? messageSend({ ...command, room, id }) : { ...command, room, ref: id };

export const receiptSet = ({ room, delivered, read }) => ({
  type: "receipt.set",
  room,
  ...(delivered ? { delivered } : {}),
  ...(read ? { read } : {}),
  ref: `receipt:${room}`,
});

/** The chat is on the screen: from here on the server sends presence and typing of the peer. */
export const roomOpen = ({ room }) => ({ type: "room.open", room });

export const roomClose = ({ room }) => ({ type: "room.close", room });

export const typingSet = ({ room, on }) => ({ type: "typing.set", room, on, ref: `typing:${room}` });

/** One room: answered by a `sync.page`. */
export const syncRoom = ({ room, version, mark }) => ({
  type: "sync",
  rooms: { [room]: version },
  ...(mark == null ? {} : { marks: { [room]: mark } }),
  ref: `sync:${room}`,
});

/** The heads of all my rooms. */
export const syncHeads = () => ({ type: "sync", rooms: {} });

export const ping = (visible) => ({ type: "ping", visible });

/**
 * The id of a message, chosen before the server has seen it: a random UUID (version 4). `crypto.randomUUID` is missing
 * on plain-http origins, `getRandomValues` in hardly any browser.
 */
export function newId(source = globalThis.crypto) {
  if (typeof source?.randomUUID === "function") return source.randomUUID();
  const bytes =
    source?.getRandomValues?.(new Uint8Array(16)) ?? Uint8Array.from({ length: 16 }, () => Math.random() * 256);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
