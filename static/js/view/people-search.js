// The directory answers while somebody types (ui-spec 3.5). The field keeps its focus; without this it is a form that loads a page.

import { part, view } from "../lib/dom.js";
import { LiveSearch } from "../state/live-search.js";

export function searchPeople({ t, clock, me, announce }) {
  const field = part(document, "search");
  const results = view("people-found");
  if (!field || !results) return;
  const wanted = () => field.value.trim();

  async function ask(query, signal) {
    const answer = await fetch(`${field.form.action}?q=${encodeURIComponent(query)}`, {
      headers: { Accept: "text/html", "X-Acting-User": me },
      signal,
    });
    // Signed out: the page to log in came instead. 409: another account has logged in since; the people that it may see are not for this page.
    if (answer.redirected || answer.status === 409) return location.assign(answer.url);
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return { found: view("people-found", page), address: answer.url };
  }

  function show({ found, address }, query) {
    results.replaceChildren(...found.childNodes);
    // A reload shows the same.
    history.replaceState(history.state, "", address);
    const n = results.querySelectorAll("li").length;
    if (query) announce(n ? t("{n} found|{n} found", { n }) : t("Nobody found"));
  }

  const live = new LiveSearch({ clock, query: wanted(), ask, show });
  // A word that an input method is still composing is nobody's name.
  field.addEventListener("input", ({ isComposing }) => !isComposing && live.typed(wanted()));
  field.addEventListener("compositionend", () => live.typed(wanted()));
  field.form.addEventListener("submit", (event) => (event.preventDefault(), live.now(wanted())));
}
