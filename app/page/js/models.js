// The server's models: which is chosen, and which come and go while the page is open.

import { count, find, make, on, percent, requestJson, say, setTitle, tell } from "./root.js";
import { set, setting } from "./settings.js";

const POLL_MILLISECONDS = 5000; // between two requests for the list

export let models = []; // the best first, as the server ranks them
export let folder = null; // the folder that holds them, once the server has named it
let refused = {};
let revision = null;

export const chosenModel = () => models.find((model) => model.name === find(".model").value);
export const chosenDevice = () => find(".device").value;

// The best model that knows a class.
export const bestFor = (name) => models.find(({ class_names: names }) => names.includes(name));

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
  const listed = await requestJson("models", { cache: "no-cache" });
  const seen = JSON.stringify(listed);
  if (seen === revision) return;
  const isFirst = revision === null;
  revision = seen;
  ({ models, folder, refused } = listed);
  if (isFirst) find(".device").value = setting("device") ?? listed.default_device;
  list(isFirst ? setting("model") : find(".model").value);
  tell("models");
  tell("model");
}

function list(wanted) {
  const titles = [...new Set(models.map((model) => model.title))]; // the best model leads, and its set with it
  const select = find(".model");
  select.replaceChildren(
    ...titles.map((title) => {
      const ofTitle = models.filter((model) => model.title === title);
      return make("optgroup", { label: setTitle(title) }, ...ofTitle.map((model) => new Option(line(model), model.name)));
    }),
  );
  if (models.some((model) => model.name === wanted)) select.value = wanted;
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
  const poll = () => look().catch(() => revision === null && tell("say", () => say("unreachable")));
  poll();
  setInterval(poll, POLL_MILLISECONDS);
  document.addEventListener("visibilitychange", poll);
}
