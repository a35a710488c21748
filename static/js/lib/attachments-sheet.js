// The style sheet of files: the page has it where the server has drawn some; otherwise it is added when it is needed.

import { cloneTemplate } from "./dom.js";

let loading = null;

/** Resolves once it is there, or cannot be had: without it files are plain, but they are there. */
export function loadFilesSheet() {
  return (loading ??= new Promise((done) => {
    // People and invites show no files, but send what waits in the outbox.
    if (!document.querySelector('template[data-template="files-sheet"]')) return done();
    const link = cloneTemplate("files-sheet");
    const isThere = [...document.querySelectorAll('link[rel="stylesheet"]')].some(({ href }) => href === link.href);
    if (isThere) return done();
    link.rel = "stylesheet";
    link.onload = link.onerror = () => done();
    document.head.append(link);
  }));
}
