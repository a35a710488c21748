// As much of a document as the views use: elements with attributes, children and events. Selectors are lists of
// `tag[name="value"]`, without combinators.

const dashed = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function matches(element, selector) {
  return selector.split(",").some((one) => {
    const tag = one.trim().match(/^[a-z0-9]*/)[0];
    const wanted = [...one.matchAll(/\[([\w-]+)(?:="([^"]*)")?\]/g)];
    const has = ([, name, value]) =>
      element.attributes.has(name) && (value === undefined || element.attributes.get(name) === value);
    return (!tag || element.tag === tag) && wanted.every(has);
  });
}

class FakeText {
  parent = null;

  constructor(text) {
    this.text = text;
  }

  get html() {
    return this.text;
  }
}

/** An event that has bubbled up from `target`. */
function bubbled(type, target, fields = {}) {
  const event = new Event(type, { cancelable: true });
  Object.defineProperty(event, "target", { value: target });
  return Object.assign(event, fields);
}

export class FakeElement extends EventTarget {
  attributes = new Map();
  nodes = [];
  parent = null;
  hidden = false;
  value = "";
  dataset = new Proxy(this.attributes, {
    get: (attributes, name) => attributes.get(`data-${dashed(name)}`),
    set: (attributes, name, value) => Boolean(attributes.set(`data-${dashed(name)}`, String(value))),
    deleteProperty: (attributes, name) => attributes.delete(`data-${dashed(name)}`) || true,
  });

  constructor(tag, attributes = {}, ...children) {
    super();
    this.tag = tag;
    for (const [name, value] of Object.entries(attributes)) this.setAttribute(name, value);
    this.append(...children);
  }

  get id() {
    return this.attributes.get("id") ?? "";
  }

  set id(value) {
    this.setAttribute("id", value);
  }

  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }

  setAttribute(name, value) {
    this.attributes.set(name, String(value));
  }

  removeAttribute(name) {
    this.attributes.delete(name);
  }

  get children() {
    return this.nodes.filter((node) => node instanceof FakeElement);
  }

  get childElementCount() {
    return this.children.length;
  }

  get firstElementChild() {
    return this.children[0] ?? null;
  }

  get lastElementChild() {
    return this.children.at(-1) ?? null;
  }

  get isConnected() {
    return this.parent?.isConnected ?? this.tag === "body";
  }

  get textContent() {
    return this.nodes.map((node) => node.text ?? node.textContent).join("");
  }

  set textContent(text) {
    this.replaceChildren(...(text === "" ? [] : [text]));
  }

  append(...nodes) {
    for (const node of nodes) {
      const child = typeof node === "object" ? node : new FakeText(String(node));
      child.parent?.nodes.splice(child.parent.nodes.indexOf(child), 1);
      child.parent = this;
      this.nodes.push(child);
    }
  }

  replaceChildren(...nodes) {
    for (const node of this.nodes) node.parent = null;
    this.nodes = [];
    this.append(...nodes);
  }

  replaceWith(node) {
    this.parent.nodes[this.parent.nodes.indexOf(this)] = node;
    node.parent = this.parent;
    this.parent = null;
  }

  remove() {
    this.parent?.nodes.splice(this.parent.nodes.indexOf(this), 1);
    this.parent = null;
  }

  cloneNode() {
    const copy = new FakeElement(this.tag, Object.fromEntries(this.attributes));
    copy.append(...this.nodes.map((node) => (node instanceof FakeElement ? node.cloneNode() : node.text)));
    return copy;
  }

  get html() {
    const attributes = [...this.attributes].sort().map(([name, value]) => ` ${name}="${value}"`);
    return `<${this.tag}${attributes.join("")}>${this.nodes.map((node) => node.html).join("")}</${this.tag}>`;
  }

  isEqualNode(other) {
    return this.html === other.html;
  }

  contains(other) {
    return other === this || this.children.some((child) => child.contains(other));
  }

  closest(selector) {
    return matches(this, selector) ? this : (this.parent?.closest(selector) ?? null);
  }

  matches(selector) {
    return matches(this, selector);
  }

  querySelectorAll(selector) {
    return this.children.flatMap((child) => [
      ...(matches(child, selector) ? [child] : []),
      ...child.querySelectorAll(selector),
    ]);
  }

  querySelector(selector) {
    return this.querySelectorAll(selector)[0] ?? null;
  }

  showModal() {
    this.open = true;
  }

  /** There is nothing to draw on. */
  getContext() {
    return null;
  }

  checkVisibility() {
    return !this.hidden;
  }

  focus() {
    document.activeElement = this;
    // It bubbles.
    for (let at = this; at; at = at.parent) at.dispatchEvent(bubbled("focusin", this));
  }

  scrollIntoView() {}
}

export const element = (tag, attributes, ...children) => new FakeElement(tag, attributes, ...children);

/** Sets `document`: a body of these templates, by name. Returns the body. */
export function fakeDocument(templates = {}) {
  const body = element("body");
  for (const [name, content] of Object.entries(templates)) {
    const template = element("template", { "data-template": name });
    template.content = element("fragment", {}, content);
    body.append(template);
  }
  globalThis.document = {
    body,
    documentElement: element("html"),
    activeElement: body,
    createElement: (tag) => element(tag),
    querySelector: (selector) => body.querySelector(selector),
    querySelectorAll: (selector) => body.querySelectorAll(selector),
  };
  return body;
}

/** As a user types it: the whole text is there, and the page hears of it. */
export function type(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** A key that is pressed where the focus is; `bar` is around it. */
export function press(bar, key) {
  const event = bubbled("keydown", document.activeElement, { key });
  bar.dispatchEvent(event);
  return event.defaultPrevented;
}
