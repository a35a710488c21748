// Draws a body with its links and markup: elements made here, filled with text nodes, never HTML.

import { linksIn } from "../lib/links.js";
import { hasSigns, parseMarkup } from "../lib/markup.js";

export { plainText } from "../lib/markup.js";
export { words } from "../state/attachments-words.js";

const ELEMENTS = { bold: "strong", italic: "em", strike: "s", code: "code" };

const element = (name, children, properties = {}) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

/** Left to right, and isolated from the direction of the text around it. */
const link = ({ text, href }) =>
  element("a", [text], { href, target: "_blank", rel: "noopener noreferrer nofollow ugc", dir: "ltr" });

const drawNode = (node) =>
  node.kind === "text" ? node.text : node.kind === "link" ? link(node) : element(ELEMENTS[node.kind], all(node.nodes));
const all = (nodes) => nodes.map(drawNode);

/** Each block is aligned by the script it begins with. */
const block = (name, children) => element(name, children, { dir: "auto" });

const item = ({ number, nodes }) => element("li", all(nodes), number === null ? {} : { value: number });

const BLOCKS = {
  lines: ({ nodes }) => all(nodes),
  fence: ({ nodes }) => [block("pre", [element("code", all(nodes))])],
  quote: ({ blocks }) => [block("blockquote", drawBlocks(blocks))],
  list: ({ items }) => [block(items[0].number === null ? "ul" : "ol", items.map(item))],
};
const drawBlocks = (blocks) => blocks.flatMap((found) => BLOCKS[found.kind](found));

/** A text without links and signs keeps its text node, and with it a selection. */
export function drawBody(body, text) {
  const isSimple = !hasSigns(text) && !linksIn(text).length;
  if (!isSimple || body.textContent !== text || body.childElementCount)
    body.replaceChildren(...drawBlocks(parseMarkup(text)));
}
