// For a drawer that asks the server about the sheet: only when it is open and the pen rests, and the newest question wins.

import { on } from "./root.js";
import { drawer } from "./tabs.js";

const REST = 250; // milliseconds without a change after which the pen rests

// `ask(signal)` gives what `show` shows; `show(null)` means that there is nothing; `fail(message)` that it went wrong.
export function whenRested(name, { subject, ask, show, fail }) {
  let timer = null;
  let controller = null;
  let shown; // what the drawer is about now

  async function look() {
    const wanted = subject();
    if (drawer !== name || wanted === shown) return;
    controller?.abort();
    shown = wanted;
    if (wanted === null) return show(null);
    controller = new AbortController();
    try {
      show(await ask(controller.signal));
    } catch (error) {
      if (error.name !== "AbortError") fail(error.message);
    }
  }

  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(look, REST);
  };
  on("settled", soon);
  on("drawer", soon);
}
