// The avatar picker: the user chooses a file and its square in a dialog; the server crops it.

import { part, setData, setText } from "../lib/dom.js";
import { Crop } from "../state/crop.js";
import { closeOnBackdropPress } from "./backdrop-close.js";
import { reason } from "./autosave.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 0.05;

/** Called with the first choice of a file, so it starts with the chosen file. */
export function choosePicture(form, { post, t, dialog }) {
  const field = form.elements.picture;
  const says = part(form, "saved");
  const most = Number(form.dataset.mostBytes);

  function say(text, state) {
    setText(says, text);
    setData(says, "state", state);
  }

  async function send(file, shares) {
    say(t("Sending…"));
    const body = new FormData();
    body.set("picture", file);
    body.set("crop", shares);
    const answer = await post(form.action, body);
    if (answer.state === "saved") return location.reload();
    say(answer.state === "too-large" ? t("Choose a picture of at most 8 MB.") : reason(answer, t), "failed");
  }

  async function look() {
    const [file] = field.files;
    if (!file) return;
    say("");
    if (file.size > most) return say(t("Choose a picture of at most 8 MB."), "failed");
    const url = URL.createObjectURL(file);
    const shares = await cut(url, dialog).catch(() => null);
    URL.revokeObjectURL(url);
    field.value = "";
    field.focus();
    if (shares) await send(file, shares);
    else if (shares === null) say(t("We can’t read this picture. Choose a JPEG, PNG or WebP."), "failed");
  }

  field.addEventListener("change", look);
  return look();
}

/** Promise of the crop; "" when the user cancelled. Rejects an image that the browser cannot decode. */
async function cut(url, dialog) {
  const picture = part(dialog, "picture");
  picture.src = url;
  await picture.decode();
  const crop = new Crop({ width: picture.naturalWidth, height: picture.naturalHeight });
  const frame = part(dialog, "frame");
  const buttons = { 1: part(dialog, "in"), "-1": part(dialog, "out") };

  /** Through the CSSOM: the content security policy refuses style attributes. */
  function draw() {
    const scale = 100 / crop.side;
    picture.style.inlineSize = `${picture.naturalWidth * scale}%`;
    const [x, y] = [crop.left / picture.naturalWidth, crop.top / picture.naturalHeight];
    picture.style.translate = `${-x * 100}% ${-y * 100}%`;
    buttons[1].setAttribute("aria-disabled", String(crop.isLargest));
    buttons["-1"].setAttribute("aria-disabled", String(crop.isSmallest));
  }

  const change = (run) => (run(), draw());
  const stop = new AbortController();
  const on = (element, type, run) => element.addEventListener(type, run, { signal: stop.signal });
  on(frame, "keydown", (event) => {
    const direction = { "+": 1, "=": 1, "-": -1 }[event.key];
    const arrow = ARROWS[event.key];
    if (!direction && !arrow) return;
    event.preventDefault();
    change(() => (direction ? crop.resize(direction) : crop.move(arrow[0] * STEP, arrow[1] * STEP)));
  });
  on(frame, "pointerdown", (event) => frame.setPointerCapture(event.pointerId));
  on(frame, "pointermove", (event) => {
    if (!frame.hasPointerCapture(event.pointerId)) return;
    const { width } = frame.getBoundingClientRect();
    change(() => crop.move(-event.movementX / width, -event.movementY / width));
  });
  on(frame, "wheel", (event) => (event.preventDefault(), change(() => crop.resize(event.deltaY < 0 ? 1 : -1))));
  for (const direction of [1, -1]) on(buttons[direction], "click", () => change(() => crop.resize(direction)));

  draw();
  dialog.returnValue = "";
  closeOnBackdropPress(dialog);
  dialog.showModal();
  frame.focus();
  return new Promise((answer) => {
    on(dialog, "close", () => {
      stop.abort();
      picture.removeAttribute("src");
      answer(dialog.returnValue === "save" ? crop.shares : "");
    });
  });
}
