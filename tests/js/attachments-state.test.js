import assert from "node:assert/strict";
import test from "node:test";

import { translator } from "../../static/js/lib/text.js";
import { stateOfFile } from "../../static/js/net/attachments-state.js";
import { canRetry, problemText } from "../../static/js/state/attachments-problems.js";

const t = translator();
const answer = (status) => async () => ({ ok: status < 300, status });

test("why a file is not shown: gone, signed out, busy, or no connection", async () => {
  const asked = async (fetch) => stateOfFile("/files/1/thumb", { me: "alice", fetch });
  const states = [200, 304, 404, 401, 409, 429, 503].map((status) => asked(answer(status)));
  assert.deepEqual(await Promise.all(states), ["there", "there", "gone", "signed-out", "signed-out", "busy", "busy"]);
  assert.equal(await asked(() => Promise.reject(new TypeError("failed"))), "offline");
});

test("it is asked whose page this is, without loading the file", async () => {
  let request;
  const fetch = async (path, options) => ((request = options), { ok: true });
  await stateOfFile("/files/1/thumb", { me: "alice", fetch });
  assert.deepEqual([request.method, request.headers["X-Acting-User"]], ["HEAD", "alice"]);
});

test("each state has a sentence for each kind, and only what may pass is offered again", () => {
  for (const kind of ["picture", "video", "voice", "file"])
    for (const state of ["gone", "offline", "busy", "signed-out", "there"])
      assert.match(problemText(state, kind, t), /^[A-Z].*\.$/, `${state} ${kind}`);
  assert.deepEqual(["gone", "offline", "busy", "signed-out", "there"].filter(canRetry), ["offline", "busy"]);
});
