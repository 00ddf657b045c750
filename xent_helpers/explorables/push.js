// Three scores and a label: how cross-entropy and squared error push each score, and what a step does.
explorable("push", ({ controls, panels, say }) => {
  const z = [1, 2, 0];
  let label = 1;
  const inputs = z.map((value, i) => slider(controls, { name: `score of class ${i}`, min: -8, max: 8, step: 0.1, value, shown: (v) => v.toFixed(1).replace("-", "−") }, (v) => { z[i] = v; draw(); }));
  choice(controls, "label", ["1", "0", "2"], (v) => { label = Number(v); draw(); });
  button(controls, "one step of cross-entropy", () => {
    const pushes = gradient();
    z.forEach((value, i) => { z[i] = Math.min(8, Math.max(-8, value - pushes[i])); });
    z.forEach((value, i) => inputs[i].set(value));
  });
  const xticks = [[0.5, "class 0"], [1.5, "class 1"], [2.5, "class 2"]];
  const chances = panel(panels, { title: "Probabilities p (bars) and the label y (outline)", x: [0, 3], y: [0, 1], xlabel: "", ylabel: "probability", xticks, yticks: [[0, "0"], [0.5, "0.5"], [1, "1"]] });
  const pushes = panel(panels, { title: "Push on each score", x: [0, 3], y: [-1, 1], xlabel: "left: cross-entropy, y − p;  right: squared error", ylabel: "minus the gradient", xticks, yticks: [[-1, "−1"], [0, "0"], [1, "1"]] });

  const gradient = () => softmax(z).map((p, i) => p - (i === label ? 1 : 0));
  const squared = () => { // of ½ Σ (p − y)²: p_i (d_i − Σ p_k d_k) with d = p − y
    const [p, d] = [softmax(z), gradient()];
    const mean = sum(p.map((value, i) => value * d[i]));
    return p.map((value, i) => value * (d[i] - mean));
  };

  function draw() {
    const [p, g, s] = [softmax(z), gradient(), squared()];
    const loss = -logSoftmax(z)[label];
    chances.clear();
    pushes.clear();
    pushes.curve([[0, 0], [3, 0]], { stroke: "currentColor", "stroke-width": 1 });
    p.forEach((value, i) => {
      chances.bar(i + 0.2, i + 0.8, 0, value, { fill: COLOURS.blue });
      if (i === label) chances.bar(i + 0.12, i + 0.88, 0, 1, { fill: "none", stroke: "currentColor", "stroke-dasharray": "5 3" });
      pushes.arrow(i + 0.38, 0, -g[i], { stroke: COLOURS.vermilion });
      pushes.arrow(i + 0.62, 0, -s[i], { stroke: COLOURS.sky });
    });
    say(`Loss ${fixed(loss)} nats. p = (${p.map((v) => fixed(v, 3)).join(", ")}). Cross-entropy's gradient p − y = (${g.map((v) => fixed(v, 3)).join(", ")}); squared error's (${s.map((v) => fixed(v, 3)).join(", ")}).`);
  }
  draw();
});
