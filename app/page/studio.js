// The studio: a sheet to draw on or put a picture on, and the answer beside it. Gradio's gr.HTML runs this once, with
// `element` (this component) and `props` (its words). Every picture goes to POST classify; the newest one wins.

const studio = element.querySelector(".studio");
const find = (selector) => studio.querySelector(selector);
const [pad, picture, viewfinder, eye] = [".pad", ".picture", ".viewfinder", ".eye"].map(find);
const [modelSelect, deviceSelect] = [".model", ".device"].map(find);

const PEN = 24; // in pixels of the pad, which has 448: as thick as MNIST's strokes for a digit of medium size
const COPY = 280; // pixels a side of what is sent: ten for each that the network sees, a third of the pad's to encode

let strokes = []; // of [x, y] points, in pixels of the pad
let unseen = false; // whether the browser cannot show that picture
let file = null; // a picture somebody brought; it takes the place of the strokes
let version = 0; // counts the changes of what lies on the sheet
let folder = null; // where the models lie, once the server has said so
let models = [];
let answer = null; // the newest answer, kept to show it again in another language
let message = null; // what is said in its place: a function that gives the sentence

// ------------------------------------------------------------------------------------------------------------ words

let language = localStorage.getItem("inkwear-language") || (navigator.language.startsWith("zh") ? "zh" : "en");

function say(key, values = {}) {
  return fill(props.words[language][key], values);
}

function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function percent(fraction, digits = 1) {
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: digits }).format(fraction);
}

const chance = (probability) => (probability > 0.999 ? `>${percent(0.999)}` : percent(probability)); // never certain

const className = (name) => props.words[language].classes[name] ?? name;

function noteSentence(note) {
  const { notes, values: names = {} } = props.words[language];
  const values = Object.fromEntries(Object.entries(note.values).map(([key, value]) => [key, names[value] ?? value]));
  return notes[note.code] ? fill(notes[note.code], values) : note.text;
}

function speak(chosen) {
  language = chosen;
  studio.lang = language === "zh" ? "zh-CN" : "en";
  for (const node of studio.querySelectorAll("[data-word]")) node.textContent = say(node.dataset.word);
  for (const node of studio.querySelectorAll("[data-word-label]"))
    node.setAttribute("aria-label", say(node.dataset.wordLabel));
  for (const button of studio.querySelectorAll("[data-language]"))
    button.setAttribute("aria-pressed", button.dataset.language === language);
  listModels();
  arrange();
  show();
}

// -------------------------------------------------------------------------------------------------------------- pad

const ink = pad.getContext("2d", { willReadFrequently: true });

function redraw() {
  ink.fillStyle = "#ffffff";
  ink.fillRect(0, 0, pad.width, pad.height);
  ink.lineWidth = PEN;
  ink.lineCap = ink.lineJoin = "round";
  ink.strokeStyle = "#16213a";
  for (const stroke of strokes) trace(stroke);
}

function trace(points) {
  ink.beginPath();
  ink.moveTo(...points[0]);
  points.slice(1).forEach(([x, y], index) => {
    const [previousX, previousY] = points[index];
    ink.quadraticCurveTo(previousX, previousY, (previousX + x) / 2, (previousY + y) / 2);
  });
  const [endX, endY] = points.at(-1);
  ink.lineTo(endX + 0.1, endY); // a line of no length would leave no dot
  ink.stroke();
}

function position(event) {
  const area = pad.getBoundingClientRect();
  return [((event.clientX - area.left) * pad.width) / area.width, ((event.clientY - area.top) * pad.height) / area.height];
}

pad.addEventListener("pointerdown", (event) => {
  if (event.button > 0 || !event.isPrimary) return;
  event.preventDefault();
  pad.setPointerCapture(event.pointerId);
  if (file || isFilming()) clearSheet();
  strokes.push([position(event)]);
  changed();
});

pad.addEventListener("pointermove", (event) => {
  if (!pad.hasPointerCapture(event.pointerId)) return;
  const moves = event.getCoalescedEvents?.() ?? [];
  strokes.at(-1).push(...(moves.length ? moves : [event]).map(position));
  changed();
});

