// Training towards a soft target: with a smoothed one the gap between the scores stops at a finite size.
explorable("target", ({ controls, panels, say }) => {
  const C = 10;
  let [epsilon, z, steps, timer] = [0.1, range(C).map(() => 0), 0, 0];
  slider(controls, { name: "ε", min: 0, max: 0.5, step: 0.01, value: epsilon, shown: (v) => v.toFixed(2) }, (v) => { epsilon = v; reset(); });
  const train = button(controls, "train", () => { if (timer) stop(); else timer = setInterval(() => { advance(20); if (steps >= 4000) stop(); }, 30); train.textContent = timer ? "stop" : "train"; });
  button(controls, "200 steps", () => advance(200));
  button(controls, "start again", () => reset());
  const yticks = [[0, "0"], [0.5, "0.5"], [1, "1"]];
  const bars = panel(panels, { title: "Target q (outline) and prediction p (bars)", x: [0, C], y: [0, 1], xlabel: "class", ylabel: "probability", xticks: range(C).map((i) => [i + 0.5, i]), yticks });
  const track = panel(panels, { title: "Gap between the true class and the others", x: [0, 4000], y: [0, 10], xlabel: "steps at rate 1", ylabel: "z₀ − z₁ in nats", xticks: [[0, "0"], [2000, "2,000"], [4000, "4,000"]], yticks: [[0, "0"], [5, "5"], [10, "10"]] });
  let path = [[0, 0]];

  const target = () => range(C).map((i) => (i === 0 ? 1 - epsilon : 0) + epsilon / C);
  const limit = () => (epsilon > 0 ? Math.log(target()[0] / target()[1]) : Infinity);
  function stop() { clearInterval(timer); timer = 0; train.textContent = "train"; }
  function reset() { stop(); z = range(C).map(() => 0); steps = 0; path = [[0, 0]]; draw(); }
  function advance(count) {
    const q = target();
    for (const _ of range(Math.min(count, 4000 - steps))) {
      const p = softmax(z);
      z = z.map((value, i) => value - (p[i] - q[i]));
      steps += 1;
    }
    path.push([steps, z[0] - z[1]]);
    draw();
  }
  function draw() {
    const [p, q] = [softmax(z), target()];
    const cross = -sum(q.map((share, i) => xlogy(share, p[i])));
    const floor = -sum(q.map((share) => xlogy(share, share)));
    bars.clear();
    track.clear();
    q.forEach((share, i) => {
      bars.bar(i + 0.2, i + 0.8, 0, p[i], { fill: COLOURS.blue });
      bars.bar(i + 0.08, i + 0.92, 0, share, { fill: "none", stroke: COLOURS.vermilion, "stroke-width": 2 });
    });
    if (limit() < 10) track.curve([[0, limit()], [4000, limit()]], { stroke: COLOURS.green, "stroke-dasharray": "6 4" });
    track.curve(path, { stroke: COLOURS.blue });
    track.dot(steps, z[0] - z[1], { fill: COLOURS.vermilion });
    say(`ε = ${epsilon.toFixed(2)}, ${steps} steps: gap ${fixed(z[0] - z[1])}, its limit ${fixed(limit())}; loss ${fixed(cross)}, its floor ${fixed(floor)} nats.`);
  }
  draw();
});
