// The server's models: which is chosen, and which come and go while the page is open.

import { count, find, make, on, percent, requestJson, say, setTitle, tell } from "./root.js";
import { set, setting } from "./settings.js";

const POLL_MILLISECONDS = 5000; // between two requests for the list

export let models = []; // the best first, as the server ranks them
export let folder = null; // the folder that holds them, once the server has named it
let refused = {};
let auto = []; // the names of those that "auto" asks, the best first
let revision = null;

export const AUTO = "auto"; // asks several models; the surest answers
export const chosenName = () => find(".model").value;
const modelOf = (name) => models.find((model) => model.name === name);

// The models that are asked, the best first.
export const asked = () => [modelOf(chosenName()) ?? (chosenName() === AUTO ? auto.map(modelOf) : [])].flat().filter(Boolean);
export const chosenDevice = () => find(".device").value;

// The best model that knows a class.
export const bestFor = (name) => models.find(({ class_names: names }) => names.includes(name));

export function choose(name) {
  if (!modelOf(name) || chosenName() === name) return;
  find(".model").value = name;
  chosen();
}

function chosen() {
  set("model", chosenName());
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
  ({ models, folder, refused, auto } = listed);
  if (isFirst) find(".device").value = setting("device") ?? listed.default_device;
  list(isFirst ? setting("model") : chosenName());
  tell("models");
  tell("model");
}

function list(wanted) {
  const titles = [...new Set(models.map((model) => model.title))]; // the best model leads, and its set with it
  const sets = titles.map(setTitle).join(", ");
  const select = find(".model");
  select.replaceChildren(
    ...(auto.length > 1 && !modelOf(AUTO) ? [new Option(say("model_auto", { sets }), AUTO)] : []),
    ...titles.map((title) => {
      const ofTitle = models.filter((model) => model.title === title);
      return make("optgroup", { label: setTitle(title) }, ...ofTitle.map((model) => new Option(line(model), model.name)));
    }),
  );
  if ([...select.options].some(({ value }) => value === wanted)) select.value = wanted;
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
  on("language", () => list(chosenName()));
  const poll = () => look().catch(() => revision === null && tell("say", () => say("unreachable")));
  poll();
  setInterval(poll, POLL_MILLISECONDS);
  document.addEventListener("visibilitychange", poll);
}
