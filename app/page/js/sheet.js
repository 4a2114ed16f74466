// The sheet: strokes of a pen, a picture from elsewhere, or the camera's view.

import { bitmap } from "./bitmap.js";
import { find, findAll, make, on, say, studio, svg, tell } from "./root.js";

const SIDE = 448; // of the pad, in its pixels
const PEN = 24; // in the pad's pixels: as thick as MNIST's strokes for a digit of medium size
const BYTES = "application/octet-stream";
const COPY = 280; // pixels on each side of what is sent: ten for each that the network sees
const STEP = { fine: 4, coarse: 16 }; // of the keyboard's pen, in the pad's pixels

let pad, ink, picture, viewfinder, paper;
let strokes = []; // of [x, y] points, in pixels of the pad
let file = null; // a picture from elsewhere, which takes the place of the strokes
let unseen = false; // whether the browser cannot show the picture
let nib = null; // where the keyboard's pen is: {x, y, down}

export let version = 0; // counts the changes of the sheet

// The one pointer that draws: {id, type, stroke}; others, as a second finger or a palm, are ignored until it is lifted.
let drawer = null;

// While the pen is down, a draft answer will do; when it is lifted, the sheet is read in full.
export const isDrawing = () => drawer !== null;

export const isEmpty = () => !(strokes.length || file);
export const broughtFile = () => file;
const isFilming = () => Boolean(viewfinder.srcObject);

export function changed() {
  version += 1;
  studio.dataset.settled = false;
  redraw();
  arrange();
  tell("sheet");
}

function clear() {
  strokes = [];
  file = null;
  unseen = false;
  nib = null;
  drawer = null;
  URL.revokeObjectURL(picture.src);
  picture.removeAttribute("src");
  closeCamera();
}

function arrange() {
  const filming = isFilming();
  const empty = isEmpty() && !filming;
  picture.hidden = !file || unseen;
  viewfinder.hidden = !filming;
  find(".invitation").hidden = !empty || Boolean(nib);
  find(".filename").hidden = !unseen;
  find(".filename").textContent = unseen ? say("no_preview", { name: file.name }) : "";
  find('[data-tool="undo"]').disabled = find('[data-tool="clear"]').disabled = empty;
  find('[data-tool="shoot"]').hidden = !filming;
  find('[data-tool="camera"]').hidden = filming;
}

// -------------------------------------------------------------------------------------------------------------- pen

function redraw() {
  ink.fillStyle = "#ffffff";
  ink.fillRect(0, 0, SIDE, SIDE);
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
  return [((event.clientX - area.left) * SIDE) / area.width, ((event.clientY - area.top) * SIDE) / area.height];
}

function penDown(event) {
  if (event.button > 0) return;
  const isPalm = event.pointerType === "pen" && drawer?.type === "touch"; // the hand that holds the pen
  const isAgain = event.pointerId === drawer?.id; // the browser has not reported that it was lifted
  if (drawer && !isPalm && !isAgain) return;
  event.preventDefault();
  pad.setPointerCapture(event.pointerId);
  if (isPalm) strokes = strokes.filter((stroke) => stroke !== drawer.stroke);
  if (file || isFilming()) clear();
  nib = null;
  drawer = { id: event.pointerId, type: event.pointerType, stroke: [position(event)] };
  strokes.push(drawer.stroke);
  changed();
}

function penUp(event) {
  if (event.pointerId !== drawer?.id) return;
  drawer = null;
  changed();
}

function penMove(event) {
  if (event.pointerId !== drawer?.id || !pad.hasPointerCapture(event.pointerId)) return;
  const moves = event.getCoalescedEvents?.() ?? [];
  drawer.stroke.push(...(moves.length ? moves : [event]).map(position));
  changed();
}

export function undo() {
  if (file || isFilming()) clear();
  else strokes.pop();
  drawer = null;
  if (nib) nib.down = false;
  changed();
}

export function clearSheet() {
  clear();
  changed();
}

// --------------------------------------------------------------------------------------------------- the keyboard's pen

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function penKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (ARROWS[event.key]) moveNib(ARROWS[event.key], event.shiftKey ? STEP.fine : STEP.coarse);
  else if (event.key === " " || event.key === "Enter") pressNib();
  else if (event.key === "Backspace") undo();
  else if (event.key === "Delete" || event.key === "Escape") clearSheet();
  else return;
  event.preventDefault();
  showNib();
}

function moveNib([across, down], step) {
  nib ??= { x: SIDE / 2, y: SIDE / 4, down: false };
  const within = (value) => Math.min(Math.max(value, PEN / 2), SIDE - PEN / 2);
  nib.x = within(nib.x + across * step);
  nib.y = within(nib.y + down * step);
  if (!nib.down) return arrange();
  strokes.at(-1).push([nib.x, nib.y]);
  changed();
}

function pressNib() {
  if (file || isFilming()) clear();
  nib ??= { x: SIDE / 2, y: SIDE / 4, down: false };
  nib.down = !nib.down;
  if (nib.down) strokes.push([[nib.x, nib.y]]);
  if (nib.down) changed();
}

function showNib() {
  const mark = find(".nib");
  mark.hidden = !nib;
  if (!nib) return;
  mark.style.left = `${(100 * nib.x) / SIDE}%`;
  mark.style.top = `${(100 * nib.y) / SIDE}%`;
  mark.classList.toggle("down", nib.down);
}

