// The answers of all models with the same classes to this picture.

import { answer, answering, question } from "./answer.js";
import { chance, className, count, find, make, on, percent, requestJson, said, say } from "./root.js";
import { frontier } from "./frontier.js";
import { choose } from "./models.js";
import { whenRested } from "./newest.js";

let compared = null;

function show(comparison) {
  compared = comparison;
  find("#compare .hint").textContent = comparison ? verdict(comparison) : say("compare_hint");
  find(".comparison").hidden = !comparison;
  find(".comparison tbody").replaceChildren(...(comparison?.answers ?? []).map((row) => newRow(row, comparison.label)));
  find(".frontiers").replaceChildren(...frontier(comparison?.answers ?? [], answering()?.name));
}

function verdict({ label, answers }) {
  if (!label) return say("compare_blank");
  const agreeing = answers.filter((row) => row.label === label).length;
  return say("agreement", { agreeing, all: answers.length, label: className(label) });
}

function newRow(row, label) {
  const button = make("button", { type: "button", textContent: row.model, title: say("choose_model") });
  button.addEventListener("click", () => choose(row.model));
  const cells = row.error
    ? [make("td", { colSpan: 6, textContent: row.error.message })]
    : [
        make("td", { className: "said" }, row.label ? said(row) + (row.status === "unsure" ? "?" : "") : "–"),
        make("td", { className: "figure" }, row.confidence === null ? "–" : chance(row.confidence)),
        make("td", { className: "figure" }, row.milliseconds.toFixed(2)),
        make("td", { className: "figure" }, row.test_accuracy ? percent(row.test_accuracy, 2) : "–"),
        make("td", { className: "figure" }, row.parameters ? count(row.parameters) : "–"),
        make("td", { className: "figure" }, count(Math.round(row.bytes / 1000))),
      ];
  return make("tr", { className: row.label === label ? "agrees" : "" }, make("th", { scope: "row" }, button), ...cells);
}

export function startCompare() {
  whenRested("compare", {
    subject: () => answer,
    ask: (signal) => requestJson("compare", { method: "POST", body: question(), signal }),
    show,
    fail: (message) => {
      show(null);
      find("#compare .hint").textContent = message;
    },
  });
  on("language", () => show(compared));
}
