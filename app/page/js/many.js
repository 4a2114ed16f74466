// Many pictures at once, or a ZIP of them, in a table that fills while the server reads.

import { chance, count, find, findAll, formulaStart, make, on, request, said, say } from "./root.js";
import { chosenDevice, chosenName } from "./models.js";
import { open } from "./tabs.js";

const COLUMNS = ["name", "status", "label", "text", "confidence"];

let rows = []; // as the server sends them
let running = null; // an AbortController while the server reads
let failure = "";
let sorting = { by: "index", descending: false };

async function read(files) {
  open("many");
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  rows = [];
  failure = "";
  show();
  try {
    const form = new FormData();
    for (const file of files) form.append("images", file);
    form.append("model", chosenName());
    form.append("device", chosenDevice());
    const response = await request("classify/many", { method: "POST", body: form, signal });
    for await (const row of lines(response.body)) if (!row.done) rows.push(row), showSoon();
  } catch (error) {
    if (error.name !== "AbortError") failure = error.message;
  }
  if (running?.signal === signal) running = null;
  show();
}

async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const line of parts) if (line) yield JSON.parse(line);
  }
}

// ---------------------------------------------------------------------------------------------------------- showing

let planned = null;

function showSoon() {
  planned ??= requestAnimationFrame(() => show());
}

function show() {
  cancelAnimationFrame(planned);
  planned = null;
  const visible = sorted(rows.filter(passes));
  find(".many-table").hidden = !rows.length;
  find(".many-tools").hidden = !rows.length && !running;
  find("[data-many=cancel]").hidden = !running;
  find("[data-many=csv]").disabled = !rows.length;
  find(".many-state").textContent = progress(visible.length);
  find(".many-table tbody").replaceChildren(...visible.slice(0, MAX_ROWS).map(newRow));
  for (const header of findAll(".many-table [data-sort]"))
    header.closest("th").ariaSort =
      header.dataset.sort !== sorting.by ? "none" : sorting.descending ? "descending" : "ascending";
}

const MAX_ROWS = 1000; // shown; the download has all

function progress(visible) {
  if (failure) return failure;
  if (!rows.length) return running ? say("many_reading") : "";
  const values = { read: count(rows.length), failed: count(rows.filter((row) => row.error).length), shown: count(visible) };
  return say(running ? "many_progress" : "many_done", values);
}

function passes(row) {
  const limit = Number(find(".doubt").value);
  return limit >= 1 || (row.answer?.confidence ?? 0) <= limit;
}

const value = (row, column) =>
  ({
    index: row.index,
    name: row.name,
    status: row.error ? "error" : row.answer.status,
    label: row.answer?.label ?? "",
    text: row.answer?.text ?? "",
    confidence: row.answer?.confidence ?? -1,
  })[column];

function sorted(chosen) {
  const { by, descending } = sorting;
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true }));
  return [...chosen].sort((a, b) => (descending ? -1 : 1) * compare(value(a, by), value(b, by)) || a.index - b.index);
}

function newRow(row) {
  const thumbnail = row.thumbnail ? make("img", { src: `data:image/webp;base64,${row.thumbnail}`, alt: "" }) : "";
  const verdict = row.error ? row.error.message : row.answer.label ? said(row.answer) : "–";
  return make(
    "tr", { className: value(row, "status") },
    make("td", {}, thumbnail),
    make("th", { scope: "row", textContent: row.name }),
    make("td", { textContent: say(`status_${value(row, "status")}`) }),
    make("td", { className: "said", textContent: verdict }),
    make("td", { className: "figure", textContent: row.answer?.confidence ? chance(row.answer.confidence) : "" }),
  );
}

// --------------------------------------------------------------------------------------------------------- download

// Spreadsheets run such text as a formula; an apostrophe before it prevents that.
const cell = (text) => `"${String(text).replace(formulaStart, "'").replaceAll('"', '""')}"`;

function download() {
  const lines = rows.map((row) => [
    ...COLUMNS.map((column) => (column === "confidence" ? (row.answer?.confidence ?? "") : value(row, column))),
    row.error?.message ?? "",
  ]);
  const table = [[...COLUMNS, "error"], ...lines].map((line) => line.map(cell).join(",")).join("\r\n");
  const url = URL.createObjectURL(new Blob(["\ufeff", table, "\r\n"], { type: "text/csv" }));
  make("a", { href: url, download: "inkwear.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export function startMany() {
  on("many", read);
  on("language", show);
  find(".many-files").addEventListener("change", ({ target }) => {
    if (target.files.length) read([...target.files]);
    target.value = "";
  });
  find("[data-many=choose]").addEventListener("click", () => find(".many-files").click());
  find("[data-many=cancel]").addEventListener("click", () => running?.abort());
  find("[data-many=csv]").addEventListener("click", download);
  find(".doubt").addEventListener("input", show);
  for (const header of findAll(".many-table [data-sort]")) {
    header.addEventListener("click", () => {
      const by = header.dataset.sort;
      sorting = { by, descending: sorting.by === by && !sorting.descending };
      show();
    });
  }
}
