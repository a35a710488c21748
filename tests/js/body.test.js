import assert from "node:assert/strict";
import test from "node:test";
import { bodyParts, isEmojiOnly } from "../../static/js/lib/body.js";

const links = (body) => bodyParts(body).filter((part) => part.href).map(({ text, href }) => [text, href]);

test("an address becomes a link, as it was typed", () => {
  assert.deepEqual(links("see https://a.example/x?y=1#z now"), [["https://a.example/x?y=1#z", "https://a.example/x?y=1#z"]]);
  assert.deepEqual(links("www.a.example"), [["www.a.example", "https://www.a.example/"]]);
  assert.deepEqual(links("write to zoya@a.example."), [["zoya@a.example", "mailto:zoya@a.example"]]);
});

test("the sentence around an address stays outside of it", () => {
  assert.deepEqual(links("(see https://a.example/x)."), [["https://a.example/x", "https://a.example/x"]]);
  assert.deepEqual(links("https://a.example/wiki/A_(b)!"), [["https://a.example/wiki/A_(b)", "https://a.example/wiki/A_(b)"]]);
});

test("the parts of a body, joined, are the body", () => {
  for (const body of ["", "plain", "a https://a.example/ b www.b.example, c", "https://a.example"]) {
    assert.equal(bodyParts(body).map((part) => part.text).join(""), body);
  }
});

test("no other scheme is ever a link", () => {
  for (const body of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "JaVaScRiPt:alert(1)//www", "vbscript:x"]) assert.deepEqual(links(body), []);
});

test("a forged host in mixed scripts is shown in its ASCII form", () => {
  const [[text, href]] = links("https://аpple.com/login");
  assert.equal(text, "https://xn--pple-43d.com/login");
  assert.equal(href, "https://xn--pple-43d.com/login");
});

test("a name before the host, which reads as another host, is no link", () => {
  assert.deepEqual(links("https://bank.example@evil.example/"), []);
});

test("a mark that turns the reading direction ends the address", () => {
  assert.deepEqual(links("https://a.example/\u202egpj.exe"), [["https://a.example/", "https://a.example/"]]);
});

test("an address longer than any real one stays text", () => {
  assert.deepEqual(links(`https://a.example/${"a".repeat(2_100)}`), []);
  assert.deepEqual(links(`https://a.example/${")".repeat(7_900)}`), []);
});

test("one to three emoji stand alone, families and skin tones counting as one", () => {
  for (const body of ["👍", "👨‍👩‍👧‍👦👋🏽❤️", "🇧🇷", "1️⃣", " ☝🏽 "]) assert.equal(isEmojiOnly(body), true, body);
  for (const body of ["", "1", "ok", "👍👍👍👍", "👍 ok", "👍\n👍", "#"]) assert.equal(isEmojiOnly(body), false, body);
});