function undo() {
  if (file || isFilming()) clearSheet();
  else strokes.pop();
  changed();
}

function clearSheet() {
  strokes = [];
  file = null;
  unseen = false;
  URL.revokeObjectURL(picture.src);
  picture.removeAttribute("src");
  closeCamera();
}

// --------------------------------------------------------------------------------------------------------- pictures

function bring(brought) {
  if (!brought) return;
  clearSheet();
  file = brought;
  picture.src = URL.createObjectURL(brought);
  changed();
}

picture.addEventListener("load", showBoxes); // only now its size is known

picture.addEventListener("error", () => {
  if (!file) return;
  unseen = true;
  arrange();
  showBoxes();
});

for (const input of [find(".file"), find(".shot")]) {
  input.addEventListener("change", () => {
    bring(input.files[0]);
    input.value = ""; // so that the same file can be chosen again
  });
}

const paper = find(".paper");
for (const kind of ["dragover", "dragleave", "drop"]) {
  paper.addEventListener(kind, (event) => {
    event.preventDefault();
    paper.classList.toggle("inviting", kind === "dragover");
    if (kind === "drop") bring(event.dataTransfer.files[0]);
  });
}

document.addEventListener("paste", (event) => {
  if (!studio.isConnected) return;
  const pasted = [...event.clipboardData.files].find((item) => item.type.startsWith("image/"));
  if (pasted) bring(pasted);
  else tell(() => say("no_image_pasted"));
});

async function paste() {
  try {
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((name) => name.startsWith("image/"));
      if (type) return bring(new File([await item.getType(type)], "clipboard", { type }));
    }
    tell(() => say("no_image_pasted"));
  } catch {
    tell(() => say("paste_by_key"));
  }
}

// ----------------------------------------------------------------------------------------------------------- camera

async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) return find(".shot").click(); // no secure context: let the phone do it
  clearSheet();
  changed();
  try {
    viewfinder.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    await viewfinder.play();
    arrange();
  } catch (error) {
    tell(() => say("no_camera", { reason: error.message }));
  }
}

const isFilming = () => Boolean(viewfinder.srcObject);

function shoot() {
  const still = new OffscreenCanvas(viewfinder.videoWidth, viewfinder.videoHeight);
  still.getContext("2d").drawImage(viewfinder, 0, 0);
  still.convertToBlob({ type: "image/png" }).then((blob) => bring(new File([blob], "camera.png", { type: blob.type })));
}

function closeCamera() {
  viewfinder.srcObject?.getTracks().forEach((track) => track.stop());
  viewfinder.srcObject = null;
}

// ------------------------------------------------------------------------------------------------------------ asking

function changed() {
  version += 1;
  studio.dataset.settled = false;
  message = null;
  redraw();
  arrange();
  showBoxes();
  ask();
}

function arrange() {
  const filming = isFilming();
  const empty = !(strokes.length || file || filming);
  picture.hidden = !file || unseen;
  viewfinder.hidden = !filming;
  find(".invitation").hidden = !empty;
  find(".filename").hidden = !unseen;
  find(".filename").textContent = unseen ? say("no_preview", { name: file.name }) : "";
  find('[data-tool="undo"]').disabled = find('[data-tool="clear"]').disabled = empty;
  find('[data-tool="shoot"]').hidden = !filming;
  find('[data-tool="camera"]').hidden = filming;
}

let asking = false;

async function ask() {
  if (asking) return; // the loop below sees the new version
  asking = true;
  for (let asked = -1; asked !== version; ) {
    asked = version;
    const shown = file;
    const reply = strokes.length || file ? await classify(file ?? drawing()) : null;
    if (reply?.answer) reply.answer.file = shown; // the boxes belong on that picture alone
    if (asked === version || reply?.answer) receive(reply); // while the pen still moves, a glimpse
  }
  asking = false;
  studio.dataset.settled = true; // the answer is of what lies on the sheet
}

const copy = Object.assign(document.createElement("canvas"), { width: COPY, height: COPY });
const copyInk = copy.getContext("2d", { willReadFrequently: true });

