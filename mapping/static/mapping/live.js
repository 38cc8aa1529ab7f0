// Keeps a part of a page fresh. An element with data-live-url is refilled from that address for as long as its
// content says data-live="true". Without this script the page shows what was true when it was loaded.
"use strict";

for (const place of document.querySelectorAll("[data-live-url]")) {
  const say = document.querySelector("[data-live-say]");
  let shown = "";
  let troubles = 0;

  const state = () => place.querySelector("[data-live]");
  const words = () => place.querySelector("[data-live-words]")?.textContent ?? "";
  const again = () => {
    if (state()?.dataset.live === "true") {
      const every = Number(state().dataset.liveEvery) || 2000;
      window.setTimeout(look, every * 2 ** Math.min(troubles, 5));
    }
  };

  const look = async () => {
    try {
      if (!document.hidden) {
        const answer = await fetch(place.dataset.liveUrl, { credentials: "same-origin", cache: "no-store" });
        if (answer.redirected || answer.status === 403 || answer.status === 404) {
          window.location.reload(); // signed out, or no longer ours to see
          return;
        }
        if (!answer.ok) {
          throw new Error(String(answer.status));
        }
        show(await answer.text());
        troubles = 0;
      }
    } catch {
      troubles += 1; // the server is away for a moment: look again, ever less often
    }
    again();
  };

  const show = (html) => {
    if (html === shown) {
      return;
    }
    const before = words();
    place.innerHTML = html;
    shown = html;
    if (say && words() !== before) {
      say.textContent = words(); // read aloud, once per change
    }
  };

  again();
}
