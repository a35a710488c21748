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
  await api.sendMessage({ room: "r", id: "1", command: { type: "message.send", body: "x" } });
  await postForm("/settings/privacy/", new FormData(), { fetch, csrf: () => "", me: "alma" });
  assert.deepEqual(new Set(asked.map(({ acting }) => acting)), new Set(["alma"]));
  assert.equal(asked.length, 6);
});

test("a refusal to act as another person ends the page, and keeps what it wanted to send", async () => {
  let told = 0;
  const { fetch } = server(OTHER);
  const api = new Api({ fetch, csrf: () => "", me: "alma", onOther: () => (told += 1) });
  assert.equal(await api.whyRefused(), "other-account");
  const { refused } = await api.sendMessage({ room: "r", id: "1", command: { type: "message.send", body: "x" } });
  assert.equal(told, 2);
  assert.equal(ruleOf(refused), "hold", "neither sent again by this page nor given up");
  assert.deepEqual(await postForm("/settings/privacy/", new FormData(), { fetch, csrf: () => "", me: "alma" }), {
    state: "old",
    errors: {},
  });
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
