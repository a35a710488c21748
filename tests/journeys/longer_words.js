// Read by test_longer_words.py. Every word of the interface becomes two fifths longer, as in a language that needs more letters for it.
(() => {
  // The same in every language: names, what people wrote, what stands on keys. And the picture of a talk, which is not translated.
  const NOT_OURS = "bdi, [dir=auto], .brand, .me, kbd, .avatar, .badge, .landing__picture, template, script, style";

  const longer = (text) => text.replace(/\p{L}+/gu, (word) => word + word.slice(0, Math.round(word.length * 0.4)).toLowerCase());

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes) if (!node.parentElement.closest(NOT_OURS)) node.data = longer(node.data);
  for (const field of document.querySelectorAll("[placeholder]")) field.placeholder = longer(field.placeholder);
})();
