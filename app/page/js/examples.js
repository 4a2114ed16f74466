// Example pictures, all drawn by this project.

import { bring } from "./sheet.js";
import { asked, bestFor, choose } from "./models.js";
import { find, on, say } from "./root.js";

async function take(button) {
  const { src, alt } = button.querySelector("img");
  const { example, of } = button.dataset;
  const isKnown = asked().some(({ class_names: names }) => names.includes(of));
  if (!isKnown && bestFor(of)) choose(bestFor(of).name);
  bring([new File([await (await fetch(src)).blob()], `${example}.png`, { type: "image/png" })]);
}

export function startExamples() {
  find(".examples").addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button) take(button);
  });
  on("language", () => {
    for (const button of find(".examples").querySelectorAll("button"))
      button.setAttribute("aria-label", say("example", { name: say(`example_${button.dataset.example}`) }));
  });
}
