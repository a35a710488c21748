import assert from "node:assert/strict";
import test from "node:test";

import { Store } from "../../static/js/net/store.js";
import { VoiceMemory, VoicePlayer } from "../../static/js/state/attachments-voice.js";
import { fakeStorage, settle } from "./helpers/clock.js";

const LENGTH = 20;

class FakeAudio extends EventTarget {
  paused = true;
  ended = false;
  error = null;
  readyState = 0;
  currentTime = 0;
  playbackRate = 1;
  #src = null;

  get src() {
    return this.#src;
  }

  set src(address) {
    Object.assign(this, { readyState: 0, currentTime: 0, ended: false, error: null, paused: true });
    this.#src = address;
  }

  getAttribute() {
    return this.#src;
  }

  removeAttribute() {
    this.src = null;
  }

  async play() {
    this.paused = this.ended = false;
    this.dispatchEvent(new Event("play"));
  }

  pause() {
    if (this.paused) return;
    this.paused = true;
    this.dispatchEvent(new Event("pause"));
  }

  /** The length of the file is known, and it plays up to there. */
  hears(seconds) {
    if (!this.readyState) {
      this.readyState = 1;
      this.dispatchEvent(new Event("loadedmetadata"));
    }
    this.currentTime = seconds;
    this.dispatchEvent(new Event("timeupdate"));
  }

  end() {
    this.hears(LENGTH);
    this.paused = this.ended = true;
    this.dispatchEvent(new Event("pause"));
    this.dispatchEvent(new Event("ended"));
  }

  fail() {
    this.error = { code: 4 };
    this.dispatchEvent(new Event("error"));
  }
}

function player({ storage = fakeStorage(), order = ["a", "b", "c"] } = {}) {
  const audio = new FakeAudio();
  const memory = new VoiceMemory({ store: new Store({ storage, user: "alice" }), now: () => 1_000 });
  const failed = [];
  const voice = new VoicePlayer({
    audio,
    memory,
    sourceOf: (id) => `/files/${id}/media`,
    lengthOf: () => LENGTH,
    nextOf: (id) => order[order.indexOf(id) + 1] ?? null,
    changed: () => {},
    failed: (id) => failed.push(id),
  });
  return { audio, memory, voice, failed, storage };
}

test("a second press pauses, a third goes on where it was", () => {
  const { audio, voice } = player();
  voice.toggle("a");
  assert.deepEqual([audio.src, voice.isPlayingOf("a")], ["/files/a/media", true]);
  audio.hears(7);
  voice.toggle("a");
  assert.equal(voice.isPlaying, false);
  voice.toggle("a");
  assert.deepEqual([audio.currentTime, voice.isPlayingOf("a")], [7, true]);
});

test("one plays at a time, and each keeps its place, also over a reload", () => {
  const { audio, voice, storage } = player();
  voice.toggle("a");
  audio.hears(7);
  voice.toggle("b");
  assert.deepEqual([voice.isPlayingOf("a"), voice.isPlayingOf("b"), voice.placeOf("a")], [false, true, 7]);
  audio.hears(3);
  voice.toggle("a");
  audio.hears(audio.currentTime);
  audio.dispatchEvent(new Event("loadedmetadata"));
  assert.equal(voice.placeOf("b"), 3);

  const again = player({ storage });
  again.voice.toggle("b");
  again.audio.readyState = 1;
  again.audio.dispatchEvent(new Event("loadedmetadata"));
  assert.equal(again.audio.currentTime, 3);
});

test("the next one plays on, from its beginning, and after the last one it is quiet", async () => {
  const { audio, voice, memory } = player();
  memory.leaveAt("b", 9);
  voice.toggle("a");
  audio.end();
  await settle();
  assert.deepEqual([voice.isPlayingOf("b"), audio.src], [true, "/files/b/media"]);
  audio.hears(0);
  assert.equal(audio.currentTime, 0);
  audio.end();
  audio.end();
  assert.deepEqual([voice.current, voice.isPlaying], ["c", false]);
});

test("one that was heard to its end begins again", () => {
  const { audio, voice } = player({ order: ["a"] });
  voice.toggle("a");
  audio.end();
  assert.equal(voice.placeOf("a"), LENGTH);
  voice.toggle("a");
  assert.equal(audio.currentTime, 0);
});

test("the slider moves what plays, what is loading and what has not begun", () => {
  const { audio, voice } = player();
  voice.seek("a", 5);
  assert.deepEqual([voice.placeOf("a"), audio.src], [5, null]);
  voice.toggle("a");
  voice.seek("a", 12);
  assert.equal(voice.placeOf("a"), 12);
  audio.readyState = 1;
  audio.dispatchEvent(new Event("loadedmetadata"));
  assert.equal(audio.currentTime, 12);
  voice.seek("a", 2);
  assert.equal(audio.currentTime, 2);
});

test("the speed turns through three, holds for the next one and over a reload", () => {
  const { audio, voice, storage } = player();
  voice.toggle("a");
  assert.deepEqual([voice.turnSpeed(), voice.turnSpeed(), voice.turnSpeed(), voice.turnSpeed()], [1.5, 2, 1, 1.5]);
  voice.toggle("b");
  assert.deepEqual([audio.playbackRate, audio.defaultPlaybackRate], [1.5, 1.5]);
  assert.equal(player({ storage }).memory.speed, 1.5);
});

test("a file that cannot be played is told once, and can be tried again", () => {
  const { audio, voice, failed } = player();
  voice.toggle("a");
  audio.fail();
  assert.deepEqual([failed, voice.current, voice.isPlaying], [["a"], null, false]);
  voice.toggle("a");
  assert.equal(voice.isPlayingOf("a"), true);
});

test("leaving the chat stops it and keeps the place", () => {
  const { audio, voice } = player();
  voice.toggle("a");
  audio.hears(7);
  voice.stop();
  assert.deepEqual([voice.current, audio.src, voice.placeOf("a")], [null, null, 7]);
});

test("new is what came after this device had the page and was not heard", () => {
  const { memory, voice } = player();
  assert.deepEqual([memory.isNew("a", 900), memory.isNew("a", 1_100)], [false, true]);
  voice.toggle("a");
  assert.equal(memory.isNew("a", 1_100), false);
});

test("places and what was heard do not grow for ever, and a browser without storage still plays", () => {
  const { memory, storage } = player();
  for (let n = 0; n < 1_200; n += 1) {
    memory.leaveAt(`v${n}`, 1);
    memory.heard(`v${n}`);
  }
  const kept = JSON.parse(storage["entre:alice:voice"]);
  assert.deepEqual([kept.places.length, kept.heard.length], [50, 1_000]);
  const refusing = { getItem: () => null, setItem: () => { throw new Error("full"); }, removeItem: () => {} };
  const { audio, voice } = player({ storage: refusing });
  voice.toggle("a");
  audio.hears(4);
  assert.equal(voice.isPlayingOf("a"), true);
});
