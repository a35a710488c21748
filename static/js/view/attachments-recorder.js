// Recording a voice message in place of the message box (docs/interface.md T7). Loaded with the first press.

import { action, cloneTemplate, part, setData, setText, view } from "../lib/dom.js";
import { playTime } from "../lib/file-size.js";
import { Recording } from "../state/attachments-recording.js";
import { askDeletion } from "./attachments-asking.js";
import { drawLevels } from "./attachments-levels.js";
import { microphonePermission, openMicrophone } from "./attachments-microphone.js";

const ASKS_FROM_MS = 5_000;
const SHORTEST_MS = 700;

const nameOf = (type, now) => {
  const stamp = new Date(now).toISOString().slice(0, 16).replace(/[-:]/g, "").replace("T", "-");
  return `voice-${stamp}.${type.includes("mp4") ? "m4a" : "webm"}`;
};

export class Recorder {
  #options;
  #form;
  #bar = null;
  #microphone = null;
  #recording = null;
  #player = null;
  #isOpening = false;
  #isCalledOff = false;
  #isStored = false;

  /**
   * `root`, `t`, `clock`, `say(text)`, `alert(text)`, `announce(text)`; `send(file, {seconds, peaks})`; `keep(...)`
   * puts it into the tray; `store(...)` keeps a copy in case that the page is closed, which `isStored()` until another
   * tab takes it; `closed({hadFocus})`.
   */
  constructor(options) {
    this.#options = options;
    this.#form = view("composer", options.root);
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#hidden() : this.#shown()));
  }

  get isOn() {
    return this.#recording !== null;
  }

