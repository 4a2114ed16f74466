// Asks for an answer while the pen still moves: one request at a time, always about the newest state of the sheet.

import {
  chance, className, find, findAll, make, noteSentence, obstacle, on, paint, readBy, requestJson, said, say, studio,
  tell,
} from "./root.js";
import { asked, chosenDevice, chosenName, folder, models } from "./models.js";
import { broughtFile, image, isDrawing, isEmpty, sheet, showBoxes, version } from "./sheet.js";

export let answer = null; // the newest one, kept so that it can be shown in another language
let message = null; // shown in its place: a function that returns the sentence
let asking = false;
let model = null; // the model that is to answer; another model counts as a change of the sheet

// The model that gave the answer; before there is one, the best of those that are asked.
export const answering = () => asked().find(({ name }) => name === answer?.model) ?? asked()[0];

// The form that the endpoints take: picture, model, device.
export function question() {
  const form = new FormData();
  form.append("image", image());
  form.append("model", answering().name);
  form.append("device", chosenDevice());
  return form;
}

async function ask() {
  if (asking) return; // the loop below sees the new version
  asking = true;
  for (let seen = null; seen !== state(); ) {
    seen = state();
    const file = broughtFile();
    const reply = !isEmpty() && asked().length ? await classify() : {};
    if (reply.answer) reply.answer.file = file; // its boxes fit that picture only
    if (seen === state() || reply.answer) receive(reply); // while the pen still moves, a draft is welcome
  }
  asking = false;
  studio.dataset.settled = true; // the answer belongs to what is on the sheet
  tell("settled");
}

const state = () => `${version} ${model} ${chosenDevice()}`;

async function classify() {
  const { name, type, body } = sheet();
  const query = new URLSearchParams({ model: chosenName(), device: chosenDevice(), draft: isDrawing(), name });
  try {
    const headers = { "Content-Type": type };
    return { answer: await requestJson(`classify?${query}`, { method: "POST", body, headers }) };
  } catch (error) {
    return { error: error.message };
  }
}

function receive(reply) {
  answer = reply.answer ?? null;
  message = reply.error ? () => reply.error : null;
  show();
}

// ---------------------------------------------------------------------------------------------------------- showing

function show() {
  const label = find(".label");
  label.textContent = answer?.label ? said(answer) + (answer.status === "unsure" ? "?" : "") : "";
  label.classList.toggle("word", (answer?.text ?? "").length > 2);
  find(".sentence").textContent = sentence();
  find(".answer").classList.toggle("empty", !answer?.label);
  find(".answer").classList.toggle("unsure", answer?.status === "unsure");
  find(".answer").classList.toggle("number", Boolean(answer?.digits.length));
  showBars();
  find(".digits").replaceChildren(...(answer?.digits ?? []).map(newDigit));
  markDigits();
  paint(find(".eye"), answer?.pixels);
  find(".eye + figcaption").textContent = say("eye_caption", { side: find(".eye").width });
  showNotes();
  showWhereabouts();
  tell("answer");
}

function sentence() {
  if (message) return message();
  if (!models.length) return folder ? say("no_models", { folder }) : "";
  if (!answer) return say("waiting");
  if (answer.status === "blank") return say("blank");
  if (answer.status === "unsure" && !answer.digits.length) return oneOfTwo() ?? say("unsure", { candidates: candidates() });
  if (answer.digits.length) return say("number", { confidence: chance(answer.confidence), digits: answer.digits.length });
  const [, second] = ranked();
  const confidence = chance(answer.confidence);
  if (answer.confidence > 0.99) return say("sure", { confidence });
  return say("runner_up", { confidence, second: `${className(second[0])} (${chance(second[1])})` });
}

const ranked = () => Object.entries(answer.probabilities).sort(([, a], [, b]) => b - a);

const candidates = () =>
  ranked().slice(0, 3).map(([name, share]) => `${className(name)} (${chance(share)})`).join(", ");

const PAIR = 0.85; // probability that two classes share, from which it is one of them
const SECOND = 0.1; // least probability of the second

function oneOfTwo() {
  const [[one, first], [other, second]] = ranked();
  if (first + second < PAIR || second < SECOND) return null;
  const either = say("one_of_two", { one: className(one), first: chance(first), other: className(other), second: chance(second) });
  return [one, other].every((name) => ALIKE.includes(name)) ? `${either} ${say("alike")}` : either;
}

const ALIKE = ["T-shirt/top", "Pullover", "Dress", "Coat", "Shirt"]; // which Fashion-MNIST's own labels mix up

function showBars() {
  const bars = find(".bars");
  const names = answering()?.class_names ?? [];
  const of = names.map(className).join();
  if (bars.dataset.of !== of) {
    bars.dataset.of = of;
    bars.replaceChildren(...names.map(newBar));
  }
  [...bars.children].forEach((bar, index) => {
    const probability = answer?.probabilities[names[index]] ?? 0;
    bar.style.setProperty("--share", probability);
    bar.classList.toggle("best", names[index] === answer?.label);
    bar.lastChild.textContent = answer?.label ? chance(probability) : "";
  });
}

const newBar = (name) =>
  make(
    "li", {},
    make("span", { className: "name", textContent: className(name) }),
    make("span", { className: "track" }),
    make("span", { className: "share" }),
  );

function newDigit(digit, index) {
  const seen = make("canvas");
  paint(seen, digit.pixels);
  const parts = [["place", index + 1], ["name", digit.label], ["share", chance(digit.confidence)]];
  return make("li", {}, seen, ...parts.map(([className, textContent]) => make("span", { className, textContent })));
}

function markDigits() {
  showBoxes(answer && answer.file === broughtFile() ? answer.digits : []);
}

function showNotes() {
  const sentences = answer ? answer.notes.map(noteSentence) : [];
  if (answer?.reader) sentences.push(readBy(answer.reader));
  if (answer && !sentences.length) sentences.push(say("untouched"));
  find(".notes").replaceChildren(...sentences.map((textContent) => make("li", { textContent })));
}

function showWhereabouts() {
  const place = find(".whereabouts");
  if (!answer) return void (place.textContent = "");
  const { used, code, reason, remedy } = answer.device;
  const milliseconds = answer.milliseconds.toFixed(1);
  const where = say("whereabouts", { model: answer.model, used: used.toUpperCase(), milliseconds });
  place.textContent = code && code !== "not_asked" ? `${where} (${obstacle(code, reason)})` : where;
  place.title = remedy ?? "";
}

export function startAnswer() {
  on("sheet", () => {
    message = null;
    markDigits();
    ask();
  });
  on("model", () => {
    model = asked().map(({ name, digest }) => `${name} ${digest}`).join();
    studio.dataset.settled = false;
    message = null;
    show();
    ask();
  });
  on("say", (sentence) => {
    answer = null;
    message = sentence;
    show();
  });
  on("pictured", markDigits);
  on("language", show);
}
