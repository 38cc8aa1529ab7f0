// Map User by keyboard: Down goes from the search bar into the results, Up from the first one back, Escape clears
// the search, Enter on a result maps. Without this script Tab and the arrow keys of the radio buttons do the same.
"use strict";

const bar = document.getElementById("q");
const form = document.getElementById("map-form");
const choices = () => [...form.querySelectorAll("input[type=radio]")];

bar.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" && choices().length) {
    event.preventDefault();
    choices()[0].focus();
    choices()[0].checked = true;
  } else if (event.key === "Escape" && bar.value) {
    event.preventDefault();
    bar.value = "";
    bar.dispatchEvent(new Event("search"));
  } else if (event.key === "Enter" && choices().length) {
    event.preventDefault(); // the results are there already; the next Enter maps the one that is chosen
    choices()[0].focus();
    choices()[0].checked = true;
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
  } else if (event.key === "Enter") {
    event.preventDefault();
    form.requestSubmit();
  }
});
