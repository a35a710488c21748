// The events of the server, and what each error code means. Unknown types are ignored: the server may be newer than
// the page.

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
  "user.changed": ["user"],
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

/** What an error code means for the command that got it. */
const RULES = {
  // Temporary: retried when the server allows, any number of times.
  rate_limited: "wait",
  busy: "wait",
  storage_full: "wait",
  // It may be stored: a retry with the same id finds out, and is stored once.
  unknown_result: "wait",
  // This message itself may cause the error, so it is retried a few times only.
  internal: "few",
  // Until the user has logged in again.
  unauthenticated: "hold",
  other_account: "hold",
  // The id belongs to another text: this one was never stored, and never will be under that id.
  conflict: "rename",
  // Final: shown with its reason, and the text is kept.
  bad_frame: "fail",
  unknown_type: "fail",
  invalid_text: "fail",
  too_large: "fail",
  not_found: "fail",
  cannot_deliver: "fail",
  gone: "fail",
  edit_window_closed: "fail",
  forbidden: "fail",
};

/** A retry of the same text can never succeed: it has to be edited, or the chat takes no messages. */
const FINAL = new Set(["too_large", "invalid_text", "cannot_deliver", "not_found", "gone"]);
/** Or of the same files: `file_invalid` and others of state/uploads.js. */
export const isFinal = (code) => FINAL.has(code) || /^file_/.test(code);

/** "wait", "few", "hold", "rename" or "fail". For an unknown code of a newer server its `retryable` decides. */
export const ruleOf = ({ code, retryable = false }) =>
  Object.hasOwn(RULES, code) ? RULES[code] : retryable ? "wait" : "fail";
