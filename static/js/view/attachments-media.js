// What files of messages do: pictures open, sound and video play, one at a time, downloads say when a file is gone.
// Loaded when idle; until then they are the links and players that the server has drawn.

import { loadFilesSheet } from "../lib/attachments-sheet.js";
import { cloneTemplate, part, setData, setText } from "../lib/dom.js";
import { canRetry, problemText } from "../state/attachments-problems.js";
import { downloadOf } from "../state/attachments-shape.js";
import { VoicePlayers } from "./attachments-voice.js";
import { toast } from "./toast.js";

const isPlain = (event) => !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
const fileOf = (target) => target.closest?.("[data-file]") ?? null;

export class Media {
  #options;
  #voices;
  #viewer = null;

  /** The tools of pages/lazy.js. */
  constructor(tools) {
    this.#options = tools;
    const { events } = tools;
    const failed = (item) => this.#ask(item, { isSaid: true });
    this.#voices = new VoicePlayers({ ...tools, failed, started: () => this.#pauseVideos() });
    document.addEventListener("click", (event) => this.#press(event));
    for (const [type, run] of Object.entries({
      load: (item) => this.#loaded(item),
      error: (item) => this.#failed(item),
      play: (item, target) => this.#started(item, target),
    }))
      document.addEventListener(type, ({ target }) => fileOf(target) && run(fileOf(target), target), { capture: true });
    // What has loaded or failed before this script.
    for (const picture of document.querySelectorAll("[data-file] img"))
      if (picture.complete && picture.currentSrc)
        if (picture.naturalWidth) this.#loaded(fileOf(picture));
        else this.#failed(fileOf(picture));
    addEventListener("online", () => this.#retryAll());
    events.on("connection", ({ isUp }) => isUp && this.#retryAll());
    events.on("shown", () => this.#voices.leave());
    events.on("change", (room) => {
      if (room === null || room === this.#room) this.#viewer?.changed();
      this.settle();
    });
    events.on("frame", ({ type, room, message, seq }) => {
      const isGone = type === "message.hidden" || (type === "message.changed" && message.deleted_at);
      if (isGone && room === this.#room) this.#removed(seq ?? message.seq);
    });
    loadFilesSheet();
    this.settle();
  }

  /** The chat on the screen, or that of the page of files. */
  get #room() {
    const { shell, page } = this.#options;
    return shell.session?.room ?? page.files_of ?? null;
  }

  #removed(seq) {
    this.#viewer?.removed(seq);
    const gone = document.querySelectorAll(`[data-message="${seq}"]`);
    for (const item of gone) item.remove();
    // The last one of the page: the server knows whether older ones follow.
    if (gone.length && !document.querySelector("[data-message]")) location.reload();
  }

  /** What has come onto the page: players show their place; our button starts a video, and brings its controls. */
  settle() {
    this.#voices.settle();
    queueMicrotask(() => {
      for (const video of document.querySelectorAll("[data-file]:not([data-started]) video[controls]"))
        if (video.paused) video.controls = false;
    });
  }

  /** Enter on a message: its first picture, or the player. False if it has neither. */
  open(li) {
    const item = li.querySelector("[data-file]");
    const target = item && (part(item, "open") ?? item.querySelector("[data-do]") ?? part(item, "save"));
    target?.click();
    return Boolean(target);
  }

  /** All files of a message, one after another. */
  async downloadAll(files) {
    for (const file of files) await this.#save(downloadOf(file), file.name, (text) => this.#say(text), file.kind);
  }

  #press(event) {
    const item = fileOf(event.target);
    if (!item || event.defaultPrevented || !isPlain(event)) return;
    const name = event.target.closest("[data-do]")?.dataset.do;
    if (name === "play-video") return this.#play(item);
    if (name === "try-file") return this.#retry(item, { isPressed: true });
    const link = event.target.closest('[data-part="open"], [data-part="save"]');
    if (!link) return;
    event.preventDefault();
    if (link.dataset.part === "open") this.#openViewer(item, link);
    else this.#download(item, link);
  }

  async #openViewer(item, opener) {
    const { shell, t, list, me, page } = this.#options;
    const { session } = shell;
    // What waits to be sent is not on the server yet.
    const li = item.closest("li[data-id]");
    if (li && !li.dataset.seq) return;
    try {
      const { Viewer } = await import("./attachments-viewer.js");
      await loadFilesSheet();
      this.#viewer?.close();
      const room = this.#room;
      const personOf = (id) => (id === me ? { ...page.user, name: t("You") } : (list.get(room)?.peer ?? { name: "" }));
      const viewer = new Viewer({
        ...this.#options,
        ...(session ? this.#ofChat(session) : ofPage(page)),
        room,
        personOf,
        opener,
        download: (event, file) => {
          event.preventDefault();
          this.#save(downloadOf(file), file.name, (text) => this.#say(text), "picture");
        },
        toast: (text) => toast(text, this.#options),
        closed: () => (this.#viewer = null),
      });
      if (await viewer.show(item.dataset.file)) this.#viewer = viewer;
      else this.#say(t("This picture is no longer available."));
    } catch {
      // Without the viewer the picture opens as the link that it is.
      location.assign(opener.href);
    }
  }

  #ofChat(session) {
    const { timeline, chat, actions, events } = session;
    return {
      pictures: () => {
        const { oldest, latest, isAtEnd, complete } = timeline;
        return {
          messages: chat.applied(timeline.messages),
          range: { oldest: oldest ?? Infinity, latest: isAtEnd ? Infinity : latest, isAtEnd, complete },
        };
      },
      captionOf: (seq) => timeline.get(seq)?.body ?? "",
      show: (seq) => events.emit("to-message", { seq }),
      actions: actions && {
        forward: (seq) => actions.forward([seq]),
        remove: (seq) => actions.remove([seq]),
      },
    };
  }

  // --- Downloads ---

  #download(item, link) {
    const text = part(item, "name")?.textContent ?? "";
    this.#forget(item);
    this.#save(link.href, text, (problem) => this.#problem(item, problem), item.dataset.kind);
  }

  /** A download that fails would lead to the browser's own error page, or to nothing at all. */
  async #save(address, name, say, kind) {
    const state = await this.#options.stateOfFile(address);
    if (state !== "there") return say(problemText(state, kind, this.#options.t), canRetry(state));
    const link = Object.assign(document.createElement("a"), { href: address, download: name, hidden: true });
    document.body.append(link);
    link.click();
    link.remove();
  }

  // --- Playing ---

  #play(item) {
    const video = part(item, "video");
    video.controls = true;
    video.play().catch(() => {});
    video.focus({ preventScroll: true });
  }

  #started(item, player) {
    item.dataset.started = "true";
    player.controls = true;
    this.#forget(item);
    this.#voices.pause();
    this.#pauseVideos(player);
  }

  #pauseVideos(but = null) {
    for (const video of document.querySelectorAll("[data-file] video")) if (video !== but) video.pause();
  }

  // --- What could not be shown ---

  #loaded(item) {
    item.dataset.loaded = "true";
    this.#forget(item);
  }

