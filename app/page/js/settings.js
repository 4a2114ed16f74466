// Settings stand in the address, so that a link reproduces the page. Language and theme are also kept for the next visit.

import { find, findAll, on, say, speak, studio, tell } from "./root.js";

const chosen = new URLSearchParams(location.hash.slice(1));

export const setting = (name) => chosen.get(name);

export function set(name, value) {
  if (value) chosen.set(name, value);
  else chosen.delete(name);
  history.replaceState(history.state, "", `${location.pathname}${location.search}#${chosen}`);
}

function keep(name, value) {
  localStorage.setItem(`inkwear-${name}`, value);
  set(name, value);
}

const kept = (name) => setting(name) ?? localStorage.getItem(`inkwear-${name}`);

// ---------------------------------------------------------------------------------------------------------- language

function chooseLanguage(language) {
  speak(language);
  for (const button of findAll("[data-language]"))
    button.setAttribute("aria-pressed", button.dataset.language === language);
}

// ------------------------------------------------------------------------------------------------------------- light

const dark = matchMedia("(prefers-color-scheme: dark)");
let light = "auto";

function chooseLight(value) {
  light = value;
  document.body.classList.toggle("dark", light === "dark" || (light === "auto" && dark.matches));
  nameLight();
}

function nameLight() {
  find(".light").textContent = say(`light_${light}`);
}

const LIGHTS = ["auto", "light", "dark"];

export function startSettings() {
  studio.addEventListener("click", ({ target }) => {
    const language = target.closest("[data-language]")?.dataset.language;
    if (language) keep("language", language), chooseLanguage(language);
  });
  find(".light").addEventListener("click", () => {
    keep("light", LIGHTS[(LIGHTS.indexOf(light) + 1) % LIGHTS.length]);
    chooseLight(setting("light"));
  });
  dark.addEventListener("change", () => chooseLight(light));
  on("language", nameLight);
  chooseLanguage(kept("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
  chooseLight(LIGHTS.includes(kept("light")) ? kept("light") : "auto");
  addEventListener("hashchange", () => location.reload()); // another link was pasted
}
