// What each error code of the contract means for the message that met it.

const RULES = {
  // For now: again when the server says, however often.
  rate_limited: "wait",
  busy: "wait",
  storage_full: "wait",
  // It may be this very message that the server stumbles over, so it is asked a few times only.
  internal: "few",
  // Until somebody has signed in again.
  unauthenticated: "hold",
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

/** "wait", "few", "hold", "rename" or "fail". A code of a newer server is taken at its word. */
export const ruleOf = ({ code, retryable = false }) => (Object.hasOwn(RULES, code) ? RULES[code] : retryable ? "wait" : "fail");
