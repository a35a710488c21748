// What the server may say, and what each of its refusals means. A frame of unknown type is ignored and counted: a newer server may speak to an older page.

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

/** What an error code of the contract means for the message that met it. */
const RULES = {
  // For now: again when the server says, however often.
  rate_limited: "wait",
  busy: "wait",
  storage_full: "wait",
  // It may be stored: the same id again finds out, and arrives once.
  unknown_result: "wait",
  // It may be this very message that the server stumbles over, so it is asked a few times only.
  internal: "few",
  // Until somebody has signed in again.
  unauthenticated: "hold",
  other_account: "hold",
  // The id belongs to other words already: these were never stored, and never will be under that id.
  conflict: "rename",
  // For good; with its reason, and the text is kept.
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

/** Sending the same text again can never succeed: it has to be edited, or nobody takes anything here. */
const FINAL = new Set(["too_large", "invalid_text", "cannot_deliver", "not_found", "gone"]);
export const isFinal = (code) => FINAL.has(code);

/** "wait", "few", "hold", "rename" or "fail". A code of a newer server is taken at its word. */
export const ruleOf = ({ code, retryable = false }) =>
  Object.hasOwn(RULES, code) ? RULES[code] : retryable ? "wait" : "fail";
