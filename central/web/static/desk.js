// Comforts; everything works without them. Results as one types, and pages that follow what comes in.
"use strict";

const fragment = (address, block, signal) =>
  fetch(address, { headers: { "X-Fragment": block }, signal, redirect: "error" }).then((answer) =>
    answer.ok ? answer.text() : Promise.reject(answer.status));

// A phone shows half of the pages' names: the one that is open is among them.
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// A form with data-typing="rows" shows its results in #rows while one types.
for (const form of document.querySelectorAll("form[data-typing]")) {
  const shown = document.getElementById(form.dataset.typing);
  let waiting = 0, running = null;
  const ask = () => {
    const address = form.action + "?" + new URLSearchParams(new FormData(form));
    running?.abort();
    running = new AbortController();
    fragment(address, form.dataset.typing, running.signal).then((text) => {
      shown.innerHTML = text; // rendered and escaped by the server
      history.replaceState(null, "", address);
    }).catch(() => {});
  };
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(ask, 120); });
}

// "/" goes to the search.
document.addEventListener("keydown", (event) => {
  const busy = event.target.closest("input, textarea, select");
  if (event.key === "/" && !busy && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const field = document.querySelector("form[data-typing] input[type=search]") || document.querySelector("[data-shortcut]");
    if (field) { event.preventDefault(); field.focus(); field.select(); }
  }
});

// A part with data-live is rendered anew once alerts came, and every `data-every` looks (times pass), unless somebody is writing,
// reading details or choosing in it. Where the server does not answer, the page says since when it shows nothing new.
const live = document.querySelector("[data-live]");
if (live) {
  const every = Number(live.dataset.every || 40), stale = document.getElementById("stale");
  let cursor = null, looks = 0, failed = 0, drawn = new Date();
  const quiet = () => !live.contains(document.activeElement) && !live.querySelector("details[open]");
  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("/v1/alerts/cursor", { redirect: "error" });
      if (!answer.ok) throw answer.status;
      const now = (await answer.json()).cursor;
      looks += 1;
      if (quiet()) {
        if ((cursor !== null && now !== cursor) || looks >= every) {
          live.innerHTML = await fragment(location.href, live.dataset.live);
          looks = 0;
          drawn = new Date();
        }
        cursor = now;
      } else cursor ??= now;
      failed = 0;
      stale.hidden = true;
    } catch {
      failed += 1;
      if (failed > 3 && stale.hidden) {
        stale.querySelector("time").textContent = drawn.toISOString().slice(11, 19);
        stale.hidden = false;
      }
    }
  };
  look();
  setInterval(look, 1500);
}
