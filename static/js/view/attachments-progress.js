// The ring over a file that is being uploaded: how far it has come, and the button that cancels it.

import { action, cloneTemplate, part, setData, setText } from "../lib/dom.js";

export class UploadRings {
  #options;

  /** `root`, `room`, `uploads`, `outbox`, `t`. */
  constructor(options) {
    this.#options = options;
  }

  /** After the messages were drawn. */
  draw() {
    const { root } = this.#options;
    for (const place of root.querySelectorAll("li[data-id] [data-file]")) this.#fill(place);
  }

  /** The progress of this file has changed. */
  update(id) {
    const { root } = this.#options;
    for (const place of root.querySelectorAll(`[data-file="${CSS.escape(id)}"]`)) this.#fill(place);
  }

  #fill(place) {
    const { uploads, outbox, t } = this.#options;
    const { state: message, id } = place.closest("[data-id]").dataset;
    const progress = uploads.progressOf(place.dataset.file);
    const { forward, attachments } = outbox.get(id)?.command ?? {};
    const isUploaded = Boolean(forward);
    const isWaiting =
      message === "pending" && !isUploaded && progress?.state !== "ready" && progress?.state !== "failed";
    let ring = part(place, "upload");
    const isFailed = message === "failed" && progress?.state === "failed";
    setData(place, "upload", isWaiting ? (progress?.state ?? "waiting") : isFailed && "failed");
    if (!isWaiting) return ring?.remove();
    if (!ring) place.append((ring = cloneTemplate("upload-ring")));
    const share = progress?.share ?? 0;
    const percent = Math.floor(share * 100);
    ring.style.setProperty("--share", share);
    const bar = part(ring, "bar");
    bar.setAttribute("aria-valuenow", percent);
    const text = { sending: t("{n} %", { n: percent }), checking: t("Checking…") }[progress?.state] ?? t("Waiting…");
    bar.setAttribute("aria-valuetext", text);
    setText(part(ring, "percent"), progress?.state === "sending" ? text : "");
    const { name = "" } = attachments?.find((file) => file.id === place.dataset.file) ?? {};
    action("cancel-upload", ring).setAttribute("aria-label", t("Cancel the upload of {name}", { name }));
  }
}