  /** `isHeld()`: a finger is still on the button. */
  async start({ isHeld = () => false } = {}) {
    if (this.isOn || this.#isOpening) return;
    this.#isOpening = true;
    this.#isCalledOff = this.#isStored = false;
    const { t, clock, say } = this.#options;
    try {
      if ((await microphonePermission()) === "prompt")
        say(t("Your browser asks now whether this page may use the microphone."));
      this.#microphone = await openMicrophone({ onLost: () => this.#lost() });
    } catch (error) {
      return say(this.#whyNot(error));
    } finally {
      this.#isOpening = false;
    }
    if (this.#isCalledOff) return this.#microphone.stop();
    const on = { tick: () => this.#draw(), warn: () => this.#warn(), full: () => this.#full() };
    this.#recording = new Recording({ microphone: this.#microphone, clock, on });
    this.#open(isHeld());
  }

  /** The finger was lifted, or slid up: the buttons are shown. */
  lock() {
    if (!this.isOn || !this.#bar.dataset.held) return;
    this.slide({ cancel: 0 });
    setData(this.#bar, "held", false);
    action("recorder-send", this.#bar).focus({ preventScroll: true });
    this.#options.announce(this.#options.t("Recording goes on without holding."));
  }

  slide({ cancel }) {
    this.#bar?.style.setProperty("--slid", cancel);
  }

  async send() {
    if (!this.isOn) return;
    const recording = this.#recording;
    recording.pause();
    const { t, say } = this.#options;
    if (recording.ms < SHORTEST_MS) {
      say(t("Too short. Hold to record, or press once."));
      return this.#close();
    }
    const file = await this.#stop();
    this.#options.send(file, { seconds: recording.seconds, peaks: recording.peaks });
  }

  /** The user changes his mind: asked after some seconds. Resolves to whether it is gone. */
  async discard({ isAsked = true } = {}) {
    const { t, announce } = this.#options;
    this.#isCalledOff = true;
    if (!this.isOn) return true;
    const wasPaused = this.#recording.isPaused;
    if (isAsked && this.#recording.ms > ASKS_FROM_MS) {
      this.#recording.pause();
      const isSure = await askDeletion();
      if (!isSure) {
        if (!wasPaused) this.#recording?.resume();
        this.#draw();
        return false;
      }
    }
    await this.#close();
    announce(t("Recording deleted"));
    return true;
  }

  /** Another chat takes the place of this one: what is recorded waits in the tray. */
  async leave() {
    if (!this.isOn) return;
    const recording = this.#recording;
    recording.pause();
    const file = await this.#stop();
    this.#options.keep(file, { seconds: recording.seconds, peaks: recording.peaks });
  }

  /** Escape. */
  key(event) {
    if (!this.isOn || event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]"))
      return;
    event.preventDefault();
    event.stopPropagation();
    this.discard();
  }

  #open(isHeld) {
    const { t, announce } = this.#options;
    const line = part(this.#form, "send").parentElement;
    this.#bar = cloneTemplate("recorder");
    setData(this.#bar, "held", isHeld && "true");
    // Beside it and not in its place: the finger is still on the button.
    line.append(this.#bar);
    for (const other of line.children) other.inert = other !== this.#bar && !other.matches('[data-action="record"]');
    this.#bar.addEventListener("click", ({ target }) => this.#press(target.closest("[data-action]")?.dataset.action));
    this.#form.dataset.recording = "true";
    if (!isHeld) action("recorder-send", this.#bar).focus({ preventScroll: true });
    announce(t("Recording"));
    this.#draw();
  }

  #press(name) {
    if (name === "recorder-delete") this.discard();
    else if (name === "recorder-send") this.send();
    else if (name === "recorder-pause") this.#toggle();
    else if (name === "recorder-listen") this.#listen();
  }

  #toggle() {
    const { t, announce } = this.#options;
    this.#player?.pause();
    if (this.#recording.isPaused) this.#recording.resume();
    else this.#recording.pause();
    announce(this.#recording.isPaused ? t("Paused") : t("Recording"));
    this.#draw();
  }

  async #listen() {
    if (this.#player && !this.#player.paused) return this.#player.pause();
    this.#recording.pause();
    const blob = await this.#microphone.data();
    if (this.#player) URL.revokeObjectURL(this.#player.src);
    const player = (this.#player = new Audio(URL.createObjectURL(blob)));
    for (const type of ["timeupdate", "pause", "ended", "play"])
      player.addEventListener(type, () => player === this.#player && this.#draw());
    await player
      .play()
      .catch(() => this.#options.say(this.#options.t("This browser can’t play it before it is sent.")));
  }

  async #hidden() {
    if (!this.isOn) return;
    this.#recording.pause();
    this.#player?.pause();
    this.lock();
    const { seconds, peaks } = this.#recording;
    const file = this.#file(await this.#microphone.data());
    if (!this.isOn) return;
    this.#isStored = true;
    await this.#options.store(file, { seconds, peaks });
  }

  /** Another tab of this chat, opened meanwhile, has it in its tray. */
  #shown() {
    if (this.isOn && this.#isStored && !this.#options.isStored()) this.#close();
  }

  #lost() {
    if (!this.isOn) return;
    this.#recording.pause();
    this.#options.alert(this.#options.t("The microphone is gone. What was recorded is kept."));
  }

  #warn() {
    const { t, alert, say } = this.#options;
    const text = t("The recording ends in 30 seconds.");
    alert(text);
    say(text);
  }

  #full() {
    this.#options.say(this.#options.t("Ten minutes are the most. It can be sent now."));
    this.#draw();
  }

  #whyNot({ name }) {
    const { t } = this.#options;
    if (name === "NotAllowedError" || name === "SecurityError")
      return t("The microphone is blocked for this page. Allow it in the browser’s settings of this site.");
    if (name === "NotFoundError") return t("No microphone was found.");
    return t("The microphone can’t be used now. Another app may be using it.");
  }

  async #stop() {
    const blob = await this.#microphone.stop();
    const file = this.#file(blob);
    this.#end();
    return file;
  }

  #file(blob) {
    const { type } = this.#microphone;
    return new File([blob], nameOf(type, this.#options.clock.now()), { type });
  }

  async #close() {
    const microphone = this.#microphone;
    this.#recording.pause();
    this.#end();
    await microphone.stop();
  }

  #end() {
    this.#player?.pause();
    if (this.#player) URL.revokeObjectURL(this.#player.src);
    const hadFocus = this.#bar.contains(document.activeElement);
    for (const other of this.#bar.parentElement.children) other.inert = false;
    this.#bar.remove();
    delete this.#form.dataset.recording;
    this.#bar = this.#recording = this.#player = null;
    this.#options.closed({ hadFocus });
  }

  #draw() {
    if (!this.isOn || !this.#bar) return;
    const { t } = this.#options;
    const { isPaused, isFull, ms, levels } = this.#recording;
    const isPlaying = Boolean(this.#player && !this.#player.paused);
    setData(this.#bar, "state", isPlaying ? "playing" : isPaused ? "paused" : "recording");
    const shown = isPlaying ? this.#player.currentTime : ms / 1_000;
    setText(part(this.#bar, "time"), playTime(Math.floor(shown)));
    const pause = action("recorder-pause", this.#bar);
    const listen = action("recorder-listen", this.#bar);
    name(pause, isPaused ? t("Continue recording") : t("Pause"));
    name(listen, isPlaying ? t("Stop") : t("Listen"));
    pause.hidden = isFull;
    listen.hidden = !isPaused;
    drawLevels(part(this.#bar, "levels"), levels, isPlaying ? shown / (ms / 1_000) : 1);
  }
}

function name(button, label) {
  if (button.getAttribute("aria-label") === label) return;
  button.setAttribute("aria-label", label);
  button.title = label;
}
