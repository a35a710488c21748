// Run by visual_checks.py: makes each word of the interface two fifths longer, as in a language with longer words.
(() => {
  // Not translated: names, messages, key names, and the illustration on the landing page.
  const NOT_TRANSLATED =
    "bdi, [dir=auto], .brand, .me, kbd, .avatar, .badge, .landing__picture, template, script, style";

  const lengthen = (word) => word + word.slice(0, Math.round(word.length * 0.4)).toLowerCase();
  const longer = (text) => text.replace(/\p{L}+/gu, lengthen);

  const before = [];
  const lengthenText = (owner, name) => {
    before.push([owner, name, owner[name]]);
    owner[name] = longer(owner[name]);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes) if (!node.parentElement.closest(NOT_TRANSLATED)) lengthenText(node, "data");
  for (const field of document.querySelectorAll("[placeholder]")) lengthenText(field, "placeholder");
  window.restoreWords = () => before.forEach(([owner, name, text]) => { owner[name] = text; });
})();
