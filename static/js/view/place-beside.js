// Places a popover beside the control that opened it: above it, else below, within the window. On a narrow screen the
// style sheet makes it a sheet.

const EDGE_PX = 8;
export const NARROW = "(width < 760px)";

export function placeBeside(popover, anchor) {
  const { style } = popover;
  Object.assign(style, { left: "", top: "" });
  if (matchMedia(NARROW).matches) return;
  const box = popover.getBoundingClientRect();
  const by = anchor.getBoundingClientRect();
  // Towards the middle of the window.
  const wanted = by.left + by.right < innerWidth ? by.left : by.right - box.width;
  const left = Math.max(EDGE_PX, Math.min(wanted, innerWidth - box.width - EDGE_PX));
  const above = by.top - box.height - EDGE_PX;
  const below = Math.min(by.bottom + EDGE_PX, innerHeight - box.height - EDGE_PX);
  Object.assign(style, { left: `${left}px`, top: `${Math.max(EDGE_PX, above >= EDGE_PX ? above : below)}px` });
}
