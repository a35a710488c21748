// The page of search results, live: the results change while the user types. Without scripts its form loads a page.

import { onTyped, part, view } from "../lib/dom.js";
import { LiveSearch, removedBy } from "../state/live-search.js";
import { formatTimes } from "./local-time.js";

export function searchWhileTyping({ t, clock, me, dates, announce, events }) {
  const page = view("search");
  const field = part(page, "search");
  const results = view("found", page);
  if (!field || !results) return;
  const wanted = () => field.value.trim();

  async function ask(query, signal) {
    const form = new URLSearchParams(new FormData(field.form));
    form.set("q", query);
    const answer = await fetch(`${field.form.action}?${form}`, {
      headers: { Accept: "text/html", "X-Acting-User": me },
      signal,
    });
    // Logged out: the response is the log-in page. 409: another account has logged in.
    if (answer.redirected || answer.status === 409) return location.assign(answer.url);
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return { found: view("found", page), address: answer.url };
  }

  function show({ found, address }, query) {
    formatTimes(found, dates);
    results.replaceChildren(...found.childNodes);
    // A reload shows the same.
    history.replaceState(history.state, "", address);
    const n = results.querySelectorAll("li").length;
    if (query) announce(n ? t("{n} found|{n} found", { n }) : t("Nothing found"));
  }

  const live = new LiveSearch({ clock, query: field.defaultValue.trim(), ask, show });
  onTyped(field, () => live.typed(wanted()));
  field.form.addEventListener("submit", (event) => (event.preventDefault(), live.now(wanted())));
  events.on("frame", (event) => {
    const address = results.isConnected && removedBy(event);
    const link = address && [...results.querySelectorAll("a")].find((one) => one.getAttribute("href") === address);
    link?.closest("li").remove();
  });
}
