// The microphone button of a composer: pressed or held, it records (view/attachments-recorder.js, loaded then). A
// recording that was interrupted by closing the page waits in the tray.

import { action, view } from "../lib/dom.js";
import { newId } from "../protocol/commands.js";
import { HoldToRecord } from "../state/attachments-recording.js";

const recordingKey = (room) => `recording:${room}`;

function listenForHold(button, hold) {
  const isFinger = ({ pointerType }) => pointerType === "touch" || pointerType === "pen";
  const at = ({ clientX: x, clientY: y }) => ({ x, y });
  button.addEventListener("pointerdown", (event) => {
    if (!isFinger(event) || !event.isPrimary) return;
    button.setPointerCapture(event.pointerId);
    hold.press(at(event));
  });
  button.addEventListener("pointermove", (event) => hold.move(at(event)));
  button.addEventListener("pointerup", (event) => isFinger(event) && hold.release());
  button.addEventListener("pointercancel", () => hold.lose());
  button.addEventListener("contextmenu", (event) => hold.isHeld && event.preventDefault());
}

export class VoiceButton {
  #options;
  #recorder = null;

  /** `session`, `tray`, `files`, `uploads`, `store`, `t`, `clock`, `announcer`; `submit()` sends the tray. */
  constructor(options) {
    this.#options = options;
    const { session, clock } = options;
    const { root, events } = session;
    const button = action("record", root);
    const withRecorder = (run) => this.#load().then(run);
    const hold = new HoldToRecord({
      clock,
      isRightToLeft: () => getComputedStyle(button).direction === "rtl",
      on: {
        start: () => withRecorder((recorder) => recorder.start({ isHeld: () => hold.isHeld })),
        slide: (how) => this.#recorder?.slide(how),
        locked: () => this.#recorder?.lock(),
        cancelled: () => withRecorder((recorder) => recorder.discard({ isAsked: false })),
        released: () => withRecorder((recorder) => recorder.send()),
      },
    });
    listenForHold(button, hold);
    button.addEventListener("click", ({ detail, pointerType }) => {
      // A mouse or a key; a finger was heard before.
      if (!detail || !["touch", "pen"].includes(pointerType)) withRecorder((recorder) => recorder.start());
    });
    root.addEventListener("keydown", (event) => this.#recorder?.key(event), { capture: true });
    events.on("end", () => this.#recorder?.leave());
    view("composer", root).dataset.takesVoice = "true";
    this.#restore();
  }

  /** A page that was closed while it was recording has left its copy: it waits in the tray. */
  async #restore() {
    const { store, files, uploads, session } = this.#options;
    const { room } = session;
    const left = store.get(recordingKey(room));
    if (!left) return;
    store.remove(recordingKey(room));
    const blob = await files.get(left.id);
    if (blob) this.#keep(new File([blob], left.name, { type: blob.type }), left);
    uploads.drop([left.id]);
  }

  #keep(file, { seconds, peaks }) {
    this.#options.tray.add([file], { kind: "voice", canBe: "voice", seconds, peaks });
  }

  async #load() {
    const { session, store, files, t, clock, say, announce, announcer } = this.#options;
    const { Recorder } = await import("./attachments-recorder.js");
    const { root, room, chat } = session;
    const drop = () => {
      const left = store.get(recordingKey(room));
      store.remove(recordingKey(room));
      if (left) files.remove(left.id);
    };
    this.#recorder ??= new Recorder({
      ...{ root, t, clock, say, announce },
      alert: (text) => announcer.alert(text),
      send: (file, more) => (this.#keep(file, more), this.#options.submit()),
      keep: (file, more) => this.#keep(file, more),
      store: (file, { seconds, peaks }) => {
        const { id = newId() } = store.get(recordingKey(room)) ?? {};
        store.set(recordingKey(room), { id, name: file.name, seconds, peaks });
        return files.keep(id, file);
      },
      isStored: () => Boolean(store.get(recordingKey(room))),
      closed: ({ hadFocus }) => {
        drop();
        if (hadFocus && matchMedia("(hover: hover)").matches) chat.composer.focus();
        else if (hadFocus) action("record", root).focus({ preventScroll: true });
      },
    });
    return this.#recorder;
  }
}
