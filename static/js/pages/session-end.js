// What a page does when its session has ended. Loaded early: without a session nothing else can be loaded.

import { hasTyped } from "../view/appearance.js";
import { showOtherAccount, showSignedOut } from "../view/signed-out.js";

const LOGIN = "/accounts/login/?next=";
const TRIES = 20;
const AGAIN_MS = 200;

/** Logged out elsewhere, or expired. Text typed in a chat stays visible and on the device. */
function signedOut({ chat, t, hasChats }) {
  const login = LOGIN + encodeURIComponent(location.pathname);
  if (chat) showSignedOut({ t, login });
  // A form keeps what was typed; sending it reports the end of the session.
  else if (hasChats) location.assign(login);
}

/**
 * Another account is logged in to this browser. The page does nothing in its name; only a chat may hold unsent text.
 */
function otherAccount({ chat, t }) {
  if (chat) showOtherAccount({ t });
  else if (!hasTyped()) location.reload();
}

/** By the name of the connection's state. */
export const ended = { "signed-out": signedOut, "other-account": otherAccount };

/** In another tab. Waits until the server knows it, too, or "/" would lead straight back here. */
export async function loggedOut({ api, clock }, tries = TRIES) {
  if (tries > 0 && (await api.whyRefused()) !== "signed-out")
    clock.after(AGAIN_MS, () => loggedOut({ api, clock }, tries - 1));
  else location.replace("/");
}
