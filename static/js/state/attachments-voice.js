// Playing voice messages: one at a time, each from where it was left, and the next one after it. The sound itself is an
// <audio> element, passed in.

const SPEEDS = [1, 1.5, 2];
const KEY = "voice";
const PLACES = 50;
const HEARD = 1_000;
/** So near its end a voice message has been heard: the next press begins again. */
const NEAR_END_S = 0.5;

/** What this device remembers of listening: the speed, where each one was left, and which were heard. */
export class VoiceMemory {
  #store;

  constructor({ store, now }) {
    this.#store = store;
    // All that came before this device had the page counts as heard.
    if (!this.#kept.since) this.#keep({ since: now() });
  }

  get #kept() {
    return this.#store.get(KEY) ?? {};
  }

  #keep(changes) {
    this.#store.set(KEY, { ...this.#kept, ...changes });
  }

  get speed() {
    const { speed } = this.#kept;
    return SPEEDS.includes(speed) ? speed : 1;
  }

  /** The next speed of three. */
  turnSpeed() {
    this.#keep({ speed: SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length] });
    return this.speed;
  }

  placeOf(id) {
    return (this.#kept.places ?? []).find(([known]) => known === id)?.[1] ?? 0;
  }

  leaveAt(id, seconds) {
    const others = (this.#kept.places ?? []).filter(([known]) => known !== id);
    this.#keep({ places: seconds > 0 ? [...others, [id, seconds]].slice(-PLACES) : others });
  }

  heard(id) {
    const { heard = [] } = this.#kept;
    if (!heard.includes(id)) this.#keep({ heard: [...heard, id].slice(-HEARD) });
  }

  /** Not heard on this device; `at` is when it was sent. */
  isNew(id, at) {
    return at > (this.#kept.since ?? 0) && !(this.#kept.heard ?? []).includes(id);
  }
}

export class VoicePlayer {
  /** The id of the one that plays or was played last, or null. */
  current = null;
  #audio;
  #options;
  /** Where to begin once the length is known: before that no browser moves. */
  #from = 0;

  /**
   * `audio`; `memory` (VoiceMemory); `sourceOf(id)` -> address; `lengthOf(id)` in seconds, as its sender measured it: a
   * WebM of a recorder says Infinity; `nextOf(id)` -> id or null; `changed(id)`, `failed(id)`.
   */
  constructor({ audio, ...options }) {
    this.#audio = audio;
    this.#options = options;
    for (const type of ["play", "pause", "timeupdate", "seeked"])
      audio.addEventListener(type, () => this.current && options.changed(this.current));
    audio.addEventListener("loadedmetadata", () => this.#begin());
    audio.addEventListener("pause", () => this.#keepPlace());
    audio.addEventListener("ended", () => this.#ended());
    audio.addEventListener("error", () => this.current && audio.getAttribute("src") && this.#fail());
  }

  get isPlaying() {
    return this.current !== null && !this.#audio.paused;
  }

  isPlayingOf(id) {
    return this.current === id && this.isPlaying;
  }

  /** Seconds. */
  placeOf(id) {
    if (this.current !== id) return this.#options.memory.placeOf(id);
    return this.#from || this.#audio.currentTime;
  }

  toggle(id) {
    if (this.isPlayingOf(id)) return this.pause();
    return this.play(id);
  }

  play(id, from = this.#options.memory.placeOf(id)) {
    const { memory, sourceOf, lengthOf, changed } = this.#options;
    if (this.current !== id || this.#audio.error) {
      const before = this.current;
      this.pause();
      this.current = id;
      if (before && before !== id) changed(before);
      this.#from = from < lengthOf(id) - NEAR_END_S ? from : 0;
      this.#audio.src = sourceOf(id);
    } else if (this.#audio.ended) this.#audio.currentTime = 0;
    this.#audio.defaultPlaybackRate = this.#audio.playbackRate = memory.speed;
    memory.heard(id);
    changed(id);
    // A press on another one ends this promise, too; what really fails raises "error".
    return Promise.resolve(this.#audio.play()).catch(() => changed(id));
  }

  pause() {
    if (this.current !== null) this.#audio.pause();
  }

  /** By the slider; one that does not play begins there at the next press. */
  seek(id, seconds) {
    if (this.current !== id) this.#options.memory.leaveAt(id, seconds);
    else if (this.#audio.readyState) {
      this.#from = 0;
      this.#audio.currentTime = seconds;
      this.#keepPlace();
    } else this.#from = seconds;
    this.#options.changed(id);
  }

  turnSpeed() {
    const speed = this.#options.memory.turnSpeed();
    this.#audio.defaultPlaybackRate = this.#audio.playbackRate = speed;
    if (this.current) this.#options.changed(this.current);
    return speed;
  }

  /** The chat leaves the screen, or the message is deleted. */
  stop() {
    this.pause();
    const before = this.current;
    this.current = null;
    this.#audio.removeAttribute("src");
    if (before) this.#options.changed(before);
  }

  #begin() {
    if (this.#from) this.#audio.currentTime = this.#from;
    this.#from = 0;
  }

  #keepPlace() {
    const { memory, lengthOf } = this.#options;
    if (this.current === null) return;
    const at = this.#from || this.#audio.currentTime;
    memory.leaveAt(this.current, at < lengthOf(this.current) - NEAR_END_S ? at : 0);
  }

  #ended() {
    const { memory, nextOf, changed } = this.#options;
    const id = this.current;
    if (id === null) return;
    memory.leaveAt(id, 0);
    changed(id);
    const next = nextOf(id);
    if (next !== null) this.play(next, 0);
  }

  #fail() {
    const id = this.current;
    this.current = null;
    this.#audio.removeAttribute("src");
    this.#options.changed(id);
    this.#options.failed(id);
  }
}
