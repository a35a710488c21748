import assert from "node:assert/strict";
import test from "node:test";
import { Decoder } from "../../static/js/protocol/events.js";
import { redrawOwnCard } from "../../static/js/view/own-card.js";

class Element {
  dataset = {};
  textContent = "";
  picture = null;

  querySelector() {
    return this.picture;
  }

  append(image) {
    this.picture = image;
  }
}

/** As much of a document as the drawing looks for: one element of each kind. */
function page() {
  const found = { name: new Element(), username: new Element(), avatar: new Element() };
  const querySelectorAll = (selector) =>
    Object.entries(found)
      .filter(([part]) => selector.includes(`"${part}"`) && selector.includes("data-own-card"))
      .map(([, element]) => element);
  return { ...found, querySelectorAll };
}

globalThis.Image = class {};

test("another name, username and picture of mine are drawn on the page and in chats that are held beside it", () => {
  const shown = page();
  const held = page();
  const text = JSON.stringify({
    type: "user.changed",
    user: { id: "u", username: "alix", name: "Alix", avatar: "/media/pictures/new.webp", initials: "A", colour: 5 },
  });
  redrawOwnCard([shown, held], new Decoder().decode(text).user);
  for (const { name, username, avatar } of [shown, held]) {
    assert.deepEqual([name.textContent, username.textContent], ["Alix", "@alix"]);
    assert.deepEqual(
      [avatar.textContent, avatar.picture.src, avatar.dataset.colour],
      ["A", "/media/pictures/new.webp", "5"],
    );
  }
});
