// An icon of the sprite that changes: the element comes from a template with some icon in it.

/** Shows the icon of this name in its holder, or with null hides it. */
export function setIcon(holder, name) {
  if (!holder) return;
  holder.hidden = !name;
  const use = name && holder.querySelector("use");
  const wanted = use && use.getAttribute("href").replace(/#.*/, `#i-${name}`);
  if (wanted && use.getAttribute("href") !== wanted) use.setAttribute("href", wanted);
}
