// Map User by keyboard: Down goes from the search bar into the results, and on into those who resemble; Up from the
// first one back; Enter on one maps; Escape goes back: to the search bar, then it empties it, then it leaves the page.
// Without this script Tab and the arrow keys of the radio buttons do the same.
"use strict";

{
  const bar = document.getElementById("q");
  const form = document.getElementById("map-form");
  const results = document.getElementById("results");
  const choices = (place = form) => [...place.querySelectorAll("input[type=radio]")];
  let wanted = false; // somebody pressed Down or Enter before the results of what they typed were there

  const isShown = () => (results.querySelector("[data-typed]")?.dataset.typed ?? "") === bar.value.trim();

  const choose = (radio) => {
    radio.checked = true;
    radio.focus();
  };

  const goIn = ({ only }) => {
    const [first] = choices(only ? results : form);
    if (first) {
      choose(first);
    }
  };

  bar.addEventListener("keydown", (event) => {
    const enter = event.key === "Enter";
    if (event.isComposing) {
      return;
    }
    if (event.key === "ArrowDown" || enter) {
      event.preventDefault();
      if (isShown()) {
        goIn({ only: enter && bar.value.trim() }); // Enter never chooses somebody who was not searched for
      } else {
        wanted = true;
        bar.dispatchEvent(new Event("search"));
      }
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (bar.value) {
        bar.value = "";
        bar.dispatchEvent(new Event("search"));
      } else {
        document.querySelector("a[data-escape]").click();
      }
    } else {
      wanted = false;
    }
  });

  form.addEventListener("keydown", (event) => {
    const radio = event.target.closest("input[type=radio]");
    if (!radio) {
      return;
    }
    if (event.key === "Escape" || (event.key === "ArrowUp" && radio === choices()[0])) {
      event.preventDefault();
      radio.checked = false;
      bar.focus();
    } else if (event.key === "ArrowDown" && radio === choices().at(-1)) {
      event.preventDefault(); // the last one stays the last: going round would lose the place
    } else if (event.key === "Enter") {
      event.preventDefault();
      form.requestSubmit();
    }
  });

  bar.addEventListener("htmx:beforeRequest", (event) => {
    if (isShown()) {
      event.preventDefault(); // a second answer to the same words would take the focus out of the first
    }
  });

  results.addEventListener("htmx:afterSwap", (event) => {
    if (wanted && isShown()) {
      wanted = false;
      goIn({ only: true });
    } else if (event.detail.requestConfig.elt !== bar) {
      goIn({ only: true }); // the platform was asked, by a button: on to what it said
    }
  });
}
