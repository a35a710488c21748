import assert from "node:assert/strict";
import test from "node:test";
import { isEmojiOnly } from "../../static/js/lib/body.js";
import { dates } from "../../static/js/lib/dates.js";
import { fillGaps, safely } from "../../static/js/lib/errors.js";
import { languageOfPage, translator } from "../../static/js/lib/text.js";
import { browserStorage, pageOfTab, Store } from "../../static/js/net/store.js";
import { Tabs } from "../../static/js/net/tabs.js";
import { newId } from "../../static/js/protocol/commands.js";
import { timelineItems } from "../../static/js/state/timeline-items.js";
import { Outbox } from "../../static/js/state/outbox.js";
import { Timeline } from "../../static/js/state/timeline.js";
import { FakeClock } from "./helpers/clock.js";

/** The real one would keep this process alive. */
globalThis.BroadcastChannel = class {
  postMessage() {}
};
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const HARD = ["👍", "20:00?", "👨‍👩‍👧‍👦", "🇧🇷", "?", "plain"];

/** Every way that a message takes from the wire to the items of the page, and from the box to the wire. */
function talk(languages = ["en-GB"]) {
  const language = languageOfPage({ languages, lang: "en" });
  const t = translator({}, language);
  const clock = new FakeClock();
  const says = dates({ language, t, zone: "UTC", now: clock.now });
  const timeline = new Timeline();
  const created_at = new Date(clock.now()).toISOString();
  timeline.load(
    HARD.map((body, n) => ({
      seq: n + 1,
      version: n + 1,
      id: `id-${n}`,
      sender: "u-bob",
      ordinal: n + 1,
      kind: "text",
      body,
      created_at,
    })),
    HARD.length,
  );
  const sent = [];
  const { tab } = pageOfTab("t");
  const tabs = new Tabs({ user: "u-alice", window: null, onMessage: () => {} });
  tabs.broadcast("outbox");
  const outbox = new Outbox({
    clock,
    newId,
    store: new Store({ storage: browserStorage(), user: "u-alice" }),
    send: (command) => sent.push(command),
    post: async () => ({}),
  });
  outbox.setLive(true);
  for (const body of HARD) outbox.accepted(outbox.addMessage({ room: "r", body }).id);
  const items = timelineItems({
    messages: timeline.messages,
    entries: outbox.entries("r"),
    me: "u-alice",
    peer: { read: 0, delivered: 0 },
    dayOf: says.dayKey,
  });
  assert.equal(tab, "t");
  assert.equal(items.filter(({ kind }) => kind === "message").length, 2 * HARD.length);
  assert.deepEqual(
    sent.map(({ body }) => body),
    HARD,
  );
  for (const { id } of sent) assert.match(id, UUID);
  assert.equal(t("{n} new message|{n} new messages", { n: 1 }), "1 new message");
  assert.match(says.time(created_at), /12:00|12:00 PM/);
  return items;
}

const refuse = () => {
  throw new DOMException("refused", "SecurityError");
};
class Refused {
  constructor() {
    refuse();
  }
}

/** [the feature's owner, its name, what stands in its place: nothing, or something that refuses]. */
const FEATURES = [
  [Intl, "Segmenter"],
  [Intl, "PluralRules"],
  [Intl, "NumberFormat"],
  [Intl, "RelativeTimeFormat"],
  [Intl, "getCanonicalLocales"],
  [Intl, "DisplayNames"],
  [Intl, "ListFormat"],
  [Array.prototype, "at"],
  [Array.prototype, "findLast"],
  [Array.prototype, "findLastIndex"],
  [Array.prototype, "toSorted"],
  [String.prototype, "at"],
  [String.prototype, "replaceAll"],
  [Object, "hasOwn"],
  [Object, "groupBy"],
  [globalThis, "structuredClone"],
  [globalThis, "crypto"],
  [globalThis, "BroadcastChannel"],
  [globalThis, "BroadcastChannel", Refused],
  [globalThis, "localStorage", { get: refuse }],
  [globalThis, "sessionStorage", { get: refuse }],
  [globalThis, "reportError"],
  [AbortSignal, "timeout"],
  [AbortSignal, "any"],
  [Promise, "withResolvers"],
];

function without([owner, name, instead], run) {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  if (instead?.get) Object.defineProperty(owner, name, { get: instead.get, configurable: true });
  else if (instead) Object.defineProperty(owner, name, { value: instead, configurable: true });
  else delete owner[name];
  try {
    fillGaps();
    return run();
  } finally {
    delete owner[name];
    if (before) Object.defineProperty(owner, name, before);
  }
}