function drawing() {
  copyInk.drawImage(pad, 0, 0, COPY, COPY);
  // toDataURL, not toBlob: browsers put toBlob off until they are idle
  const bytes = Uint8Array.from(atob(copy.toDataURL("image/png").split(",")[1]), (character) => character.charCodeAt(0));
  return new File([bytes], "drawing.png", { type: "image/png" });
}

async function classify(image) {
  if (!modelSelect.value) return null;
  const form = new FormData();
  form.append("image", image);
  form.append("model", modelSelect.value);
  form.append("device", deviceSelect.value);
  try {
    const response = await fetch("classify", { method: "POST", body: form });
    const reply = await response.json();
    return response.ok ? { answer: reply } : { error: reply.error?.message ?? response.statusText };
  } catch {
    return { error: null };
  }
}

function receive(reply) {
  answer = reply?.answer ?? null;
  if (reply && !answer) message = () => reply.error ?? say("unreachable");
  show();
}

function tell(sentence) {
  answer = null;
  message = sentence;
  show();
}

// ----------------------------------------------------------------------------------------------------------- showing

function show() {
  const label = find(".label");
  label.textContent = answer?.label ? className(answer.label) + (answer.status === "unsure" ? "?" : "") : "";
  label.classList.toggle("word", (answer?.label ?? "").length > 2);
  find(".sentence").textContent = sentence();
  find(".answer").classList.toggle("empty", !answer?.label);
  find(".answer").classList.toggle("unsure", answer?.status === "unsure");
  find(".answer").classList.toggle("number", Boolean(answer?.digits.length));
  showBars();
  showDigits();
  showBoxes();
  showEye();
  showNotes();
  showWhereabouts();
}

function sentence() {
  if (message) return message();
  if (!models.length) return folder ? say("no_models", { folder }) : "";
  if (!answer) return say("waiting");
  if (answer.status === "blank") return say("blank");
  if (answer.status === "unsure" && !answer.digits.length) return say("unsure", { candidates: candidates() });
  if (answer.digits.length) return say("number", { confidence: chance(answer.confidence), digits: answer.digits.length });
  const [, second] = ranked();
  const confidence = chance(answer.confidence);
  if (answer.confidence > 0.99) return say("sure", { confidence });
  return say("runner_up", { confidence, second: `${className(second[0])} (${chance(second[1])})` });
}

function ranked() {
  return Object.entries(answer.probabilities).sort(([, a], [, b]) => b - a);
}

function candidates() {
  return ranked().slice(0, 3).map(([name, share]) => `${className(name)} (${chance(share)})`).join(", ");
}

function showBars() {
  const chosen = models.find((model) => model.name === modelSelect.value);
  const bars = find(".bars");
  const names = chosen?.class_names ?? [];
  if (bars.dataset.of !== names.join() + language) {
    bars.dataset.of = names.join() + language;
    bars.replaceChildren(...names.map(newBar));
  }
  [...bars.children].forEach((bar, index) => {
    const probability = answer?.probabilities[names[index]] ?? 0;
    bar.style.setProperty("--share", probability);
    bar.classList.toggle("best", names[index] === answer?.label);
    bar.lastChild.textContent = answer?.label ? chance(probability) : "";
  });
}

function newBar(name) {
  const bar = document.createElement("li");
  for (const [part, text] of [["name", className(name)], ["track", ""], ["share", ""]]) {
    const node = document.createElement("span");
    node.className = part;
    node.textContent = text;
    bar.append(node);
  }
  return bar;
}

function showDigits() {
  find(".digits").replaceChildren(...(answer?.digits ?? []).map(newDigit));
}

function newDigit(digit, index) {
  const item = document.createElement("li");
  const seen = Object.assign(document.createElement("canvas"), { width: 28, height: 28 });
  paint(seen, digit.pixels);
  item.append(seen);
  for (const [part, text] of [["place", index + 1], ["name", digit.label], ["share", chance(digit.confidence)]])
    item.append(Object.assign(document.createElement("span"), { className: part, textContent: text }));
  return item;
}

