// Words in the reader's language, out of the strings that the page brought along.

const THREE = { one: 0, few: 1 };

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (hole, name) => (name in values ? String(values[name]) : hole));

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
  const rules = { own: new Intl.PluralRules(language), english: new Intl.PluralRules("en") };
  return function t(key, values = {}) {
    const found = strings[key] || strings[key.split("|")[0]];
    const forms = Array.isArray(found) ? found : (found || key).split("|");
    const category = values.n === undefined ? "other" : rules[found ? "own" : "english"].select(values.n);
    return fill(forms.length === 1 ? forms[0] : chosen(forms, category), values);
  };
}
