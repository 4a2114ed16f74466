// The chosen network: its facts, how it was trained, what it confuses, how it is built.

import { answering } from "./answer.js";
import { className, count, find, make, on, percent, requestJson, say, setTitle, svg } from "./root.js";
import { drawer } from "./tabs.js";

let card = null;
let of = null; // the model that the card belongs to

async function look() {
  const model = answering();
  if (drawer !== "network" || !model || of === `${model.name} ${model.digest}`) return;
  of = `${model.name} ${model.digest}`;
  card = await requestJson(`models/${model.name}/card`).catch((error) => ({ error: error.message }));
  show();
}

function show() {
  if (!card) return;
  const parts = card.error ? [make("p", { textContent: card.error })] : [make("div", {}, ...[facts(), curves()].filter(Boolean)), confusion(), drawing(), layers()];
  find(".card").replaceChildren(...parts.filter(Boolean));
}

// ------------------------------------------------------------------------------------------------------------ facts

function facts() {
  const { title, architecture, metrics, recipe, confidence } = card;
  const model = answering();
  const rows = [
    ["card_architecture", architecture],
    ["card_set", setTitle(title)],
    ["card_parameters", metrics.parameters ? count(metrics.parameters) : null],
    ["card_size", `${count(Math.round(model.bytes / 1000))} kB`],
    ["card_test", metrics.test_accuracy ? percent(metrics.test_accuracy, 2) : null],
    ["card_validation", metrics.validation_accuracy ? percent(metrics.validation_accuracy, 2) : null],
    ["card_real", metrics.real_accuracy ? percent(metrics.real_accuracy) : null],
    ["card_calibration", confidence ? percent(confidence.calibration_error) : null],
    ["card_unsure", confidence ? say("card_unsure_share", { unsure: percent(confidence.unsure), right: percent(confidence.accuracy_when_sure, 2) }) : null],
    ["card_recipe", recipe?.command],
    ["card_license", recipe?.license],
  ].filter(([, value]) => value);
  const list = rows.flatMap(([word, value]) => [
    make("dt", { textContent: say(word) }),
    make("dd", {}, word === "card_recipe" ? make("code", { textContent: value }) : value),
  ]);
  return section(model.name, make("dl", {}, ...list));
}

const section = (title, ...parts) => make("section", {}, make("h3", { textContent: title }), ...parts);

// ----------------------------------------------------------------------------------------------------------- layers

function layers() {
  if (!card.layers?.length) return null;
  const head = ["layer", "layer_shape", "layer_parameters", "layer_macs"];
  const table = make(
    "table", { className: "layers" },
    make("thead", {}, make("tr", {}, ...head.map((word) => make("th", { scope: "col", textContent: say(word) })))),
    make("tbody", {}, ...card.layers.map(newLayer)),
  );
  return section(say("card_layers"), make("div", { className: "scroll tall", tabIndex: 0 }, table));
}

function newLayer({ kind, shape, parameters, macs }) {
  const figures = [shape.join("×"), parameters ? count(parameters) : "", macs ? count(macs) : ""];
  const cells = figures.map((textContent) => make("td", { className: "figure", textContent }));
  return make("tr", {}, make("th", { scope: "row", textContent: kind }), ...cells);
}

// Drawn by the server, which escapes the names in it.
function drawing() {
  if (!card.drawing) return null;
  const frame = make("div", { className: "scroll tall drawing", tabIndex: 0 });
  frame.innerHTML = card.drawing;
  return section(say("card_drawing"), frame);
}

// ----------------------------------------------------------------------------------------------------------- curves

const WIDTH = 320;
const HEIGHT = 150;
const ROOM = { left: 44, right: 8, top: 8, bottom: 22 };

function curves() {
  const epochs = (card.curves ?? []).filter((epoch) => epoch.validation_accuracy !== null);
  if (epochs.length < 2) return null;
  const values = epochs.map((epoch) => epoch.validation_accuracy);
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const across = (index) => ROOM.left + ((WIDTH - ROOM.left - ROOM.right) * index) / (epochs.length - 1);
  const down = (value) => ROOM.top + ((HEIGHT - ROOM.top - ROOM.bottom) * (greatest - value)) / (greatest - least || 1);
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "curve", role: "img" });
  chart.setAttribute("aria-label", say("card_curve"));
  const path = values.map((value, index) => `${index ? "L" : "M"}${across(index)} ${down(value)}`).join("");
  chart.append(
    ...[least, greatest].map((value) => mark(ROOM.left - 6, down(value) + 4, percent(value), "end")),
    mark(across(0), HEIGHT - 4, "1", "middle"),
    mark(across(epochs.length - 1), HEIGHT - 4, String(epochs.length), "middle"),
    svg("path", { d: path }),
  );
  return section(say("card_curve"), chart);
}

function mark(x, y, content, anchor) {
  const text = svg("text", { x, y, "text-anchor": anchor });
  text.textContent = content;
  return text;
}

// -------------------------------------------------------------------------------------------------------- confusion

function confusion() {
  if (!card.confusion) return null;
  const names = card.class_names ?? answering().class_names;
  const head = names.map((name) => make("th", { scope: "col" }, make("span", { textContent: className(name) })));
  const rows = card.confusion.map((row, index) => {
    const all = row.reduce((sum, value) => sum + value, 0) || 1;
    const cells = row.map((value, column) => {
      const cell = make("td", { textContent: value || "", className: column === index ? "right" : "wrong" });
      cell.style.setProperty("--share", value / all);
      return cell;
    });
    return make("tr", {}, make("th", { scope: "row", textContent: className(names[index]) }), ...cells);
  });
  const table = make(
    "table", { className: "confusion" },
    make("thead", {}, make("tr", {}, make("td", { textContent: say("confusion_corner") }), ...head)),
    make("tbody", {}, ...rows),
  );
  return section(say("card_confusion"), make("div", { className: "scroll", tabIndex: 0 }, table));
}

export function startCard() {
  on("drawer", look);
  on("model", look);
  on("answer", look);
  on("language", show);
}
