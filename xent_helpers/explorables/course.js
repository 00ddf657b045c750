// What all explorables share: elements, a panel with axes, controls, and the sentence that says the numbers.
// The controls are HTML's own, so that they work by mouse, finger and keyboard, and screen readers know them.
const COLOURS = { blue: "#0072B2", vermilion: "#D55E00", green: "#009E73", purple: "#CC79A7", orange: "#E69F00", sky: "#56B4E9" };

function add(parent, tag, attributes = {}, text = "") {
  const svg = tag === "svg" || parent.namespaceURI.endsWith("svg");
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== "") element.textContent = text;
  parent.append(element);
  return element;
}

// A plot with its axes; `draw` clears what was drawn before. Coordinates are those of the data.
function panel(parent, { title, x, y, xlabel, ylabel, xticks, yticks, height = 250 }) {
  const svg = add(parent, "svg", { viewBox: `0 0 360 ${height}`, role: "img", "aria-label": title });
  const [left, right, top, bottom] = [52, 350, 30, height - 42];
  const X = (value) => left + ((value - x[0]) / (x[1] - x[0])) * (right - left);
  const Y = (value) => bottom - ((value - y[0]) / (y[1] - y[0])) * (bottom - top);
  add(svg, "text", { x: left, y: 18, class: "title" }, title);
  for (const [value, label] of xticks) {
    add(svg, "line", { x1: X(value), x2: X(value), y1: top, y2: bottom, class: "grid" });
    add(svg, "text", { x: X(value), y: bottom + 16, class: "tick", "text-anchor": value === x[1] ? "end" : "middle" }, label);
  }
  for (const [value, label] of yticks) {
    add(svg, "line", { x1: left, x2: right, y1: Y(value), y2: Y(value), class: "grid" });
    add(svg, "text", { x: left - 6, y: Y(value) + 4, class: "tick", "text-anchor": "end" }, label);
  }
  add(svg, "text", { x: (left + right) / 2, y: height - 6, class: "label", "text-anchor": "middle" }, xlabel);
  const middle = (top + bottom) / 2;
  const turned = { transform: `rotate(-90 13 ${middle})`, x: 13, y: middle, class: "label", "text-anchor": "middle" };
  add(svg, "text", turned, ylabel);
  let layer = add(svg, "g");
  const inside = (value) => Math.min(Math.max(value, y[0]), y[1]);
  return {
    clear() {
      layer.remove();
      layer = add(svg, "g");
    },
    curve(points, attributes) {
      const d = points.map(([a, b], i) => `${i ? "L" : "M"}${X(a).toFixed(1)} ${Y(inside(b)).toFixed(1)}`).join("");
      return add(layer, "path", { d, fill: "none", "stroke-width": 2, ...attributes });
    },
    dot: (a, b, attributes) => add(layer, "circle", { cx: X(a), cy: Y(inside(b)), r: 6, ...attributes }),
    bar: (a, b, from, to, attributes) =>
      add(layer, "rect", { x: X(a), width: X(b) - X(a), y: Y(inside(to)), height: Y(from) - Y(inside(to)), ...attributes }),
    arrow(a, from, to, attributes) {
      const [tail, head] = [Y(from), Y(inside(to))];
      const size = Math.sign(head - tail) * Math.min(7, Math.abs(head - tail));
      add(layer, "line", { x1: X(a), x2: X(a), y1: tail, y2: head - size, "stroke-width": 4, ...attributes });
      const d = `M${X(a)} ${head}l-6 ${-size}h12z`;
      add(layer, "path", { d, fill: attributes.stroke, "fill-opacity": attributes["stroke-opacity"] ?? 1 });
    },
    text: (a, b, words, attributes) => add(layer, "text", { x: X(a), y: Y(inside(b)), class: "tick", ...attributes }, words),
  };
}

function slider(parent, { name, min, max, step, value, shown = (v) => v }, changed) {
  const label = add(parent, "label", {}, `${name} `);
  const input = add(label, "input", { type: "range", min, max, step, value, "aria-label": name });
  const says = add(label, "span", { class: "value" });
  const update = () => {
    says.textContent = shown(Number(input.value));
    input.setAttribute("aria-valuetext", says.textContent);
    changed(Number(input.value));
  };
  input.addEventListener("input", update);
  says.textContent = shown(value);
  input.setAttribute("aria-valuetext", says.textContent);
  return { set(next) { input.value = next; update(); } };
}

function choice(parent, name, options, changed) {
  const label = add(parent, "label", {}, `${name} `);
  const select = add(label, "select", { "aria-label": name });
  for (const option of options) add(select, "option", { value: option }, option);
  select.addEventListener("change", () => changed(select.value));
}

function button(parent, words, pressed) {
  const element = add(parent, "button", { type: "button" }, words);
  element.addEventListener("click", pressed);
  return element;
}

const fixed = (value, digits = 4) => (Number.isFinite(value) ? value.toFixed(digits) : value > 0 ? "∞" : value < 0 ? "−∞" : "NaN").replace("-", "−");
const range = (n) => Array.from({ length: n }, (_, i) => i);
const xlogy = (x, y) => (x === 0 ? 0 : x * Math.log(y)); // what cannot happen costs nothing
const sum = (values) => values.reduce((total, value) => total + value, 0);

function logSoftmax(z) {
  const top = Math.max(...z);
  const all = top + Math.log(sum(z.map((value) => Math.exp(value - top))));
  return z.map((value) => value - all);
}
const softmax = (z) => logSoftmax(z).map(Math.exp);

// Each figure with the picture is turned into the living one, once; `live` receives places for its parts.
function explorable(name, live) {
  for (const figure of document.querySelectorAll(`figure[data-explorable="${name}"]:not([data-live])`)) {
    figure.dataset.live = "yes";
    figure.querySelector("img").hidden = true;
    const controls = add(figure, "div", { class: "controls" });
    const panels = add(figure, "div", { class: "panels" });
    const says = add(figure, "output", { "aria-live": "polite" });
    live({ controls, panels, say: (words) => { says.textContent = words; } });
    // JupyterLab's shortcuts look at the focused element first; without this mark on it an arrow key leaves for another cell.
    for (const control of figure.querySelectorAll("input, select, button, textarea")) control.dataset.lmSuppressShortcuts = "true";
  }
}
