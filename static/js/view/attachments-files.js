// The files of a message: the same elements as templates/conversations/_files.html. What they do is in
// view/attachments-media.js.

import { loadFilesSheet } from "../lib/attachments-sheet.js";
import { cloneTemplate, part, setData, setText } from "../lib/dom.js";
import { safely } from "../lib/errors.js";
import { addressOf, beyondOf, boxOf, downloadOf, hasStill, layoutOf, waveOf } from "../state/attachments-shape.js";
import { clockText, detailsOf, isRisky, words } from "../state/attachments-words.js";

/** Writes only a change: setting even the same address would load a picture or a video again. */
function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export class MessageFiles {
  #options;
  #drawn = new WeakMap();

  /** `t`, `shell`; `uploads()` (state/uploads.js) or null: the files of this device that were not sent yet. */
  constructor(options) {
    this.#options = options;
  }

  update(element, { message, gone }) {
    const files = gone ? [] : (message.attachments ?? []);
    const { layout, grid } = layoutOf(files);
    let list = part(element, "files");
    setData(element, "files", layout || null);
    setData(element, "wordless", Boolean(files.length) && !message.body);
    if (!files.length) return list?.remove();
    loadFilesSheet();
    if (!list) {
      list = cloneTemplate("files");
      list.id = `m-${message.id}-files`;
      part(element, "body").before(list);
    }
    setData(list, "grid", grid);
    this.#fillList(list, files, element.querySelector("article").tabIndex);
  }

  #fillList(list, files, tabIndex) {
    const before = new Map([...list.children].map((item) => [item.dataset.file, item]));
    const beyond = beyondOf(files);
    const items = files.map((file, at) => {
      const known = before.get(file.id);
      const item = known?.dataset.kind === file.kind ? known : cloneTemplate(`file-${file.kind}`);
      // A file that cannot be drawn does not take the text of its message along.
      safely(() => this.#fill(item, file, { beyond: beyond[at], isFromServer: item === known }));
      if (item !== known)
        for (const stop of item.querySelectorAll("a, button, input, video")) stop.tabIndex = tabIndex;
      return item;
    });
    const isSame = items.length === list.children.length && items.every((item, at) => item === list.children[at]);
    if (isSame) return;
    list.replaceChildren(...items);
    this.#options.shell?.media?.settle();
  }

  #fill(item, file, { beyond, isFromServer }) {
    // The file of this device may have been read since.
    const stamp = JSON.stringify([file, beyond, this.#options.uploads?.()?.urlOf(file.id)]);
    const drawn = this.#drawn.get(item);
    if (drawn === stamp) return;
    this.#drawn.set(item, stamp);
    // The server has drawn it just so; the style of a number may differ, which is not worth a change.
    if (isFromServer && drawn === undefined) return;
    item.dataset.file = file.id;
    setData(item, "beyond", beyond < 0);
    FILL[file.kind](item, file, { ...this.#options, beyond });
  }
}

export function fillSize(item, file) {
  const size = part(item, "size");
  const [width, height] = boxOf(file);
  setAttribute(size, "viewBox", `0 0 ${width} ${height}`);
  setAttribute(size, "width", String(width));
  setAttribute(size, "height", String(height));
  if (!file.placeholder?.startsWith("data:image/webp;base64,") || size.firstElementChild) return;
  const image = document.createElementNS("http://www.w3.org/2000/svg", "image");
  const given = { href: file.placeholder, width: "100%", height: "100%", preserveAspectRatio: "xMidYMid slice" };
  for (const [name, value] of Object.entries(given)) image.setAttribute(name, value);
  size.append(image);
}

function fillPicture(item, file, { t, uploads, beyond }) {
  fillSize(item, file);
  part(item, "open").href = addressOf(file.id, "display");
  const picture = part(item, "picture");
  const local = uploads?.()?.urlOf(file.id);
  // A picture of this device that is shown already stays: loading it again from the server would flash.
  if (local || !picture.src.startsWith("blob:")) setAttribute(picture, "src", local ?? addressOf(file.id, "thumb"));
  picture.alt = file.alt || t("Photo without description");
  if (file.type !== "image/gif") part(item, "moves")?.remove();
  if (beyond <= 0) {
    part(item, "more")?.remove();
    part(item, "more-word")?.remove();
  } else {
    setText(part(item, "more"), `+${beyond}`);
    setText(part(item, "more-word"), t("{n} more|{n} more", { n: beyond }));
  }
}

function fillVideo(item, file, { t, uploads }) {
  fillSize(item, file);
  const video = part(item, "video");
  if (hasStill(file)) {
    setAttribute(video, "poster", addressOf(file.id, "thumb"));
    setAttribute(video, "preload", "none");
  }
  const local = uploads?.()?.urlOf(file.id);
  if (local || !video.src.startsWith("blob:")) setAttribute(video, "src", local ?? addressOf(file.id, "media"));
  video.setAttribute("aria-label", file.alt || t("Video"));
  if (file.seconds) setText(part(item, "length"), clockText(file.seconds));
  else part(item, "length")?.remove();
}

function fillVoice(item, file, { t }) {
  const voice = part(item, "voice");
  const wave = part(item, "wave");
  const { width, path } = waveOf(file.peaks);
  voice.setAttribute("aria-label", words([file], t));
  voice.dataset.seconds = String(file.seconds ?? 0);
  setAttribute(wave, "viewBox", `0 0 ${width} 32`);
  setAttribute(wave.firstElementChild, "d", path);
  part(item, "slider").max = (file.seconds ?? 0).toFixed(1);
  setText(part(item, "clock"), clockText(file.seconds));
  part(item, "audio")?.remove();
}

function fillFile(item, file, { t }) {
  part(item, "save").href = downloadOf(file);
  setText(part(item, "name"), file.name);
  setText(part(item, "details"), detailsOf(file, t));
  if (!isRisky(file.name)) part(item, "risk")?.remove();
}

const FILL = { picture: fillPicture, video: fillVideo, voice: fillVoice, file: fillFile };
