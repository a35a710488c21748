// Search in the directory while the user types. The field keeps its focus; without scripts the form loads a page.

import { onTyped, part, view } from "../lib/dom.js";
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
    // Logged out: the response is the log-in page. 409: another account has logged in, and its directory is not for
    // this page.
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

  const live = new LiveSearch({ clock, query: field.defaultValue.trim(), ask, show });
  onTyped(field, () => live.typed(wanted()));
  field.form.addEventListener("submit", (event) => (event.preventDefault(), live.now(wanted())));
}
