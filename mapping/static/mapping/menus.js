// Menus, filters and messages by keyboard: in an open menu the arrows move, Escape closes it and goes back to what
// opened it, and one is open at a time. Escape on a page goes where the page says (data-escape). In a list, Down
// leads from the search bar into the rows. Without this script they open and close, and Tab goes through them.
"use strict";

const MENU = "details.row-menu, details.who, details.drop";
const items = (menu) => [...menu.querySelectorAll("a[href], button:not([disabled])")];
const opener = (menu) => menu.querySelector("summary");

const close = (menu) => {
  const inside = menu.contains(document.activeElement);
  menu.open = false;
  if (inside) {
    opener(menu).focus();
  }
};

const moveIn = (menu, key) => {
  const all = items(menu);
  const now = all.indexOf(document.activeElement);
  const to = { ArrowDown: now + 1, ArrowUp: now < 0 ? all.length - 1 : now - 1, Home: 0, End: all.length - 1 }[key];
  if (to === undefined || all.length === 0) {
    return false;
  }
  menu.open = true;
  all[(to + all.length) % all.length].focus();
  return true;
};

const rows = () => [...document.querySelectorAll("#result_list tbody th a")];

const moveInList = (event) => {
  const bar = document.getElementById("searchbar");
  const links = rows();
  const now = links.indexOf(document.activeElement);
  const down = event.key === "ArrowDown";
  if (!links.length || !["ArrowDown", "ArrowUp"].includes(event.key)) {
    return false;
  }
  if (document.activeElement === bar && down) {
    links[0].focus();
  } else if (now === 0 && !down) {
    bar?.focus();
  } else if (now >= 0 && links[now + (down ? 1 : -1)]) {
    links[now + (down ? 1 : -1)].focus();
  } else {
    return false;
  }
  return true;
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) {
    return;
  }
  const menu = event.target.closest?.(MENU);
  const open = menu?.open ? menu : document.querySelector("details.row-menu[open], details.who[open], details.drop[open]");
  if (event.key === "Escape") {
    const away = document.querySelector("a[data-escape]");
    if (open) {
      event.preventDefault();
      close(open);
    } else if (away && !event.target.closest?.("input, select, textarea")) {
      event.preventDefault();
      away.click();
    }
  } else if (menu ? moveIn(menu, event.key) : moveInList(event)) {
    event.preventDefault();
  }
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(MENU)) {
    if (menu.open && !menu.contains(event.target)) {
      menu.open = false;
    }
  }
});

document.addEventListener("focusin", (event) => {
  for (const menu of document.querySelectorAll(MENU)) {
    if (menu.open && !menu.contains(event.target)) {
      menu.open = false; // Tab went on
    }
  }
});

for (const button of document.querySelectorAll(".messagelist .dismiss")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const list = button.closest(".messagelist");
    button.closest("li").remove();
    if (!list.children.length) {
      list.remove();
    }
    document.getElementById("content-start")?.focus();
  });
}

window.addEventListener("load", () => {
  for (const sign of document.querySelectorAll(".help-tooltip[aria-label]:not([role])")) {
    sign.setAttribute("role", "img"); // the framework's own script makes these without a role: their name is not read
  }
});
