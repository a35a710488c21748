// What is said in the place of a file that could not be shown.

/** `state` of the file (net/attachments-state.js), `kind` of it. */
export function problemText(state, kind, t) {
  const gone = {
    picture: t("This picture is no longer available."),
    video: t("This video is no longer available."),
    voice: t("This voice message is no longer available."),
  };
  const cannot = {
    video: t("This browser can’t play this video. You can download it."),
    voice: t("This browser can’t play this voice message. You can download it."),
    picture: t("This picture can’t be shown."),
  };
  return {
    gone: gone[kind] ?? t("This file is no longer available."),
    offline: t("No connection."),
    busy: t("The server is busy."),
    "signed-out": t("You have been logged out. Reload this page to log in again."),
    there: cannot[kind] ?? t("This file can’t be shown."),
  }[state];
}

/** What may work later. */
export const canRetry = (state) => state === "offline" || state === "busy";
