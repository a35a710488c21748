// The scroll position (docs/interface.md H0 to H3). The scroller is reversed: `scrollTop` is 0 at the end and
// negative above it.

const AT_END_PX = 80;
const FAR_PX = 480;

export class ScrollKeeper {
  /** The newest message is on the page; otherwise its lower edge is not the end. */
  isWhole = true;
  #scroller;
  #list;

  constructor({ scroller, list }) {
    this.#scroller = scroller;
    this.#list = list;
  }

  get isAtEnd() {
    return this.isWhole && -this.#scroller.scrollTop <= AT_END_PX;
  }

  get isFar() {
    return !this.isWhole || -this.#scroller.scrollTop > FAR_PX;
  }

  /** Less than one and a half views are left below. */
  get isNearEnd() {
    return -this.#scroller.scrollTop < 1.5 * this.#scroller.clientHeight;
  }

  /** Less than one and a half views are left above. */
  get isNearStart() {
    const { scrollHeight, clientHeight, scrollTop } = this.#scroller;
    return scrollHeight - clientHeight + scrollTop < 1.5 * clientHeight;
  }

  /** At the end it stays at the end; elsewhere the first message in view stays where it is, to the pixel. */
  keep(change) {
    const isAtEnd = this.isAtEnd;
    const anchor = isAtEnd ? null : this.#firstInView();
    const before = anchor?.getBoundingClientRect().top;
    change();
    if (isAtEnd) this.#scroller.scrollTop = 0;
    else if (anchor?.isConnected) this.#scrollBy(anchor.getBoundingClientRect().top - before);
  }

  /** Keeps the element's top in place, so that it grows downwards. */
  keepTop(element, change) {
    const before = element.getBoundingClientRect().top;
    change();
    this.#scrollBy(element.getBoundingClientRect().top - before);
  }

  /** Assigning even an unchanged value would stop a scroll in progress. */
  #scrollBy(distance) {
    if (distance) this.#scroller.scrollTop += distance;
  }

  toEnd() {
    const { scrollTop, clientHeight } = this.#scroller;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches || -scrollTop > 2 * clientHeight;
    this.#scroller.scrollTo({ top: 0, behavior: isCalm ? "instant" : "smooth" });
  }

  jumpToEnd() {
    this.#scroller.scrollTop = 0;
  }

  /** Puts the element a quarter of the view below the top, or as near as the end allows. */
  toQuarter(element) {
    const view = this.#scroller.getBoundingClientRect();
    this.#scroller.scrollTop += element.getBoundingClientRect().top - view.top - view.height / 4;
  }

  toMiddle(element) {
    const view = this.#scroller.getBoundingClientRect();
    const { top, height } = element.getBoundingClientRect();
    this.#scroller.scrollTop += top - view.top - Math.max(0, (view.height - height) / 2);
  }

  /** So far below the top edge of the view. */
  toPlace(element, top) {
    this.#scroller.scrollTop += element.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top - top;
  }

  /** `{seq, top}` of the first message in view, or null within one view of the end. */
  get place() {
    const { scrollTop, clientHeight } = this.#scroller;
    const anchor = this.isWhole && -scrollTop <= clientHeight ? null : this.#firstInView();
    if (!anchor?.dataset.seq) return null;
    return {
      seq: Number(anchor.dataset.seq),
      top: anchor.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top,
    };
  }

  isBelowView(element) {
    return element.getBoundingClientRect().top >= this.#scroller.getBoundingClientRect().bottom;
  }

  /** The seq of the newest message whose bottom edge is inside the view; 0 for none. */
  newestInView() {
    const { top, bottom } = this.#scroller.getBoundingClientRect();
    for (let element = this.#list.lastElementChild; element; element = element.previousElementSibling) {
      if (!element.dataset.seq) continue;
      const edge = element.getBoundingClientRect().bottom;
      if (edge <= top) return 0;
      if (edge <= bottom + 1) return Number(element.dataset.seq);
    }
    return 0;
  }

  #firstInView() {
    const { top } = this.#scroller.getBoundingClientRect();
    const all = this.#list.children;
    let low = 0;
    let high = all.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (all[middle].getBoundingClientRect().bottom > top) high = middle;
      else low = middle + 1;
    }
    // Day lines and the "new messages" line may move up by themselves; a message never does.
    let anchor = all[low] ?? null;
    while (anchor && !anchor.dataset.id) anchor = anchor.nextElementSibling;
    return anchor;
  }
}

export const placeKey = (room) => `entre:place:${room}`;

/**
 * Where this tab left the chat (docs/interface.md H6): `{seq, top}`, or null if messages have arrived since, or without
 * storage.
 */
export function keptPlace(room, newest) {
  try {
    const { place, at } = JSON.parse(sessionStorage.getItem(placeKey(room))) ?? {};
    return at === newest ? place : null;
  } catch {
    return null;
  }
}
