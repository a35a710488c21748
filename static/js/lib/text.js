// Translation: texts in the reader's language, from the strings that the page brought along.

import { optional } from "./errors.js";

const THREE = { one: 0, few: 1 };

const fill = (text, values, say) =>
  text.replace(/\{(\w+)\}/g, (hole, name) => (name in values ? say(values[name]) : hole));

/** Without Intl only one and other are distinguished, and numbers have no separators. */
const plurals = (language) =>
  optional(() => new Intl.PluralRules(language), { select: (n) => (n === 1 ? "one" : "other") });
const numbers = (language) => optional(() => new Intl.NumberFormat(language), { format: String });

/** Two forms are one and other (English, Portuguese); three are one, few and many (Russian). */
function chosen(forms, category) {
  if (forms.length < 3) return category === "one" ? forms[0] : forms.at(-1);
  return forms[THREE[category] ?? 2];
}

/**
 * Returns `t(english, values)`. The English text is the key and the last resort.
 * "{n} message|{n} messages" is counted by `n`; a translation has its own number of forms, as a list or between bars.
 */
export function translator(strings = {}, language = "en") {
  const rules = { own: plurals(language), english: plurals("en") };
  const format = numbers(language);
  const say = (value) => (typeof value === "number" ? format.format(value) : String(value));
  /** `t.number(1234)` is "1,234". */
  return Object.assign(t, { number: (value) => format.format(value) });
  function t(key, values = {}) {
    const found = strings[key] || strings[key.split("|")[0]];
    const forms = Array.isArray(found) ? found : (found || key).split("|");
    const category = values.n === undefined ? "other" : rules[found ? "own" : "english"].select(values.n);
    return fill(forms.length === 1 ? forms[0] : chosen(forms, category), values, say);
  }
}

const isLanguage = (name) => optional(() => Intl.getCanonicalLocales(name), []).length > 0;

/**
 * The browser's own variant of the page's language: "en-GB" writes 14:07 where "en" writes 2:07 PM. Some systems name
 * languages in a way of their own ("en_US", "en-US@posix"), which would stop everything that says a time.
 */
export function languageOfPage({ languages = navigator.languages, lang = document.documentElement.lang } = {}) {
  const names = [...(languages ?? [])].map((name) =>
    String(name)
      .replace(/[.@].*$/, "")
      .replace(/_/g, "-"),
  );
  return names.find((name) => name.startsWith(lang) && isLanguage(name)) ?? lang;
}
