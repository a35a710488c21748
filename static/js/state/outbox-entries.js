// An entry of the outbox: when it is due, and its stored form, under a key of its own so that no tab overwrites
// another.

import { backoff } from "../lib/timing.js";
import { ruleOf } from "../protocol/events.js";

/** How long the server may take to answer. */
export const ANSWER_MS = 10_000;

export const isOpen = ({ state }) => state === "pending" || state === "sent";
export const isMessage = ({ command }) => command.type === "message.send";
/** An edit, a deletion or a reaction; not a draft. */
export const changesMessage = ({ command }) => "seq" in command;

export function dueAt({ state, notBefore, holdUntil, isPosted, sentAt }) {
  if (state === "pending") return Math.max(notBefore ?? 0, holdUntil ?? 0);
  return state === "sent" && !isPosted ? sentAt + ANSWER_MS : null;
}

const RETRY_MS = [1_000, 3_000, 9_000];
const MOST_INTERNAL_ERRORS = 5;

/** Milliseconds until the next try after a refusal; null: it is final. */
export function pauseAfter(entry, { code, retryable, wait, random }) {
  entry.refusals = (entry.refusals ?? 0) + 1;
  const rule = ruleOf({ code, retryable });
  if (rule === "hold") return Infinity;
  const isRetried = rule === "wait" || (rule === "few" && entry.refusals < MOST_INTERNAL_ERRORS);
  return isRetried ? Math.max(wait ?? 0, backoff(entry.refusals - 1, random)) : null;
}

/** The same where no answer came. */
export function pauseAfterSilence(entry) {
  entry.tries = (entry.tries ?? 0) + 1;
  return RETRY_MS[entry.tries - 1] ?? null;
}

export const needsFiles = ({ command, isPrepared, state }) =>
  state === "pending" && command.attachments && !command.forward && !isPrepared;

/** The prefix of the entries' keys in the browser's storage. */
export const KEY = "outbox:";

/**
 * A message keeps the stored form that it had before the outbox knew other commands: {id, room, body, reply_to, ...}.
 * So pages of an older version, in another tab or after a rollback, still send it.
 */
const restored = ({ body, reply_to, forward, attachments, ...entry }) => {
  const more = { ...(forward && { forward }), ...(attachments && { attachments }) };
  return entry.command ? entry : { ...entry, command: { type: "message.send", body, reply_to, ...more } };
};

/** What is in flight is stored as pending: after a reload its fate is unknown. Returns false if nothing was stored. */
export function storeEntry(store, { id, room, command, at, since, state, reason, from, base, holdUntil }) {
  const { type, ...message } = command;
  const content = type === "message.send" ? message : { command };
  const stored = { id, room, ...content, at, since, state: state === "failed" ? state : "pending", reason };
  return store.set(KEY + id, { ...stored, from, base, holdUntil });
}

export function storedEntries(store) {
  const values = store.keys(KEY).map((key) => store.get(key));
  return new Map(values.filter(Boolean).map((value) => [value.id, restored(value)]));
}

const ENDED = "ended:";

export const endedAt = (store, room) => store.get(ENDED + room) ?? 0;

/** The time stays, unless the store was emptied by another account. */
export function removeStored({ store, clock }, { id, room }) {
  if (room && store.get(KEY + id)) store.set(ENDED + room, clock.now());
  store.remove(KEY + id);
}
