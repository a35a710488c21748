import assert from "node:assert/strict";
import test from "node:test";
import { Api } from "../../static/js/net/api.js";
import { postForm } from "../../static/js/net/forms.js";
import { fetchPage } from "../../static/js/net/pages.js";
import { ruleOf } from "../../static/js/protocol/events.js";

/** A server that answers everything with this, and notes what it was asked. */
function server({ status = 200, body = {} } = {}) {
  const asked = [];
  const fetch = async (path, { method = "GET", headers }) => {
    asked.push({ path, method, acting: headers["X-Acting-User"] });
    return new Response(JSON.stringify(body), { status });
  };
  return { asked, fetch };
}

const OTHER = { status: 409, body: { code: "other_account", retryable: false } };

test("every request of a page names its user", async () => {
  const { asked, fetch } = server();
  const api = new Api({ fetch, csrf: () => "", me: "alma" });
  await api.get("/api/v1/me");
  await api.post("/api/v1/sync", {});
  await api.patch("/api/v1/invites/1", {});
  await api.remove("/api/v1/invites/1");
  await api.sendEntry({ room: "r", id: "1", command: { type: "message.send", body: "x" } });
  await postForm("/settings/privacy/", new FormData(), { fetch, csrf: () => "", me: "alma" });
  assert.deepEqual(new Set(asked.map(({ acting }) => acting)), new Set(["alma"]));
  assert.equal(asked.length, 6);
});

test("a refusal to act as another person ends the page, and keeps what it wanted to send", async () => {
  let told = 0;
  const { fetch } = server(OTHER);
  const api = new Api({ fetch, csrf: () => "", me: "alma", onOther: () => (told += 1) });
  assert.equal(await api.whyRefused(), "other-account");
  const { refused } = await api.sendEntry({ room: "r", id: "1", command: { type: "message.send", body: "x" } });
  assert.equal(told, 2);
  assert.equal(ruleOf(refused), "hold", "neither sent again by this page nor given up");
  assert.deepEqual(await postForm("/settings/privacy/", new FormData(), { fetch, csrf: () => "", me: "alma" }), {
    state: "old",
    errors: {},
  });
});

test("each command of the outbox has its request over HTTP, and its answer names the version", async () => {
  const asked = [];
  const fetch = async (path, { method, body }) => {
    asked.push([method, path.replace("/api/v1/conversations/r/", ""), body && JSON.parse(body)]);
    if (method === "DELETE") return new Response(null, { status: 204 });
    return new Response(JSON.stringify({ message: { id: "1", version: 9 } }), { status: 200 });
  };
  const api = new Api({ fetch, csrf: () => "", me: "alma" });
  const send = (command) => api.sendEntry({ room: "r", id: "1", command });
  await send({ type: "message.send", body: "x", reply_to: 4 });
  await send({ type: "message.send", body: "shown until then", reply_to: null, forward: { room: "s", seq: 2 } });
  const edited = await send({ type: "message.edit", seq: 3, body: "x", version: 7 });
  const deleted = await send({ type: "message.delete", seq: 3, scope: "me" });
  await send({ type: "reaction.set", seq: 3, emoji: "❤️", on: true });
  await send({ type: "reaction.set", seq: 3, emoji: "❤️", on: false });
  await send({ type: "draft.set", body: "x" });
  const heart = "messages/3/reactions/%E2%9D%A4%EF%B8%8F";
  assert.deepEqual(asked, [
    ["POST", "messages", { id: "1", body: "x", reply_to: 4 }],
    ["POST", "messages", { id: "1", body: "", forward: { room: "s", seq: 2 } }],
    ["PATCH", "messages/3", { body: "x", version: 7 }],
    ["DELETE", "messages/3?scope=me", undefined],
    ["PUT", heart, undefined],
    ["DELETE", heart, undefined],
    ["PUT", "draft", { body: "x" }],
  ]);
  assert.deepEqual([edited.version, deleted], [9, { accepted: true, message: undefined, version: undefined }]);
});

test("another conflict is none of that", async () => {
  const api = new Api({
    ...server({ status: 409, body: { code: "conflict" } }),
    csrf: () => "",
    me: "alma",
    onOther: assert.fail,
  });
  await assert.rejects(api.post("/api/v1/invites", {}), { code: "conflict" });
});

/**
 * As much of a browser as reading another page takes: this document is Alma's and English; the answer holds the other
 * one. Returns who was named.
 */
function browser({ status = 200, language = "en", owner = "alma" } = {}) {
  const named = [];
  const documentOf = (lang, id) => ({
    documentElement: { lang },
    querySelector: () => ({ content: "release 1" }),
    getElementById: () => ({ textContent: JSON.stringify({ user: { id } }) }),
  });
  const fetch = async (path, { headers }) => {
    named.push(headers["X-Acting-User"]);
    return {
      ok: status === 200,
      status,
      url: `http://entre.test${path}`,
      headers: new Headers(),
      text: async () => "",
    };
  };
  const DOMParser = class {
    parseFromString = () => documentOf(language, owner);
  };
  Object.assign(globalThis, { document: documentOf("en", "alma"), DOMParser, fetch });
  return named;
}

test("a fetched page names its user, and is left to the browser if it belongs to another one", async () => {
  const named = browser({ status: 409 });
  assert.equal(await fetchPage("/chats/r/", { me: "alma" }), "elsewhere");
  assert.deepEqual(named, ["alma"]);
  browser({ owner: "bert" });
  assert.equal(await fetchPage("/chats/r/", { me: "alma" }), "elsewhere");
});

test("a page in another language, chosen in another tab, is loaded as a whole", async () => {
  browser({ language: "ru" });
  assert.equal(await fetchPage("/chats/r/", { me: "alma" }), "elsewhere");
  browser();
  assert.equal((await fetchPage("/chats/r/", { me: "alma" })).data.user.id, "alma");
});
