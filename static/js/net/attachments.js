// The requests of an upload (docs/protocol.md, Files), and the store of the files that wait for it.

export { AsyncStore } from "./async-store.js";
export { SHARED, takeShared } from "./shared-files.js";

/** A part takes as long as a slow line needs, but a dead connection does not hold it for ever. */
const PART_MS = 90_000;
const PART_TYPE = "application/offset+octet-stream";

const either = (signal, ms) => {
  const limit = AbortSignal.timeout?.(ms);
  return signal && limit && AbortSignal.any ? AbortSignal.any([signal, limit]) : (signal ?? limit);
};
const path = (id) => `/api/v1/attachments/${id}`;

export const uploadTransport = (api) => ({
  /** {id, offset, part_bytes, attachment?}: repeated, it tells the present offset. */
  announce: ({ id, name, size, kind, seconds, peaks, alt }, signal) =>
    api.send("POST", "/api/v1/attachments", {
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        ...{ id, name, size, kind },
        ...(seconds != null && { seconds }),
        ...(peaks && { peaks }),
        ...(alt && { alt }),
      }),
      signal: either(signal, 20_000),
    }),

  /** The attachment with the last part, {} before. */
  part: (id, offset, bytes, signal) =>
    api.send("PATCH", path(id), {
      headers: { "Content-Type": PART_TYPE, "Upload-Offset": String(offset) },
      body: bytes,
      signal: either(signal, PART_MS),
    }),

  still: (id, picture, signal) =>
    api.send("PUT", `${path(id)}/still`, {
      headers: { "Content-Type": picture.type },
      body: picture,
      signal: either(signal, PART_MS),
    }),

  cancel: (id) => api.remove(path(id)),
});