for (const feature of FEATURES) {
  test(`messages are drawn and sent without ${feature[1]}${feature[2] ? ", which refuses" : ""}`, () => {
    const items = without(feature, talk);
    assert.deepEqual(
      items.filter(({ emoji }) => emoji).map(({ message }) => message.body),
      ["👍", "👨‍👩‍👧‍👦", "🇧🇷", "👍", "👨‍👩‍👧‍👦", "🇧🇷"],
    );
  });
}

test("messages are drawn and sent without any of them", () => {
  const all = FEATURES.reduceRight((run, feature) => () => without(feature, run), talk);
  assert.equal(all().length > 0, true);
});

test("a language that the system names in a way of its own stops nothing", () => {
  for (const languages of [
    ["en_US"],
    ["en-US@posix"],
    ["en_US.UTF-8"],
    ["en-US-u-va-posix"],
    ["C"],
    ["POSIX"],
    ["en-"],
    ["en-x"],
    ["en--US", "en-GB"],
    [""],
    [],
    undefined,
    [null, 7],
  ])
    talk(languages);
  assert.equal(languageOfPage({ languages: ["de", "en_GB.UTF-8"], lang: "en" }), "en-GB");
  assert.equal(languageOfPage({ languages: ["ru-RU"], lang: "en" }), "en");
});

test("an invalid time stops nothing either", () => {
  const says = dates({ t: translator(), zone: "UTC", now: () => 0 });
  for (const broken of ["", "yesterday", null, undefined, Number.NaN, "9999999-01-01"]) {
    says.time(broken);
    says.dayKey(broken);
    timelineItems({
      messages: [{ seq: 1, version: 1, id: "a", sender: "b", kind: "text", body: "x", created_at: broken }],
      me: "c",
      peer: {},
      dayOf: says.dayKey,
    });
  }
  assert.equal(
    dates({ language: "en-US@posix", t: translator(), zone: "UTC" }).time("2026-11-21T14:07:00Z"),
    "2:07 PM",
  );
});

test("what is one sign to the eye counts as one, without the help of the browser", () => {
  for (const body of ["👍🏽", "❤️", "☝🏿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩🏽‍🚀", "1️⃣2️⃣3️⃣", "👍👍👍", "🏳️‍🌈", "🇧🇷🇩🇪", "👁️‍🗨️"])
    assert.equal(isEmojiOnly(body), true, body);
  for (const body of ["👍👍👍👍", "👍a", "20:00?", "7", "?!", "…", "‍", "️", "("])
    assert.equal(isEmojiOnly(body), false, body);
});

test("numbers are written as the reader writes them", () => {
  const forms = "{n} character too many|{n} characters too many";
  assert.equal(translator({}, "en")(forms, { n: 94_600 }), "94,600 characters too many");
  assert.equal(translator({}, "pt-BR").number(8_000), "8.000");
  assert.equal(translator({}, "en")("Draft of {name}", { name: "1234" }), "Draft of 1234");
});

test("what fails is reported, and the next one goes on", () => {
  const told = [];
  globalThis.reportError = (error) => told.push(error.message);
  try {
    const results = [1, 2, 3].map((n) => safely(() => (n === 2 ? assert.fail("broken") : n), null));
    assert.deepEqual([results, told], [[1, null, 3], ["broken"]]);
  } finally {
    delete globalThis.reportError;
  }
});

test("a device in another time zone shows the times of that zone at once, also of earlier messages", () => {
  const zoneBefore = process.env.TZ;
  try {
    process.env.TZ = "UTC";
    const says = dates({ language: "en-GB", t: translator(), now: () => Date.parse("2026-11-21T22:30:00Z") });
    const moment = "2026-11-21T22:10:00Z";
    assert.deepEqual(
      [says.time(moment), says.dayKey(moment), says.dayLabel("2026-11-21")],
      ["22:10", "2026-11-21", "Today"],
    );
    const before = says.generation;
    process.env.TZ = "Europe/Moscow";
    assert.deepEqual(
      [says.time(moment), says.dayKey(moment), says.dayLabel("2026-11-21")],
      ["01:10", "2026-11-22", "Yesterday"],
    );
    assert.notEqual(says.generation, before, "so that what stands on the page is drawn again");
  } finally {
    if (zoneBefore === undefined) delete process.env.TZ;
    else process.env.TZ = zoneBefore;
  }
});

test("another hour format applies at once, and nothing is formatted again without a change", () => {
  let hours = "24";
  const says = dates({ language: "en-GB", t: translator(), zone: "UTC", hours: () => hours });
  assert.equal(says.time("2026-11-21T14:07:00Z"), "14:07");
  says.look();
  const before = says.generation;
  says.look();
  assert.equal(says.generation, before);
  hours = "12";
  assert.match(says.time("2026-11-21T14:07:00Z"), /2:07\spm/i);
  assert.notEqual(says.generation, before);
});
