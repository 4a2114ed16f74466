// For a drawer that asks the server about the sheet: only while it is open and the pen rests, and the newest request wins.

import { on } from "./root.js";
import { drawer } from "./tabs.js";

const REST_MILLISECONDS = 250; // without a change, after which the pen rests

// `ask(signal)` returns what `show` shows; `show(null)` clears the drawer; `fail(message)` shows an error.
export function whenRested(name, { subject, ask, show, fail }) {
  let timer = null;
  let controller = null;
  let shown; // the subject that the drawer shows

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
    timer = setTimeout(look, REST_MILLISECONDS);
  };
  on("settled", soon);
  on("drawer", soon);
}
