// The drawers below the sheet, one open at a time (WAI-ARIA's tabs pattern); each fills itself when it is opened.

import { find, findAll, tell } from "./root.js";
import { set, setting } from "./settings.js";

export let drawer = "steps";

export function open(name, focus = false) {
  drawer = name;
  for (const tab of findAll("[role=tab]")) {
    const isOpen = tab.dataset.drawer === name;
    tab.setAttribute("aria-selected", isOpen);
    tab.tabIndex = isOpen ? 0 : -1;
    if (isOpen && focus) tab.focus();
    find(`#${tab.getAttribute("aria-controls")}`).hidden = !isOpen;
  }
  set("drawer", name === "steps" ? "" : name);
  tell("drawer");
}

function walk(event) {
  const tabs = [...findAll("[role=tab]")];
  const here = tabs.indexOf(event.target.closest("[role=tab]"));
  const next = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (here < 0 || next === undefined) return;
  event.preventDefault();
  open(tabs[(next + tabs.length) % tabs.length].dataset.drawer, true);
}

export function startTabs() {
  const list = find("[role=tablist]");
  list.addEventListener("click", ({ target }) => {
    const tab = target.closest("[role=tab]");
    if (tab) open(tab.dataset.drawer);
  });
  list.addEventListener("keydown", walk);
  const wanted = setting("drawer");
  open([...findAll("[role=tab]")].some((tab) => tab.dataset.drawer === wanted) ? wanted : "steps");
}
