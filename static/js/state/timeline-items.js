// Turns messages into the items of the page: day lines, the "new" line, groups, ticks. Each item has a key that
// never changes.

import { isEmojiOnly } from "../lib/body.js";
import { safely } from "../lib/errors.js";

const GROUP_MS = 5 * 60_000;
const LATE_MS = 3_000;

function statusOf(message, peer) {
  if (message.seq <= peer.read) return "read";
  return message.seq <= peer.delivered ? "delivered" : "sent";
}

function stored(message, { me, peer, dayOf }) {
  const own = message.sender === me;
  return {
    kind: "message",
    key: message.id,
    message,
    own,
    state: own ? statusOf(message, peer) : null,
    day: dayOf(message.created_at),
    at: Date.parse(message.created_at),
    emoji: message.kind === "text" && safely(() => isEmojiOnly(message.body), false),
    gone: Boolean(message.deleted_at),
  };
}

/** An accepted message that the timeline does not have yet (a gap before it) shows one tick already. */
function waiting(entry, { me, dayOf }) {
  const state = entry.state === "failed" ? "failed" : entry.state === "accepted" ? "sent" : "pending";
  const message = {
    id: entry.id,
    seq: null,
    version: 0,
    sender: me,
    kind: "text",
    body: entry.command.body,
    attachments: entry.command.attachments,
    created_at: new Date(entry.at).toISOString(),
  };
  return {
    kind: "message",
    key: entry.id,
    message,
    own: true,
    state,
    reason: entry.reason,
    day: dayOf(entry.at),
    at: entry.at,
    emoji: safely(() => isEmojiOnly(entry.command.body), false),
    gone: false,
  };
}

const isAlone = (item) => item.emoji || item.gone || item.message.kind !== "text";

function follows(item, before) {
  if (!before || before.kind !== "message" || isAlone(item) || isAlone(before)) return false;
  return before.message.sender === item.message.sender && item.at - before.at < GROUP_MS;
}

/**
 * `messages` ascending by seq, `entries` of the outbox in the order typed, `peer` {delivered, read}, `divider` how many
 * of their messages are not new (an ordinal) or null, `received` up to which one they are counted as new, `dayOf`
 * moment -> day key in the reader's zone.
 */
export function timelineItems({ messages, entries = [], me, peer, divider = null, received = 0, dayOf }) {
  const known = new Set(messages.map((message) => message.id));
  const context = { me, peer, dayOf };
  // What I deleted for myself alone leaves no trace.
  const seen = messages.filter((message) => !message.deleted_for_me);
  const all = seen.map((message) => stored(message, context));
  all.push(...entries.filter((entry) => !known.has(entry.id)).map((entry) => waiting(entry, context)));

  const items = [];
  let day = null;
  let isDivided = divider === null;
  for (const item of all) {
    if (item.day !== day) {
      day = item.day;
      items.push({ kind: "day", key: `day:${day}`, day });
    }
    if (!isDivided && !item.own && item.message.ordinal > divider) {
      isDivided = true;
      items.push({ kind: "divider", key: "divider", count: Math.max(received, item.message.ordinal) - divider });
    }
    const before = items.at(-1);
    item.first = !follows(item, before);
    if (before?.kind === "message") before.last = item.first;
    item.last = true;
    items.push(item);
  }
  return items;
}

/**
 * The delivery status under the newest own message: "Sending…", "Delivered", "Read". A delay is shown after three
 * seconds, at `updateAt`: most are shorter.
 */
export function deliveryStatus(items, { t, now, isOffline }) {
  const own = items.findLast((item) => item.kind === "message" && item.own && !item.gone);
  if (!own || items.at(-1) !== own) return { text: "", updateAt: null };
  const lateAt = own.state === "pending" ? own.at + LATE_MS : Infinity;
  const isLate = lateAt <= now;
  const pending =
    isLate && isOffline
      ? t("Waiting for connection")
      : isLate && own.reason
        ? t("The server is busy. Trying again…")
        : t("Sending…");
  return {
    text: { pending, delivered: t("Delivered"), read: t("Read") }[own.state] ?? "",
    updateAt: !isLate && lateAt < Infinity ? lateAt : null,
  };
}
