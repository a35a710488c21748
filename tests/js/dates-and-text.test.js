import assert from "node:assert/strict";
import test from "node:test";
import { dates } from "../../static/js/lib/dates.js";
import { translator } from "../../static/js/lib/text.js";

const NEW = "{n} new message|{n} new messages";

test("English is its own dictionary, with its own plurals", () => {
  const t = translator();
  assert.equal(t("Connected"), "Connected");
  assert.equal(t("New message from {name}", { name: "Илья {n}" }), "New message from Илья {n}");
  assert.deepEqual(
    [0, 1, 2].map((n) => t(NEW, { n })),
    ["0 new messages", "1 new message", "2 new messages"],
  );
});

test("Russian counts in three forms, as a list of the catalogue or between bars", () => {
  const forms = ["{n} новое сообщение", "{n} новых сообщения", "{n} новых сообщений"];
  for (const strings of [{ "{n} new message": forms }, { [NEW]: forms.join("|") }]) {
    const t = translator(strings, "ru");
    assert.deepEqual(
      [1, 3, 5, 21, 112].map((n) => t(NEW, { n })),
      ["1 новое сообщение", "3 новых сообщения", "5 новых сообщений", "21 новое сообщение", "112 новых сообщений"],
    );
  }
});

test("Portuguese counts in two forms, also where Intl knows a third for millions", () => {
  const t = translator({ "{n} new message": ["{n} mensagem nova", "{n} mensagens novas"] }, "pt-br");
  assert.deepEqual(
    [1, 2, 1_000_000].map((n) => t(NEW, { n })),
    ["1 mensagem nova", "2 mensagens novas", "1.000.000 mensagens novas"],
  );
});

test("a string without a translation is shown in English, with English plurals", () => {
  assert.equal(translator({}, "ru")(NEW, { n: 21 }), "21 new messages");
});

const at = (zone, language = "en-GB") =>
  dates({ language, t: translator(), zone, now: () => Date.parse("2026-11-21T22:30:00Z") });

test("a day is called as people call it", () => {
  const { dayLabel } = at("UTC");
  const said = ["2026-11-21", "2026-11-20", "2026-11-19", "2026-11-15", "2026-11-14", "2025-12-24"].map((key) =>
    dayLabel(key),
  );
  assert.deepEqual(said, ["Today", "Yesterday", "Thursday", "Sunday", "14 November", "24 December 2025"]);
});

test("a message after midnight in Moscow belongs to the next day there", () => {
  assert.equal(at("UTC").dayKey("2026-11-21T22:10:00Z"), "2026-11-21");
  assert.equal(at("Europe/Moscow").dayKey("2026-11-21T22:10:00Z"), "2026-11-22");
  assert.equal(at("Europe/Moscow").dayLabel("2026-11-21"), "Yesterday");
});

test("a row shows the time today and the day before that", () => {
  const { listTime } = at("UTC");
  assert.equal(listTime("2026-11-21T14:07:00Z"), "14:07");
  assert.equal(listTime("2026-11-20T14:07:00Z"), "Yesterday");
  assert.match(listTime("2026-03-02T14:07:00Z"), /^2 Mar/);
});

test("the labels are formatted again when the day ends", () => {
  assert.equal(at("Europe/Berlin").untilNextDay(), 1_800_000);
  assert.equal(at("UTC").untilNextDay(), 3_600_000);
});