// --------------------------------------------------------------------------------------------------------- pictures

const isArchive = ({ name, type }) => /zip/.test(type) || /\.zip$/i.test(name);

export function bring(files) {
  const brought = [...files];
  if (!brought.length) return;
  if (brought.length > 1 || isArchive(brought[0])) return tell("many", brought);
  clear();
  [file] = brought;
  picture.src = URL.createObjectURL(file);
  changed();
}

async function paste() {
  try {
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((name) => name.startsWith("image/"));
      if (type) return bring([new File([await item.getType(type)], "clipboard", { type })]);
    }
    tell("say", () => say("no_image_pasted"));
  } catch {
    tell("say", () => say("paste_by_key"));
  }
}

function pasted(event) {
  if (!studio.isConnected || event.target.closest?.("input, textarea")) return;
  const images = [...event.clipboardData.files];
  if (images.length) bring(images);
  else tell("say", () => say("no_image_pasted"));
}

function takeDrops() {
  for (const kind of ["dragover", "dragleave", "drop"]) {
    paper.addEventListener(kind, (event) => {
      event.preventDefault();
      paper.classList.toggle("inviting", kind === "dragover");
      if (kind === "drop") bring(event.dataTransfer.files);
    });
  }
}

// ----------------------------------------------------------------------------------------------------------- camera

async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) return find(".shot").click(); // no secure context: the phone's own camera app
  clearSheet();
  try {
    viewfinder.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    await viewfinder.play();
    arrange();
  } catch (error) {
    tell("say", () => say("no_camera", { reason: error.message }));
  }
}

function shoot() {
  const still = new OffscreenCanvas(viewfinder.videoWidth, viewfinder.videoHeight);
  still.getContext("2d").drawImage(viewfinder, 0, 0);
  still.convertToBlob({ type: "image/png" }).then((blob) => bring([new File([blob], "camera.png", { type: blob.type })]));
}

function closeCamera() {
  viewfinder.srcObject?.getTracks().forEach((track) => track.stop());
  viewfinder.srcObject = null;
}

// --------------------------------------------------------------------------------------------------- what is sent

const copy = make("canvas", { width: COPY, height: COPY });
// between white and the pen's ink, red changes as gray does
const copyInk = copy.getContext("2d", { willReadFrequently: true });

// On the same machine a bitmap is sent, which takes no time to write; over a network a PNG, which is small.
const isNear = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);

// The sheet as it is sent: the picture's file, or the drawing's bytes, as a Blob would take longer.
export function sheet() {
  if (file) return { name: file.name, type: file.type.startsWith("image/") ? file.type : BYTES, body: file };
  copyInk.drawImage(pad, 0, 0, COPY, COPY);
  if (isNear) return { name: "drawing.bmp", type: "image/bmp", body: bitmap(copyInk.getImageData(0, 0, COPY, COPY)) };
  return { name: "drawing.png", type: "image/png", body: png() };
}

// The sheet as a file for a form.
export function image() {
  const { name, type, body } = sheet();
  return file ?? new File([body], name, { type });
}

function png() {
  // toDataURL, not toBlob: browsers put toBlob off until they are idle
  return Uint8Array.from(atob(copy.toDataURL("image/png").split(",")[1]), (character) => character.charCodeAt(0));
}

// ------------------------------------------------------------------------------------------------------------ boxes

export function showBoxes(digits) {
  const [width, height] = file ? [picture.naturalWidth, picture.naturalHeight] : [COPY, COPY];
  const boxes = find(".boxes");
  boxes.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const shown = unseen || !width ? [] : digits;
  boxes.replaceChildren(...shown.flatMap(({ box }, index) => newBox(box, index, Math.max(width, height))));
}

function newBox([left, top, right, bottom], index, side) {
  const text = svg("text", { x: left, y: top - 0.01 * side, "font-size": 0.035 * side });
  text.textContent = index + 1;
  return [svg("rect", { x: left, y: top, width: right - left, height: bottom - top, rx: 0.006 * side }), text];
}

// ----------------------------------------------------------------------------------------------------------- wiring

const tools = { undo, clear: clearSheet, upload: () => find(".file").click(), paste, camera: openCamera, shoot };

export function startSheet() {
  [pad, picture, viewfinder, paper] = [".pad", ".picture", ".viewfinder", ".paper"].map(find);
  ink = pad.getContext("2d", { willReadFrequently: true });
  pad.addEventListener("pointerdown", penDown);
  // Browsers hold moves back until the next frame; where they may be had raw, that is up to 16 ms sooner.
  pad.addEventListener("onpointerrawupdate" in pad ? "pointerrawupdate" : "pointermove", penMove);
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) pad.addEventListener(end, penUp);
  pad.addEventListener("keydown", penKey);
  picture.addEventListener("load", () => tell("pictured")); // only now its size is known
  picture.addEventListener("error", () => {
    if (!file) return;
    unseen = true;
    arrange();
    tell("pictured");
  });
  for (const input of [find(".file"), find(".shot")]) {
    input.addEventListener("change", () => {
      bring(input.files);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  for (const button of findAll("[data-tool]")) button.addEventListener("click", () => tools[button.dataset.tool]());
  document.addEventListener("paste", pasted);
  takeDrops();
  on("language", arrange);
  on("sheet", showNib);
  redraw();
  arrange();
}
