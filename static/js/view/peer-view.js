// Redraws the peer's name, username and avatar around the messages when they change. Loaded when idle.

import { setData, setText, showFace } from "../lib/dom.js";

const card = ({ name, username, avatar, initials, colour }) =>
  JSON.stringify([name, username, avatar, initials, colour]);

export const isSamePeer = (one, other) => card(one) === card(other);

/** `root` is the chat's part of the page. */
export function redrawPeer(root, before, peer) {
  root.dataset.peerName = peer.name;
  for (const name of root.querySelectorAll('h1 bdi, h2 bdi, [data-part="closed"] bdi')) setText(name, peer.name);
  // At the start of a chat my own avatar is beside the peer's.
  for (const avatar of root.querySelectorAll('[data-part="avatar"]:first-of-type')) {
    showFace(avatar, peer);
    setData(avatar, "colour", peer.colour);
  }
  for (const who of root.querySelectorAll('[data-own="false"] [data-part="who"]')) setText(who, `${peer.name}:`);
  for (const element of root.querySelectorAll("h1[title], [data-view=scroller]")) {
    for (const name of ["title", "aria-label"]) {
      const text = element.getAttribute(name);
      if (text?.includes(before.name))
        element.setAttribute(
          name,
          text.replace(before.name, () => peer.name),
        );
    }
  }
  for (const link of root.querySelectorAll('a[href*="?next="]'))
    link.search = `?next=${encodeURIComponent(`/chats/with/${peer.username}/`)}`;
}

/** "Bob · Entre" with another name. */
export const retitled = (title, before, peer) =>
  title.startsWith(before.name) ? peer.name + title.slice(before.name.length) : title;
