// Error isolation and polyfills: a part that fails does not stop the others, so one broken message cannot block
// drawing or sending.

/** Reports to the console and to listeners for errors of this page. */
export function report(error) {
  if (globalThis.reportError) globalThis.reportError(error);
  else console.error(error);
}

export function safely(run, otherwise = undefined) {
  try {
    return run();
  } catch (error) {
    report(error);
    return otherwise;
  }
}

/** For what a browser may lack or refuse: not an error, so nothing is reported. */
export function optional(run, otherwise = null) {
  try {
    return run() ?? otherwise;
  } catch {
    return otherwise;
  }
}

const findLastIndex = (list, is) => {
  for (let at = list.length - 1; at >= 0; at -= 1) if (is(list[at], at, list)) return at;
  return -1;
};

/** Of the language itself, what browsers of 2021 do not have yet. */
// prettier-ignore
const YOUNG = [
  [Array.prototype, "at", function at(index) { return this[index < 0 ? this.length + index : index]; }],
  [String.prototype, "at", function at(index) { return this[index < 0 ? this.length + index : index]; }],
  [Array.prototype, "findLast", function findLast(is) { return this[findLastIndex(this, is)]; }],
  [Array.prototype, "findLastIndex", function findLast(is) { return findLastIndex(this, is); }],
  [Object, "hasOwn", (object, name) => Object.prototype.hasOwnProperty.call(object, name)],
  [globalThis.Element?.prototype, "checkVisibility", function isVisible() { return this.getClientRects().length > 0; }],
];

export function fillGaps() {
  for (const [owner, name, value] of YOUNG)
    if (owner && !owner[name]) Object.defineProperty(owner, name, { value, writable: true, configurable: true });
}

fillGaps();
