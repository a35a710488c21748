// How much is unread, outside the page: the picture of the tab and the badge of the installed app (ui-spec M6).

import { view } from "../lib/dom.js";

export function showTotal(count) {
  const icon = view("icon");
  if (icon?.dataset.new) {
    // One of two files: with and without a dot.
    icon.dataset.quiet ??= icon.getAttribute("href");
    const wanted = count ? icon.dataset.new : icon.dataset.quiet;
    if (icon.getAttribute("href") !== wanted) icon.href = wanted;
  }
  if (count) navigator.setAppBadge?.(count).catch(() => {});
  else navigator.clearAppBadge?.().catch(() => {});
}
