// Layout checks, run by visual_checks.py: an object of functions, each of which returns descriptions of faults.
(() => {
  // Text for screen readers only, decoration and closed parts are left out.
  const EXCLUDED =
    ".sr-only, .skip-link, .message__ticks, .row__ticks," +
    " [inert], template, script, style, svg, option, .floating-day";
  const FIELDS =
    "input[type=text], input[type=password], input[type=search], input:not([type]), select," +
    " button, .button, .choice, .tabs__tab, .settings__link, .badge, .chip, .avatar";
  const CONTROLS =
    "a[href], button, input:not([type=hidden]), select, textarea, summary," +
    " [role=option], [role=menuitem], [tabindex='0']";
  const OVERLAYS = "dialog[open], [popover]:popover-open, .toast, .jump, .message-tools";

  const style = (element) => getComputedStyle(element);
  const isSeen = (element) =>
    !element.closest(EXCLUDED) && element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const boxOf = (element) => (style(element).display === "inline" ? boxOf(element.parentElement) : element);
  const scrolls = (element) => ["auto", "scroll"].includes(style(element).overflowY);
  const hides = (element) => ["hidden", "clip"].includes(style(element).overflowY);
  const ancestors = (element) =>
    (element && element !== document.documentElement ? [element, ...ancestors(element.parentElement)] : []);
  const withEllipsis = (element) => ancestors(element).find((at) => style(at).textOverflow === "ellipsis");

  // The browser reports the full width of a text with an ellipsis; its visible part ends with its box.
  function clipped(rect, box) {
    if (!box) return rect;
    const left = Math.max(rect.left, box.left);
    return new DOMRect(left, rect.top, Math.min(rect.right, box.right) - left, rect.height);
  }

  function texts() {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      if (!node.data.trim() || !isSeen(element)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const box = withEllipsis(element)?.getBoundingClientRect();
      const rects = [...range.getClientRects()].map((rect) => clipped(rect, box)).filter((rect) => rect.width > 0.5);
      if (rects.length) found.push({ element, rects, text: node.data.trim().slice(0, 60) });
    }
    return found;
  }

  // Text that can be scrolled into view is not cut off.
  function cutters(element) {
    const ways = ancestors(element);
    const scroller = ways.findIndex(scrolls);
    return ways.slice(0, scroller < 0 ? ways.length : scroller).filter(hides);
  }

  function cut() {
    const faults = new Set();
    for (const { element, rects, text } of texts()) {
      const box = boxOf(element).getBoundingClientRect();
      for (const rect of rects) {
        if (rect.left < box.left - 1 || rect.right > box.right + 1) faults.add(`"${text}" leaves its box to the side`);
        // The line box is higher than the letters in it.
        const slack = rect.height / 4;
        for (const cutter of cutters(element)) {
          const edge = cutter.getBoundingClientRect();
          const isCut = rect.top < edge.top - slack || rect.bottom > edge.bottom + slack;
          if (isCut) faults.add(`"${text}" is cut by ${cutter.className}`);
        }
      }
    }
    for (const field of document.querySelectorAll(FIELDS)) {
      const { scrollHeight, clientHeight } = field;
      if (isSeen(field) && scrollHeight > clientHeight + 4) {
        faults.add(`${field.outerHTML.slice(0, 80)} is too low: ${scrollHeight} in ${clientHeight}`);
      }
    }
    for (const field of document.querySelectorAll("select, input:placeholder-shown")) {
      const missing = isSeen(field) && !withEllipsis(field) ? widthOf(labelOf(field), field) - contentWidth(field) : 0;
      if (missing > 1) faults.add(`"${labelOf(field)}" is cut by its field`);
    }
    return [...faults];
  }

  // The label or placeholder of a field. Typed text can be scrolled.
  const labelOf = (field) => (field.matches("select") ? (field.selectedOptions[0]?.label ?? "") : field.placeholder);
  const contentWidth = (field) =>
    field.clientWidth - parseFloat(style(field).paddingLeft) - parseFloat(style(field).paddingRight);

  function widthOf(text, field) {
    const context = document.createElement("canvas").getContext("2d");
    const { font, letterSpacing } = style(field);
    Object.assign(context, { font, letterSpacing: letterSpacing === "normal" ? "0px" : letterSpacing });
    return context.measureText(text).width;
  }

  // An overlay is compared with its own contents, not with what it covers.
  // The same for a list that scrolls: rows below its edge are cut off and cover nothing.
  const layerOf = (element) => ancestors(element).find((it) => it.matches(OVERLAYS) || scrolls(it)) ?? null;
  const overlap = (a, b, from, to) => Math.min(a[to], b[to]) - Math.max(a[from], b[from]);

  function covered() {
    const inView = (rect) => rect.bottom > 0 && rect.top < innerHeight;
    const pieces = texts().flatMap(({ element, rects, text }) => {
      const layer = layerOf(element);
      return rects.filter(inView).map((rect) => ({ element, rect, text, layer }));
    });
    const faults = new Set();
    for (const [index, one] of pieces.entries()) {
      for (const other of pieces.slice(index + 1)) {
        if (one.layer !== other.layer || one.element === other.element) continue;
        const height = Math.min(one.rect.height, other.rect.height);
        const [across, down] = [
          overlap(one.rect, other.rect, "left", "right"),
          overlap(one.rect, other.rect, "top", "bottom"),
        ];
        if (across > 2 && down > height / 2) faults.add(`"${one.text}" and "${other.text}" overlap`);
      }
    }
    return [...faults];
  }

  // WCAG 2.5.8: 24 by 24, but for links inside a sentence. A control inside its label is as large as the label.
  function small() {
    const isInSentence = (link) =>
      link.matches("a") &&
      style(link).display === "inline" &&
      link.parentElement.textContent.trim() !== link.textContent.trim();
    const isControl = (control) =>
      !control.closest("template, .skip-link, .sr-only") &&
      control.checkVisibility({ checkVisibilityCSS: true }) &&
      !isInSentence(control);
    return [...document.querySelectorAll(CONTROLS)].filter(isControl).flatMap((control) => {
      const parts = [control, control.closest("label"), ...(control.labels ?? [])].filter(Boolean);
      const boxes = parts.map((element) => element.getBoundingClientRect());
      const isLarge = boxes.some(({ width, height }) => width >= 23.5 && height >= 23.5);
      const size = `${Math.round(boxes[0].width)} x ${Math.round(boxes[0].height)}`;
      return isLarge ? [] : [`${control.outerHTML.slice(0, 120)} is ${size}`];
    });
  }

  // Titles and buttons may wrap, but not inside a word. Names of people are exempt.
  function broken() {
    const TITLES = "h1, h2, h3, legend, label, button, .button, .tabs__tab";
    const titles = texts().filter(({ element }) => element.closest(TITLES) && !element.closest("bdi"));
    const nodes = titles.flatMap(({ element }) => [...element.childNodes]);
    return nodes.filter(({ nodeType }) => nodeType === Node.TEXT_NODE).flatMap(wordsInTwo);
  }

  function wordsInTwo(node) {
    const range = document.createRange();
    return [...node.data.matchAll(/\p{L}+/gu)].flatMap(({ 0: word, index }) => {
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
      return lines.size > 1 ? [`"${word}" is broken in two`] : [];
    });
  }

  return { cut, covered, small, broken };
})()
