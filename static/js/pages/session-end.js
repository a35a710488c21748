// The session of this page is over. Fetched ahead: without a session it is the one thing that the page can still say.

import { hasTyped } from "../view/appearance.js";
import { showOtherAccount, showSignedOut } from "../view/signed-out.js";

const LOGIN = "/accounts/login/?next=";
const TRIES = 20;
const AGAIN_MS = 200;

/** Elsewhere, or by time. What was typed in a chat stays before the eyes and on the device. */
function signedOut({ chat, t, page }) {
  const login = LOGIN + encodeURIComponent(location.pathname);
  if (chat) showSignedOut({ t, login });
  // What was typed into a form stays before the eyes; the form says it when it is sent.
  else if (page.page !== "beside") location.assign(login);
}

/** Somebody else has logged in in this browser. This page does nothing in their name; only a chat holds what could be lost with it. */
function otherAccount({ chat, t }) {
  if (chat) showOtherAccount({ t });
  else if (!hasTyped()) location.reload();
}

/** By the name of the connection's state. */
export const ended = { "signed-out": signedOut, "other-account": otherAccount };

/** In another tab. This one leaves when the server has heard of it too, or "/" would lead straight back here. */
export async function loggedOut({ api, clock }, tries = TRIES) {
  if (tries > 0 && (await api.whyRefused()) !== "signed-out")
    clock.after(AGAIN_MS, () => loggedOut({ api, clock }, tries - 1));
  else location.replace("/");
}
