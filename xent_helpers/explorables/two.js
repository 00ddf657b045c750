// A truth q and a belief p about three outcomes: entropy, divergence and their sum, as code lengths.
explorable("two", ({ controls, panels, say }) => {
  let [q, p] = [[0.5, 0.25, 0.25], [0.05, 0.05, 0.9]];
  const share = { min: 0, max: 1, step: 0.05, shown: (v) => v.toFixed(2) };
  const third = (d) => Math.max(0, 1 - d[0] - d[1]);
  const limited = (d, i, v) => {
    d[i] = v;
    if (d[0] + d[1] > 1) d[1 - i] = Math.max(0, 1 - v);
    d[2] = third(d);
    show();
  };
  const inputs = [];
  for (const [letter, get] of [["q", () => q], ["p", () => p]])
    for (const i of [0, 1])
      inputs.push([slider(controls, { ...share, name: `${letter} of ${"AB"[i]}`, value: get()[i] }, (v) => { if (!busy) limited(get(), i, v); }), get, i]);
  button(controls, "swap q and p", () => { [q, p] = [p, q]; show(); });
  const ticks = [[0, "0"], [0.5, "0.5"], [1, "1"]];
  const areas = panel(panels, { title: "Code lengths as areas: width q, height −log₂ p", x: [0, 1], y: [0, 5], xlabel: "q, the share of messages", ylabel: "bits", xticks: ticks, yticks: range(6).map((i) => [i, i]) });
  const sums = panel(panels, { title: "Entropy + divergence = cross-entropy", x: [0, 3], y: [0, 5], xlabel: "", ylabel: "bits a message", xticks: [[0.5, "H(q)"], [1.5, "KL(q‖p)"], [2.5, "H(q, p)"]], yticks: range(6).map((i) => [i, i]) });
  const fills = [COLOURS.blue, COLOURS.orange, COLOURS.sky];
  const bits = (a, b) => -sum(a.map((x, i) => xlogy(x, b[i]))) / Math.LN2;
  let busy = false;

  function show() {
    busy = true;
    for (const [input, get, i] of inputs) input.set(get()[i]);
    busy = false;
    const [entropy, cross] = [bits(q, q), bits(q, p)];
    const divergence = cross === Infinity ? Infinity : Math.max(0, cross - entropy);
    areas.clear();
    let left = 0;
    q.forEach((width, i) => {
      const height = -Math.log2(p[i]);
      if (width > 0) {
        areas.bar(left, left + width, 0, height, { fill: fills[i], "fill-opacity": 0.45 });
        areas.bar(left, left + width, 0, -Math.log2(width), { fill: "none", stroke: "currentColor", "stroke-dasharray": "4 3" });
        areas.text(left + width / 2, 0.15, "ABC"[i], { "text-anchor": "middle" });
      }
      left += width;
    });
    sums.clear();
    sums.bar(0.15, 0.85, 0, entropy, { fill: COLOURS.green });
    sums.bar(1.15, 1.85, 0, divergence, { fill: COLOURS.vermilion });
    sums.bar(2.15, 2.85, 0, entropy, { fill: COLOURS.green });
    sums.bar(2.15, 2.85, entropy, cross, { fill: COLOURS.vermilion });
    say(`H(q) ${fixed(entropy)} + KL(q‖p) ${fixed(divergence)} = H(q, p) ${fixed(cross)} bits.`);
  }
  show();
});