function showBoxes() {
  const boxes = find(".boxes");
  const digits = answer && answer.file === file && !unseen ? answer.digits : [];
  const [width, height] = file ? [picture.naturalWidth, picture.naturalHeight] : [COPY, COPY];
  boxes.setAttribute("viewBox", `0 0 ${width} ${height}`);
  boxes.replaceChildren(...digits.flatMap(({ box }, index) => newBox(box, index, Math.max(width, height))));
}

function newBox([left, top, right, bottom], index, side) {
  const text = svg("text", { x: left, y: top - 0.01 * side, "font-size": 0.035 * side });
  text.textContent = index + 1;
  return [svg("rect", { x: left, y: top, width: right - left, height: bottom - top, rx: 0.006 * side }), text];
}

function svg(name, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function showEye() {
  paint(eye, answer?.pixels);
}

function paint(canvas, pixels) {
  const image = canvas.getContext("2d").createImageData(28, 28);
  const bytes = pixels ? atob(pixels) : "";
  for (let i = 0; i < 784; i += 1) {
    const gray = bytes ? bytes.charCodeAt(i) : 0;
    image.data.set([gray, gray, gray, 255], 4 * i);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function showNotes() {
  const sentences = answer ? answer.notes.map(noteSentence) : [];
  if (answer && !sentences.length) sentences.push(say("untouched"));
  find(".notes").replaceChildren(
    ...sentences.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
}

function showWhereabouts() {
  const place = find(".whereabouts");
  if (!answer) return void (place.textContent = "");
  const { used, code, reason, remedy } = answer.device;
  const where = say("whereabouts", {
    model: answer.model,
    used: used.toUpperCase(),
    milliseconds: answer.milliseconds.toFixed(1),
  });
  const why = props.words[language].obstacles[code] ?? reason;
  place.textContent = code && code !== "not_asked" ? `${where} (${why})` : where;
  place.title = remedy ?? "";
}

// ------------------------------------------------------------------------------------------------------------ models

async function loadModels() {
  try {
    const shelf = await (await fetch("models")).json();
    ({ models, folder } = shelf);
    deviceSelect.value = shelf.default_device;
    for (const [name, reason] of Object.entries(shelf.refused)) console.warn(name, reason);
  } catch {
    return tell(() => say("unreachable"));
  }
  listModels();
  changed(); // somebody may have drawn already
}

function listModels() {
  const chosen = modelSelect.value;
  const merits = (model) => [model.real_accuracy ?? 0, model.validation_accuracy ?? 0]; // what was measured on real pictures leads
  const better = ([realA, validA], [realB, validB]) => realB - realA || validB - validA;
  const byAccuracy = [...models].sort((a, b) => better(merits(a), merits(b)));
  const titles = [...new Set(byAccuracy.map((model) => model.title))]; // the best model leads, and its set with it
  modelSelect.replaceChildren(
    ...titles.map((title) => {
      const group = Object.assign(document.createElement("optgroup"), { label: props.words[language].titles[title] ?? title });
      const shelf = byAccuracy.filter((model) => model.title === title);
      group.append(...shelf.map((model) => new Option(modelLine(model), model.name)));
      return group;
    }),
  );
  if (chosen) modelSelect.value = chosen;
}

function modelLine(model) {
  const size = `${new Intl.NumberFormat(language).format(Math.round(model.bytes / 1000))} kB`;
  const accuracy = model.test_accuracy ? percent(model.test_accuracy, 2) : "–";
  return `${model.name} · ${accuracy} · ${size}`;
}

// ------------------------------------------------------------------------------------------------------------ wiring

const tools = {
  undo,
  clear: () => (clearSheet(), changed()),
  upload: () => find(".file").click(),
  paste,
  camera: openCamera,
  shoot,
};
studio.addEventListener("click", ({ target }) => {
  if (target.dataset.tool) tools[target.dataset.tool]();
  if (target.dataset.language) {
    localStorage.setItem("inkwear-language", target.dataset.language);
    speak(target.dataset.language);
  }
});
for (const select of [modelSelect, deviceSelect]) select.addEventListener("change", changed);

redraw();
speak(language);
loadModels();
