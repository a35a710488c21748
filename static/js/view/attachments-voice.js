// The players of voice messages on the page: they show what state/attachments-voice.js plays.

import { part, setData, setText } from "../lib/dom.js";
import { clockText } from "../state/attachments-words.js";
import { VoiceMemory, VoicePlayer } from "../state/attachments-voice.js";

const itemOf = (id) => document.querySelector(`[data-file="${CSS.escape(id)}"]`);
const lengthOf = (item) => Number(part(item, "voice")?.dataset.seconds) || 0;

export class VoicePlayers {
  #options;
  #memory;
  #player;
  /** The chat in which it plays. */
  #room = null;

  /** `store`, `now`, `t`, `shell`; `failed(item)`, `started()`. */
  constructor(options) {
    this.#options = options;
    const { store, now, started } = options;
    this.#memory = new VoiceMemory({ store, now });
    // Not part of the page: what is taken off the page stops playing.
    const audio = new Audio();
    audio.addEventListener("play", () => started());
    this.#player = new VoicePlayer({
      audio,
      memory: this.#memory,
      sourceOf: (id) => options.shell.uploads?.()?.urlOf(id) ?? `/files/${id}/media`,
      lengthOf: (id) => (itemOf(id) ? lengthOf(itemOf(id)) : Infinity),
      nextOf: (id) => this.#next(id),
      changed: (id) => this.#draw(itemOf(id)),
      failed: (id) => itemOf(id) && options.failed(itemOf(id)),
    });
    document.addEventListener("click", (event) => this.#press(event));
    for (const type of ["input", "change"])
      document.addEventListener(type, ({ target }) => target.dataset?.part === "slider" && this.#slide(target));
    this.settle();
  }

  pause() {
    this.#player.pause();
  }

  /** Another chat is on the screen: what plays stops, and keeps its place. */
  leave() {
    if (this.#room !== this.#options.shell.room) this.#player.stop();
    this.settle();
  }

  /** Players that have come show where they were left; what was deleted stops. */
  settle() {
    queueMicrotask(() => {
      if (this.#player.isPlaying && !itemOf(this.#player.current) && this.#isGone(this.#player.current))
        this.#player.stop();
      for (const voice of document.querySelectorAll('[data-part="voice"]:not([data-ready])')) {
        voice.dataset.ready = "true";
        this.#draw(voice.closest("[data-file]"));
      }
    });
  }

  /** Off the page because its message was deleted, not because the page was scrolled far away. */
  #isGone(id) {
    const { session } = this.#options.shell;
    const message = session?.timeline.messages.find(({ attachments }) => attachments?.some((file) => file.id === id));
    return !message && session?.timeline.isAtEnd;
  }

  #next(id) {
    const all = [...document.querySelectorAll('[data-file][data-kind="voice"]')];
    // The page of a chat's files begins with the newest.
    if (!this.#options.shell.session) all.reverse();
    const at = all.indexOf(itemOf(id));
    return at < 0 ? null : (all[at + 1]?.dataset.file ?? null);
  }

  #press(event) {
    const button = event.target.closest('[data-do="play"], [data-do="speed"]');
    const item = button?.closest('[data-file][data-kind="voice"]');
    if (!item) return;
    const id = item.dataset.file;
    if (button.dataset.do === "speed") {
      const speed = this.#player.turnSpeed();
      return void this.#say(this.#options.t("Speed {n}", { n: speed }));
    }
    this.#room = this.#options.shell.room;
    part(item, "problem")?.remove();
    this.#player.toggle(id);
  }

  #say(text) {
    this.#options.announce(text);
  }

  #slide(slider) {
    const item = slider.closest("[data-file]");
    this.#player.seek(item.dataset.file, Number(slider.value));
  }

  #draw(item) {
    const voice = item && part(item, "voice");
    if (!voice) return;
    const { t } = this.#options;
    const id = item.dataset.file;
    const length = lengthOf(item);
    const isPlaying = this.#player.isPlayingOf(id);
    const isCurrent = this.#player.current === id;
    const at = Math.min(this.#player.placeOf(id), length || Infinity);
    const isBegun = isCurrent || at > 0;
    setData(voice, "playing", isPlaying);
    voice.querySelector('[data-do="play"]').setAttribute("aria-label", isPlaying ? t("Pause") : t("Play"));
    const slider = part(voice, "slider");
    slider.value = String(at);
    const said = t("{at} of {length}", { at: clockText(at), length: clockText(length) });
    if (slider.getAttribute("aria-valuetext") !== said) slider.setAttribute("aria-valuetext", said);
    setText(part(voice, "clock"), clockText(isBegun ? at : length));
    this.#wave(voice, length ? (100 * at) / length : 0);
    const speed = part(voice, "speed");
    speed.hidden = !isCurrent;
    setText(speed, `${t.number(this.#memory.speed)}×`);
    speed.setAttribute("aria-label", t("Speed {n}", { n: this.#memory.speed }));
    const li = item.closest("li[data-id]");
    const sentAt = Date.parse(li?.querySelector("time")?.dateTime ?? "");
    setData(voice, "new", li?.dataset.own === "false" && this.#memory.isNew(id, sentAt));
  }

  /** A second waveform above the first, cut where it has come to. */
  #wave(voice, share) {
    let played = part(voice, "played");
    if (!played && !share) return;
    if (!played) {
      const wave = part(voice, "wave");
      played = wave.cloneNode(true);
      played.dataset.part = "played";
      played.classList.add("voice__wave--played");
      wave.after(played);
    }
    played.style.setProperty("--played", share.toFixed(1));
  }
}