  #failed(item) {
    // The player of voice messages is no element of the page; what the server drew for it is not asked for.
    const isVideo = Boolean(part(item, "video")?.error);
    const isSaid = isVideo && item.dataset.started === "true";
    if (item.dataset.kind === "picture" || isVideo) this.#ask(item, { isSaid });
  }

  /** `isSaid`: the user has asked for it; pictures that do not load are not read out one by one. */
  async #ask(item, { isSaid = false } = {}) {
    const { kind } = item.dataset;
    const shown = part(item, "picture") ?? part(item, "video");
    const address = shown?.src ?? `/files/${item.dataset.file}/media`;
    if (!address || address.startsWith("blob:")) return;
    const state = await this.#options.stateOfFile(address);
    if (!item.isConnected || item.dataset.loaded) return;
    this.#problem(item, problemText(state, kind, this.#options.t), canRetry(state), isSaid);
  }

  #problem(item, text, isRetried = false, isSaid = true) {
    const problem = part(item, "problem") ?? cloneTemplate("file-problem");
    if (!problem.isConnected) item.append(problem);
    setText(part(problem, "problem-text"), text);
    problem.querySelector("button").hidden = !isRetried;
    problem.querySelector("button").tabIndex = item.closest("li[data-id]")?.querySelector("article")?.tabIndex ?? 0;
    setData(item, "failed", isRetried ? "retry" : "true");
    if (isSaid) this.#options.announce(text);
  }

  #forget(item) {
    part(item, "problem")?.remove();
    setData(item, "failed", null);
  }

  #retryAll() {
    for (const item of document.querySelectorAll('[data-failed="retry"]')) this.#retry(item);
  }

  #retry(item, { isPressed = false } = {}) {
    this.#forget(item);
    const shown = part(item, "picture") ?? part(item, "video");
    if (shown) {
      const { src } = shown;
      shown.src = src;
      if (isPressed && shown.matches("video")) shown.play().catch(() => {});
    } else if (isPressed) (item.querySelector('[data-do="play"]') ?? part(item, "save")).click();
    if (isPressed) item.querySelector("a, button")?.focus({ preventScroll: true });
  }

  #say(text) {
    toast(text, { clock: this.#options.clock });
    this.#options.announce(text);
  }
}

/** The page of a chat's files has no messages: every picture comes from the server. */
const ofPage = ({ files_of: room }) => ({
  show: (seq) => location.assign(`/chats/${room}/?m=${seq}`),
  pictures: () => ({ messages: [], range: { oldest: Infinity, latest: 0, isAtEnd: false, complete: false } }),
  captionOf: () => "",
});

export function start(tools) {
  const media = new Media(tools);
  tools.shell.media = media;
}
