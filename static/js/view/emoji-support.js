// Whether the browser's font has an emoji, told by its measures: a missing one is a box, blank, letters (flags on
// Windows) or the parts of a joined sequence side by side. Nothing is drawn, so protections against fingerprinting do
// not interfere.

const SIZE_PX = 32;
const TOLERANCE = 0.15;

export function emojiSupport() {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return () => true;
  context.font = `${SIZE_PX}px ${getComputedStyle(document.body).fontFamily}`;
  const usual = context.measureText("😀").width;
  return (emoji) => {
    const { width, actualBoundingBoxRight: inkEnds = 1 } = context.measureText(emoji);
    return inkEnds > 0 && Math.abs(width - usual) <= usual * TOLERANCE;
  };
}
