// Starts the page. Gradio's gr.HTML calls `start` with its element and its properties.

import { enter } from "./root.js";
import { startAnswer } from "./answer.js";
import { startCard } from "./card.js";
import { startCompare } from "./compare.js";
import { startCorrections } from "./corrections.js";
import { startExamples } from "./examples.js";
import { startMany } from "./many.js";
import { startModels } from "./models.js";
import { startPrograms } from "./programs.js";
import { startSettings } from "./settings.js";
import { startSheet } from "./sheet.js";
import { startSteps } from "./steps.js";
import { startTabs } from "./tabs.js";

export function start(element, props) {
  enter(element, props);
  for (const part of [
    startSheet, startAnswer, startExamples, startSteps, startCompare, startCard, startMany, startCorrections,
    startPrograms, startSettings, startTabs, startModels,
  ])
    part();
}
