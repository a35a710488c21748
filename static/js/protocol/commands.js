// What the browser may say: one builder per command, exactly the fields of the dictionary (docs/protocol.md).

export const messageSend = ({ room, id, body, reply_to = null }) => ({
  type: "message.send",
  room,
  id,
  body,
  ...(reply_to == null ? {} : { reply_to }),
  ref: id,
});

export const receiptSet = ({ room, delivered, read }) => ({
  type: "receipt.set",
  room,
  ...(delivered ? { delivered } : {}),
  ...(read ? { read } : {}),
  ref: `receipt:${room}`,
});

/** This chat is on the screen: presence and typing of the peer flow from here on. */
export const roomOpen = ({ room }) => ({ type: "room.open", room });

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
