// Shared by all parts of the page: its element, its words, requests, and a bus for events between the parts.

export let studio;
let words;
export let formulaStart; // matches text that spreadsheets take for a formula, by the batch's own rule

export function enter(element, props) {
  studio = element.querySelector(".studio");
  formulaStart = new RegExp(props.formula_start, "g");
  words = props.words;
}

export const find = (selector) => studio.querySelector(selector);
export const findAll = (selector) => studio.querySelectorAll(selector);

const bus = new EventTarget();
export const on = (event, listener) => bus.addEventListener(event, ({ detail }) => listener(detail));
export const tell = (event, detail) => bus.dispatchEvent(new CustomEvent(event, { detail }));

// ------------------------------------------------------------------------------------------------------------ words

export let language = "en";

export function speak(chosen) {
  language = words[chosen] ? chosen : "en";
  studio.lang = language === "zh" ? "zh-CN" : "en";
  document.documentElement.lang = studio.lang;
  translate(studio);
  tell("language");
}

export function translate(part) {
  for (const node of part.querySelectorAll("[data-word]")) node.textContent = say(node.dataset.word);
  for (const node of part.querySelectorAll("[data-word-label]"))
    node.setAttribute("aria-label", say(node.dataset.wordLabel));
}

export function say(key, values = {}) {
  return fill(words[language][key] ?? key, values);
}

function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function percent(fraction, digits = 1) {
  const shown = { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(language, shown).format(fraction);
}

export const chance = (probability) => (probability > 0.999 ? `>${percent(0.999)}` : percent(probability)); // never certain

export const count = (number) => new Intl.NumberFormat(language).format(number);

export const className = (name) => words[language].classes[name] ?? name;

// All that was read: a number as it is written, or the name of a class.
export const said = ({ label, text }) => (text === label ? className(label) : text);

export const setTitle = (title) => words[language].titles[title] ?? title;

export const obstacle = (code, reason) => words[language].obstacles[code] ?? reason;

export const readBy = (reader) => words[language].readers[reader];

export function noteSentence(note) {
  const { notes, values: names = {} } = words[language];
  const values = Object.fromEntries(Object.entries(note.values).map(([key, value]) => [key, names[value] ?? value]));
  return notes[note.code] ? fill(notes[note.code], values) : note.text;
}

// --------------------------------------------------------------------------------------------------------- elements

export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

export function svg(name, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

export function paint(canvas, pixels) {
  const bytes = pixels ? atob(pixels) : "";
  canvas.width = canvas.height = Math.sqrt(bytes.length) || 28;
  const image = canvas.getContext("2d").createImageData(canvas.width, canvas.height);
  for (let i = 0; i < canvas.width ** 2; i += 1) {
    const gray = bytes ? bytes.charCodeAt(i) : 0;
    image.data.set([gray, gray, gray, 255], 4 * i);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// ---------------------------------------------------------------------------------------------------------- server

export async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(say("unreachable"));
  }
  if (response.ok) return response;
  const reply = await response.json().catch(() => null);
  throw new Error(reply?.error?.message ?? response.statusText);
}

export const requestJson = async (path, options) => (await request(path, options)).json();
