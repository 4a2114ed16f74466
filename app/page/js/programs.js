// Snippets that get the same answers from a program; the tests run them.

import { find, make, on, requestJson, say } from "./root.js";
import { drawer } from "./tabs.js";

let snippets = null;

async function look() {
  if (drawer !== "programs" || snippets) return;
  snippets = await requestJson("snippets").catch(() => null);
  show();
}

function show() {
  find(".snippets").replaceChildren(...Object.entries(snippets ?? {}).map(([name, text]) => newSnippet(name, text)));
}

function newSnippet(name, text) {
  const copy = make("button", { type: "button", textContent: say("copy") });
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = say("copied");
  });
  const code = make("pre", { tabIndex: 0 }, make("code", { textContent: text }));
  return make("section", {}, make("header", {}, make("h3", { textContent: name }), copy), code);
}

export function startPrograms() {
  on("drawer", look);
  on("language", show);
}
