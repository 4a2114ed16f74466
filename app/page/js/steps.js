// The steps from the picture to what the network reads, and the pixels that decided.

import { answer, question } from "./answer.js";
import { className, find, make, noteSentence, on, requestJson, say } from "./root.js";
import { whenRested } from "./newest.js";

let explained = null;

function show(explanation) {
  explained = explanation;
  const row = find(".stages");
  find("#steps .hint").hidden = Boolean(explanation);
  find("#steps .hint").textContent = say("steps_hint");
  if (!explanation) return row.replaceChildren();
  const stages = explanation.steps.map(newStage);
  row.replaceChildren(...stages, ...saliencies(explanation));
}

function newStage({ code, notes, width, height, picture, numbers }) {
  const text = notes.map(noteSentence).join("; ") || (numbers ? range(numbers) : say("step_unchanged"));
  return make(
    "li", {},
    make("img", { src: `data:image/png;base64,${picture}`, alt: "", className: height <= 28 ? "pixels" : "" }),
    make("h3", { textContent: say(`step_${code}`) }),
    make("p", { className: "measure", textContent: `${width}×${height}` }),
    make("p", { textContent: text }),
  );
}

function range(numbers) {
  const rounded = Object.entries(numbers).map(([name, value]) => [name, value.toFixed(2)]);
  return say("step_numbers", Object.fromEntries(rounded));
}

// One for each digit of a number, or one for a single thing.
const saliencies = ({ saliency }) => saliency.map(newSaliency);

function newSaliency({ label, values, pixels }) {
  const canvas = make("canvas", { className: "heat pixels" });
  glow(canvas, values.flat(), pixels);
  return make(
    "li", {},
    canvas,
    make("h3", { textContent: say("saliency", { label: className(label) }) }),
    make("p", { textContent: say("saliency_how") }),
  );
}

// Draws the ink in gray: orange where it supports the answer, blue where it speaks against it.
function glow(canvas, values, pixels) {
  const greatest = Math.max(...values.map(Math.abs), 1e-6);
  const ink = atob(pixels);
  canvas.width = canvas.height = Math.sqrt(ink.length);
  const image = canvas.getContext("2d").createImageData(canvas.width, canvas.height);
  values.forEach((value, index) => {
    const gray = 0.45 * ink.charCodeAt(index);
    const share = Math.abs(value) / greatest;
    const [red, green, blue] = value >= 0 ? [255, 120, 60] : [70, 140, 255];
    const mixed = [red, green, blue].map((color) => gray * (1 - share) + color * share);
    image.data.set([...mixed, 255], 4 * index);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

export function startSteps() {
  whenRested("steps", {
    subject: () => answer,
    ask: (signal) => requestJson("explain", { method: "POST", body: question(), signal }),
    show,
    fail: (message) => {
      show(null);
      find("#steps .hint").textContent = message;
    },
  });
  on("language", () => show(explained));
}
