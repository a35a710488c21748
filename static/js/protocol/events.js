// What the server may say. A frame of unknown type is ignored and counted: a newer server may speak to an older page.

const FIELDS = {
  connection_established: ["user", "rooms"],
  "message.accepted": ["room", "id", "seq", "version", "created_at"],
  done: ["ref"],
  "message.created": ["room", "message"],
  "message.changed": ["room", "message"],
  "message.hidden": ["room", "seq", "mark"],
  "receipt.advanced": ["room", "user", "delivered", "read"],
  typing: ["room", "user", "on"],
  presence: ["user", "online"],
  "conversation.changed": ["conversation"],
  "sync.page": ["room", "after", "version", "messages"],
  heads: ["rooms"],
  resync: ["after_ms"],
  bye: ["code"],
  pong: [],
  error: ["code"],
};

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export class Decoder {
  unknown = 0;
  broken = 0;

  /** The event, or null for what this page does not understand. */
  decode(text) {
    const frame = parsed(text);
    if (frame === null || typeof frame !== "object" || typeof frame.type !== "string") return this.#drop("broken");
    const fields = Object.hasOwn(FIELDS, frame.type) ? FIELDS[frame.type] : null;
    if (!fields) return this.#drop("unknown");
    return fields.every((name) => name in frame) ? frame : this.#drop("broken");
  }

  #drop(why) {
    this[why] += 1;
    return null;
  }
}
