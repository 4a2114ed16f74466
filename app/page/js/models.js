// The shelf of models: what the server has, which is chosen, and what comes and goes while the page is open.

import { count, find, make, on, percent, requestJson, say, setTitle, tell } from "./root.js";
import { set, setting } from "./settings.js";

const EVERY = 5000; // milliseconds between two looks at what the server has

export let models = [];
export let folder = null; // where they lie, once the server has said so
let refused = {};
let revision = null;

export const chosenModel = () => models.find((model) => model.name === find(".model").value);
export const chosenDevice = () => find(".device").value;

// The most accurate on real pictures leads, of several alike the smallest; then the most accurate on validation.
export function best(among = models) {
  const real = (model) => model.real_accuracy ?? 0;
  const smaller = (a, b) => (real(a) ? (a.parameters ?? 0) - (b.parameters ?? 0) : 0);
  const valid = (model) => model.validation_accuracy ?? 0;
  return [...among].sort((a, b) => real(b) - real(a) || smaller(a, b) || valid(b) - valid(a));
}

// The best model for a set, by one of its classes.
export const bestFor = (name) => best(models.filter(({ class_names: names }) => names.includes(name)))[0];

export function choose(name) {
  if (!models.some((model) => model.name === name) || find(".model").value === name) return;
  find(".model").value = name;
  chosen();
}

function chosen() {
  set("model", find(".model").value);
  set("device", chosenDevice() === "auto" ? "" : chosenDevice());
  tell("model");
}

async function look() {
  if (document.hidden && revision !== null) return;
  const shelf = await requestJson("models", { cache: "no-cache" });
  const seen = JSON.stringify(shelf);
  if (seen === revision) return;
  const isFirst = revision === null;
  revision = seen;
  ({ models, folder, refused } = shelf);
  if (isFirst) find(".device").value = setting("device") ?? shelf.default_device;
  list(isFirst ? setting("model") : find(".model").value);
  tell("models");
  tell("model");
}

function list(wanted) {
  const ranked = best();
  const titles = [...new Set(ranked.map((model) => model.title))]; // the best model leads, and its set with it
  const select = find(".model");
  select.replaceChildren(
    ...titles.map((title) => {
      const shelf = ranked.filter((model) => model.title === title);
      return make("optgroup", { label: setTitle(title) }, ...shelf.map((model) => new Option(line(model), model.name)));
    }),
  );
  if (ranked.some((model) => model.name === wanted)) select.value = wanted;
  showRefused();
}

function line(model) {
  const accuracy = model.test_accuracy ? percent(model.test_accuracy, 2) : "–";
  return `${model.name} · ${accuracy} · ${count(Math.round(model.bytes / 1000))} kB`;
}

function showRefused() {
  const rows = Object.entries(refused).map(([name, reason]) => make("li", {}, make("b", { textContent: name }), ` ${reason}`));
  find(".refused").hidden = !rows.length;
  find(".refused summary").textContent = say("refused", { count: rows.length });
  find(".refused ul").replaceChildren(...rows);
}

export function startModels() {
  for (const select of [find(".model"), find(".device")]) select.addEventListener("change", chosen);
  on("language", () => list(find(".model").value));
  const often = () => look().catch(() => revision === null && tell("say", () => say("unreachable")));
  often();
  setInterval(often, EVERY);
  document.addEventListener("visibilitychange", often);
}
