// The HTTP API: JSON requests and responses. A refusal is an `ApiError` with its code of docs/protocol.md.

import { messageSend } from "../protocol/commands.js";
import { ruleOf } from "../protocol/events.js";

const TIMEOUT_MS = 10_000;

export class ApiError extends Error {
  /** `status` 0 means that no answer came. `offset` and `reason`: of an upload. */
  constructor({ status, code, retryAfterMs = 0, offset, reason }) {
    super(`${status} ${code}`);
    Object.assign(this, { status, code, retryAfterMs, offset, reason });
  }
}

async function refusal(response) {
  const problem = (await response.json().catch(() => null)) ?? {};
  // A response without our error code comes from an intermediary (a proxy, a captive portal) and decides nothing.
  // A gateway that timed out does not know either whether the server has done it.
  const code =
    problem.code ??
    { 401: "unauthenticated", 502: "unknown_result", 504: "unknown_result" }[response.status] ??
    "internal";
  return new ApiError({
    status: response.status,
    code,
    offset: problem.offset,
    reason: problem.reason,
    retryAfterMs: problem.retry_after_ms ?? (1_000 * Number(response.headers.get("Retry-After")) || 0),
  });
}

const reactions = ({ seq, emoji }) => `messages/${seq}/reactions/${encodeURIComponent(emoji)}`;

/** The commands of the outbox as HTTP requests: method, path below the conversation, and body. */
const ROUTES = {
  "message.send": (message) => {
    const { type, room, ref, ...body } = messageSend(message);
    return ["POST", "messages", body];
  },
  "message.edit": ({ seq, body, version }) => ["PATCH", `messages/${seq}`, { body, version }],
  "message.delete": ({ seq, scope }) => ["DELETE", `messages/${seq}?scope=${scope}`],
  "reaction.set": ({ on, ...reaction }) => [on ? "PUT" : "DELETE", reactions(reaction)],
  "draft.set": ({ body }) => ["PUT", "draft", { body }],
};

export class Api {
  #fetch;
  #csrf;
  #me;
  #onOther;

  /**
   * `csrf()` -> the current token: it changes at log-in. `me`: the user of this page; the server refuses to act as any
   * other user, and then `onOther()` is called.
   */
  constructor({ fetch, csrf, me, onOther = () => {} }) {
    this.#fetch = fetch;
    this.#csrf = csrf;
    this.#me = me;
    this.#onOther = onOther;
  }

  get(path) {
    return this.#call(path, {});
  }

  post(path, body, headers = {}) {
    return this.#write("POST", path, body, headers);
  }

  patch(path, body) {
    return this.#write("PATCH", path, body);
  }

  remove(path) {
    return this.#write("DELETE", path);
  }

  #write(method, path, body, headers = {}) {
    return this.send(method, path, {
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", ...headers },
    });
  }

  /** `body` as it is: bytes, whose type is in `headers`. It takes as long as `signal` lets it. */
  send(method, path, { headers = {}, ...options } = {}) {
    return this.#call(path, { ...options, method, headers: { "X-CSRFToken": this.#csrf(), ...headers } });
  }

  /**
   * Why was the socket refused? The 403 of a handshake has no reason, so HTTP is asked. "reachable": HTTP knows no
   * reason.
   */
  async whyRefused(room) {
    try {
      await this.get("/api/v1/me");
      if (room) await this.get(`/api/v1/conversations/${room}`);
      return "reachable";
    } catch (error) {
      if (error.status === 401) return "signed-out";
      if (error.code === "other_account") return "other-account";
      return error.status === 404 && room ? "stopped" : "unknown";
    }
  }

  /** An entry of the outbox: {accepted, message?, version?}, {refused} with the code, or {} for no answer. */
  async sendEntry({ room, id, command }) {
    const [method, path, body] = ROUTES[command.type]({ ...command, id });
    try {
      const { message, version = message?.version } = await this.#write(
        method,
        `/api/v1/conversations/${room}/${path}`,
        body,
      );
      return { accepted: true, message, version };
    } catch (error) {
      if (!error.status) return {};
      return {
        refused: {
          code: error.code,
          retryable: ["wait", "few"].includes(ruleOf(error)),
          retry_after_ms: error.retryAfterMs,
        },
      };
    }
  }

  /** What changed since: {pages}, the same as a socket's `sync.page`. */
  sync({ rooms, marks = {} }) {
    return this.post("/api/v1/sync", { rooms, marks });
  }

  receipt(room, { delivered, read }) {
    return this.#write("PUT", `/api/v1/conversations/${room}/receipt`, {
      ...(delivered && { delivered }),
      ...(read && { read }),
    });
  }

  /** {items, unread_total}: these rows of the list, those that are still there; or with null its newest page. */
  conversations(rooms) {
    return this.get(`/api/v1/conversations?limit=60${rooms ? `&rooms=${rooms.join()}` : ""}`);
  }

  async #call(path, options) {
    const headers = { Accept: "application/json", ...(this.#me && { "X-Acting-User": this.#me }), ...options.headers };
    const silence = () => {
      throw new ApiError({ status: 0, code: "no_answer" });
    };
    const response = await this.#fetch(path, {
      signal: AbortSignal.timeout?.(TIMEOUT_MS),
      ...options,
      headers,
      credentials: "same-origin",
    }).catch(silence);
    if (!response.ok) {
      const error = await refusal(response);
      if (error.code === "other_account") this.#onOther();
      throw error;
    }
    if (response.status === 204) return {};
    // A response that breaks off, or comes from an intermediary, is no answer of the server.
    return response.json().catch(silence);
  }
}
