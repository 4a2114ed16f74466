// "That's a 7": right labels for pictures that were misread, kept on the server where corrections are switched on.

import { answer, answering, question } from "./answer.js";
import { className, find, make, on, paint, request, requestJson, say } from "./root.js";
import { drawer } from "./tabs.js";

let enabled = false;
let items = [];
let count = 0;
let problem = "";
let last = null; // the newest correction, which can be undone

async function look() {
  try {
    ({ enabled, items = [], count = 0 } = await requestJson("corrections"));
  } catch (error) {
    problem = error.message;
  }
  show();
}

// Changes the corrections, then lists them again.
async function change(path, options) {
  problem = "";
  try {
    const response = await request(path, options);
    last = response.status === 201 ? await response.json() : null;
  } catch (error) {
    problem = error.message;
  }
  await look();
}

function correct(label) {
  const form = question();
  form.append("label", label);
  if (answer.digits.length) form.append("digit", find(".which-digit").value);
  return change("corrections", { method: "POST", body: form });
}

// ---------------------------------------------------------------------------------------------------------- showing

function show() {
  showOffer();
  find("#corrections .hint").textContent = problem || say(enabled ? "corrections_hint" : "corrections_off", { count });
  find(".corrections-tools").hidden = !enabled || !count;
  find(".corrected").replaceChildren(...items.map(newItem));
}

// The choice of the right label beside the answer.
function showOffer() {
  const offer = find(".offer");
  const names = answering()?.class_names ?? [];
  offer.hidden = !enabled || !answer || answer.status === "blank";
  const select = find(".right-label");
  const shown = names.map(className).join();
  if (select.dataset.of !== shown) {
    select.dataset.of = shown;
    select.replaceChildren(new Option(say("right_label"), ""), ...names.map((name) => new Option(className(name), name)));
  }
  const which = find(".which-digit");
  const digits = answer?.digits.map((digit) => digit.label) ?? [];
  which.closest("label").hidden = !digits.length;
  if (which.dataset.of !== digits.join()) {
    which.dataset.of = digits.join();
    which.replaceChildren(...digits.map((label, index) => new Option(`${index + 1}: ${label}`, index)));
  }
  find(".kept").textContent = last ? say("kept", { label: className(last.label) }) : "";
  find("[data-correction=undo]").hidden = !last;
}

function newItem({ id, label, said, pixels }) {
  const canvas = make("canvas", { className: "pixels" });
  paint(canvas, pixels);
  const remove = make("button", { type: "button", textContent: say("remove") });
  remove.setAttribute("aria-label", say("remove_correction", { label: className(label) }));
  remove.addEventListener("click", () => change(`corrections/${id}`, { method: "DELETE" }));
  const text = say("corrected", { said: said ? className(said) : "–", label: className(label) });
  return make("li", {}, canvas, make("p", { textContent: text }), remove);
}

export function startCorrections() {
  on("drawer", () => drawer === "corrections" && look());
  on("language", show);
  on("answer", () => {
    last = null;
    showOffer();
  });
  find(".right-label").addEventListener("change", ({ target }) => {
    if (target.value) correct(target.value);
    target.value = "";
  });
  find("[data-correction=undo]").addEventListener("click", () => change(`corrections/${last.id}`, { method: "DELETE" }));
  find("[data-correction=all]").addEventListener("click", () => {
    if (confirm(say("delete_all_sure", { count }))) change("corrections", { method: "DELETE" });
  });
  look();
}
