// Charts of what accuracy costs: each model is a dot over the time it has just taken and over the size of its file.

import { count, make, percent, say, svg } from "./root.js";

const WIDTH = 400;
const HEIGHT = 250;
const ROOM = { left: 52, right: 12, top: 14, bottom: 36 };
const LETTER = 6.2; // width of a letter in the names, which are 11 high
const SIDES = [[8, 4, "start"], [-8, 4, "end"], [0, -8, "middle"], [0, 17, "middle"], [8, -7, "start"], [8, 15, "start"], [-8, -7, "end"], [-8, 15, "end"]];
const ROUND = [0.5, 0.6, 0.7, 0.8, 0.84, 0.88, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.994, 0.996, 0.998];

// Two charts of a comparison's answers; none if fewer than two models state their accuracy.
export function frontier(answers, chosen) {
  const known = answers.filter((row) => !row.error && row.test_accuracy);
  if (known.length < 2) return [];
  return [
    chart(known, chosen, "frontier_time", (row) => row.milliseconds, (value) => `${value} ms`),
    chart(known, chosen, "frontier_size", (row) => row.bytes / 1000, (value) => `${count(value)} kB`),
  ];
}

function chart(rows, chosen, word, cost, unit) {
  const across = scale(rows.map((row) => Math.log10(cost(row))), ROOM.left, WIDTH - ROOM.right, 0.12);
  const down = scale(rows.map((row) => mistakes(row.test_accuracy)), HEIGHT - ROOM.bottom, ROOM.top, 0.1);
  const dots = rows
    .map((row) => ({ row, x: across(Math.log10(cost(row))), y: down(mistakes(row.test_accuracy)) }))
    .toSorted((one, other) => one.x - other.x || one.y - other.y);
  const best = unbeaten(dots);
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "frontier", role: "img", "aria-label": say(word) });
  drawing.append(
    ...ticks(rows.map(cost), across).map(({ x, value }) => text(x, HEIGHT - ROOM.bottom + 16, unit(value), "middle")),
    ...levels(rows, down).map(({ y, value }) => text(ROOM.left - 8, y + 4, percent(value), "end")),
    svg("path", { d: `M${ROOM.left} ${ROOM.top}V${HEIGHT - ROOM.bottom}H${WIDTH - ROOM.right}`, class: "axes" }),
    svg("path", { d: steps(best) }),
    ...dots.map((dot) => mark(dot, best.includes(dot), chosen, `${percent(dot.row.test_accuracy, 2)}, ${unit(short(cost(dot.row)))}`)),
    ...names(dots),
  );
  return make("figure", {}, drawing, make("figcaption", { textContent: say(word) }));
}

// The distance from 99.0 to 99.5 % equals that from 90 to 95 %: half the mistakes.
const mistakes = (accuracy) => -Math.log(Math.max(1 - accuracy, 1e-6));

function scale(values, from, to, margin) {
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const span = greatest - least || 1;
  return (value) => from + ((to - from) * (value - least + margin * span)) / (span * (1 + 2 * margin));
}

// The dots that are better than every cheaper one; the cheapest come first.
function unbeaten(dots) {
  let highest = Infinity;
  return dots.filter(({ y }) => y < highest && ((highest = y), true));
}

const steps = (dots) => dots.map(({ x, y }, index) => (index ? `H${x}V${y}` : `M${x} ${y}`)).join("");

function ticks(costs, across) {
  const [least, greatest] = [Math.log10(Math.min(...costs)), Math.log10(Math.max(...costs))];
  const powers = [];
  for (let power = Math.ceil(least - 0.3); power <= greatest + 0.3; power += 1) powers.push(power);
  return powers
    .map((power) => ({ x: across(power), value: short(10 ** power) }))
    .filter(({ x }) => x > ROOM.left && x < WIDTH - ROOM.right);
}

const short = (value) => Number(value.toPrecision(2));

function levels(rows, down) {
  let free = Infinity;
  return ROUND.map((value) => ({ value, y: down(mistakes(value)) })).filter(
    ({ y }) => y > ROOM.top && y < HEIGHT - ROOM.bottom && y < free - 20 && ((free = y), true),
  );
}

function mark({ row, x, y }, best, chosen, figures) {
  const title = svg("title", {});
  title.textContent = `${row.model}: ${figures}`;
  const dot = svg("circle", { cx: x, cy: y, r: row.model === chosen ? 6 : 4, class: best ? "best" : "" });
  dot.append(title);
  return dot;
}

// The networks' names, each on the first free side of its dot; no name where no side is free.
function names(dots) {
  const taken = dots.map(({ x, y }) => ({ left: x - 5, right: x + 5, top: y - 5, bottom: y + 5 }));
  return dots.flatMap(({ row, x, y }) => {
    const name = row.model.replace(/^(fashion_)?mnist-/, "");
    const place = SIDES.map(([dx, dy, anchor]) => ({ x: x + dx, y: y + dy, anchor })).find((side) => {
      const box = boxOf(side, name);
      return box.left > ROOM.left && box.right < WIDTH && box.top > 0 && !taken.some((other) => overlap(box, other));
    });
    if (!place) return [];
    taken.push(boxOf(place, name));
    return [text(place.x, place.y, name, place.anchor)];
  });
}

function boxOf({ x, y, anchor }, name) {
  const width = LETTER * name.length;
  const left = x - width * { start: 0, middle: 0.5, end: 1 }[anchor];
  return { left, right: left + width, top: y - 10, bottom: y + 3 };
}

const overlap = (one, other) =>
  one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;

function text(x, y, content, anchor) {
  const node = svg("text", { x, y, "text-anchor": anchor });
  node.textContent = content;
  return node;
}
