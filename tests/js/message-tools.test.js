import assert from "node:assert/strict";
import test from "node:test";
import { MessageTools } from "../../static/js/view/message-tools.js";
import { FakeClock } from "./helpers/clock.js";
import { element, fakeDocument, press } from "./helpers/dom.js";

/** A chat with one message, over which the pointer is. */
function chat() {
  const buttons = ["react", "menu"].map((name) => element("button", { "data-do": name }));
  const body = fakeDocument({
    "message-tools": element("span", { "data-view": "tools" }, ...buttons),
    "message-menu": element("div", {}, element("div", { "data-part": "reactions" })),
  });
  const article = element("article");
  const message = element("li", { "data-id": "1" }, article);
  const list = element("ol", { "data-view": "timeline" }, message);
  const field = element("textarea");
  const root = element("main", {}, list, field);
  body.append(root);
  new MessageTools({ root, list, clock: new FakeClock(), actions: { allowed: () => new Set(["react"]) } });
  const over = new Event("pointerover");
  Object.defineProperty(over, "target", { value: article });
  list.dispatchEvent(Object.assign(over, { pointerType: "mouse" }));
  return { root, article, field };
}

test("Esc hides the toolbar under the pointer, and not the one that has the focus (WCAG 1.4.13)", () => {
  const { root, article, field } = chat();
  field.focus();
  const [bar] = article.children;
  assert.ok(bar);
  bar.children[0].focus();
  press(root, "Escape");
  assert.deepEqual(article.children, [bar]);
  field.focus();
  press(root, "a");
  assert.deepEqual(article.children, [bar]);
  press(root, "Escape");
  assert.deepEqual(article.children, []);
});
