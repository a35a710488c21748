// Why a file of a message was not sent: said below the message, with what can be done about it.

/** `file.refused`: the reason of the server (docs/protocol.md), or one of state/uploads.js. Null: there is none. */
export function refusalText({ name, kind, refused }, t) {
  const named = { name: kind === "voice" ? t("Voice message") : name };
  return (
    {
      not_a_picture: t("Not sent. {name} is not a picture.", named),
      too_many_pixels: t("Not sent. {name} has too many pixels for a picture.", named),
      too_many_frames: t("Not sent. {name} has too many frames for an animated picture.", named),
      damaged: t("Not sent. {name} is damaged or incomplete.", named),
      too_slow: t("Not sent. {name} takes too long to process.", named),
      unsupported: t("Not sent. {name} has a format that can’t be shown in the chat.", named),
      mismatch: t("Not sent. {name} is not what its name says.", named),
      infected: t("Not sent. A virus was found in {name}.", named),
      too_large: t("Not sent. {name} is too large.", named),
      missing: t("Not sent. {name} is no longer on this device.", named),
    }[refused] ?? null
  );
}

/** Refused as what it says, and sent as it is. */
export const canBeFile = ({ kind, refused }) =>
  Boolean(refused) && kind !== "file" && !["infected", "too_large", "missing"].includes(refused);
