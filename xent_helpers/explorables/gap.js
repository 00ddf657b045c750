// Two scores that lie a gap apart, in three number types: which way of computing the loss loses what.
explorable("gap", ({ controls, panels, say }) => {
  const float16 = (v) => {
    if (!Number.isFinite(v) || v === 0) return v;
    const size = Math.abs(v);
    const step = 2 ** (Math.max(Math.floor(Math.log2(size)), -14) - 10);
    const halves = size / step; // ties go to the even neighbour, as in every IEEE type
    const down = Math.floor(halves);
    const up = halves - down > 0.5 || (halves - down === 0.5 && down % 2 === 1);
    const rounded = (down + (up ? 1 : 0)) * step;
    return Math.sign(v) * (rounded > 65504 ? Infinity : rounded);
  };
  const types = { float16, float32: Math.fround, float64: (v) => v };
  const most = { float16: 3.3, float32: 7.2, float64: 16 }; // decimal digits that the type holds
  const gaps = range(201).map((i) => (i <= 100 ? i / 4 : 25 * 40 ** ((i - 100) / 100)));
  let [gap, type, side] = [4, "float32", "ahead"];

  const add1 = (r, x) => r(Math.log(r(1 + x)));
  const ways = { // each step is rounded to the type, as a processor does it
    "naive": (r, z, o) => -r(Math.log(r(r(Math.exp(z)) / r(r(Math.exp(z)) + r(Math.exp(o)))))),
    "… with 1e-7 added": (r, z, o) => -r(Math.log(r(r(r(Math.exp(z)) / r(r(Math.exp(z)) + r(Math.exp(o)))) + r(1e-7)))),
    "largest subtracted": (r, z, o) => (z >= o ? add1(r, r(Math.exp(r(o - z)))) : r(r(o - z) + add1(r, r(Math.exp(r(z - o)))))),
    "… and log1p": (r, z, o) => (z >= o ? r(Math.log1p(r(Math.exp(r(o - z))))) : r(r(o - z) + r(Math.log1p(r(Math.exp(r(z - o))))))),
  };
  const truth = (z, o) => (z >= o ? Math.log1p(Math.exp(o - z)) : o - z + Math.log1p(Math.exp(z - o)));
  const scores = (g) => (side === "ahead" ? [g, 0] : [0, g]); // the label's score and the other one

  slider(controls, { name: "gap", min: 0, max: 200, step: 1, value: 16, shown: (i) => gaps[i].toFixed(2) }, (i) => { gap = gaps[i]; draw(); });
  choice(controls, "type", ["float32", "float16", "float64"], (v) => { type = v; draw(); });
  choice(controls, "the label's score is", ["ahead", "behind"], (v) => { side = v; draw(); });
  const plot = panel(panels, { title: "Correct digits left", x: [0, 200], y: [0, 17], xlabel: "gap between the scores", ylabel: "digits", xticks: [0, 40, 100, 138, 162, 200].map((i) => [i, Math.round(gaps[i])]), yticks: [0, 4, 8, 12, 16].map((i) => [i, i]) });
  const list = add(panels, "table");
  const looks = [{ stroke: COLOURS.vermilion, "stroke-dasharray": "2 3" }, { stroke: COLOURS.orange, "stroke-dasharray": "7 3" }, { stroke: COLOURS.blue, "stroke-dasharray": "9 3 2 3" }, { stroke: COLOURS.green }];
  const digits = (got, due) => { // of the number of this type that is nearest to the loss
    const nearest = types[type](due);
    if (got === nearest) return most[type];
    return Number.isFinite(got) && nearest > 0 ? Math.min(most[type], Math.max(0, -Math.log10(Math.abs(got - nearest) / nearest))) : 0;
  };

  function draw() {
    const r = types[type];
    const loss = (way, g) => { const [z, o] = scores(r(g)); return ways[way](r, z, o); };
    const due = truth(...scores(r(gap)));
    plot.clear();
    list.textContent = "";
    const head = add(add(list, "thead"), "tr");
    for (const words of ["way", "loss", "digits"]) add(head, "th", { scope: "col" }, words);
    const body = add(list, "tbody");
    const found = Object.keys(ways).map((way, i) => {
      plot.curve(range(201).map((k) => [k, digits(loss(way, gaps[k]), truth(...scores(r(gaps[k]))))]), looks[i]);
      const got = loss(way, gap);
      plot.dot(gaps.indexOf(gap), digits(got, due), { fill: looks[i].stroke, r: 4 });
      const row = add(body, "tr");
      const name = add(row, "th", { scope: "row" });
      const sample = add(name, "svg", { viewBox: "0 0 30 8", width: 30, height: 8, "aria-hidden": "true" });
      add(sample, "line", { x1: 0, x2: 30, y1: 4, y2: 4, "stroke-width": 3, ...looks[i] });
      add(name, "span", {}, ` ${way}`);
      add(row, "td", {}, Number.isFinite(got) ? got.toPrecision(4).replace(/-/g, "−") : fixed(got));
      add(row, "td", {}, digits(got, due).toFixed(1));
      return `${way}: ${digits(got, due).toFixed(1)}`;
    });
    say(`${type}, gap ${gap.toFixed(2)}, the label ${side}: the loss is ${due.toPrecision(4).replace(/-/g, "−")} nats. Digits left: ${found.join("; ")}.`);
  }
  draw();
});
