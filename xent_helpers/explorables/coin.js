// Ten flips of a coin and a probability of heads: what the flips cost, and what they cost at least.
explorable("coin", ({ controls, panels, say }) => {
  const flips = [1, 1, 0, 1, 0, 1, 1, 0, 1, 1];
  let theta = 0.6;
  const row = add(controls, "div", { role: "group", "aria-label": "Ten flips; press one to turn it" });
  const coins = flips.map((flip, i) => button(row, "", () => { flips[i] = 1 - flips[i]; draw(); }));
  slider(controls, { name: "θ", min: 0.01, max: 0.99, step: 0.01, value: theta, shown: (v) => v.toFixed(2) }, (v) => { theta = v; draw(); });
  const ticks = [[0, "0"], [0.25, "0.25"], [0.5, "0.5"], [0.75, "0.75"], [1, "1"]];
  const bars = panel(panels, { title: "What θ gives to each flip", x: [0, 10], y: [0, 1], xlabel: "flip", ylabel: "probability", xticks: range(10).map((i) => [i + 0.5, i + 1]), yticks: ticks });
  const bowl = panel(panels, { title: "Mean negative log-likelihood", x: [0, 1], y: [0, 2.5], xlabel: "θ", ylabel: "nats a flip", xticks: ticks, yticks: [[0, "0"], [0.5, "0.5"], [1, "1"], [1.5, "1.5"], [2, "2"]] });
  const mean = (share, t) => -(xlogy(share, t) + xlogy(1 - share, 1 - t));

  function draw() {
    const heads = sum(flips);
    const share = heads / 10;
    const floor = mean(share, share);
    const product = theta ** heads * (1 - theta) ** (10 - heads);
    coins.forEach((coin, i) => {
      coin.textContent = flips[i] ? "H" : "T";
      coin.setAttribute("aria-label", `flip ${i + 1}: ${flips[i] ? "heads" : "tails"}`);
    });
    bars.clear();
    flips.forEach((flip, i) => bars.bar(i + 0.12, i + 0.88, 0, flip ? theta : 1 - theta, flip ? { fill: COLOURS.blue } : { fill: "none", stroke: COLOURS.vermilion, "stroke-width": 2, "stroke-dasharray": "4 2" }));
    bowl.clear();
    bowl.curve([[0, floor], [1, floor]], { stroke: COLOURS.green, "stroke-dasharray": "6 4" });
    bowl.curve(range(99).map((i) => [(i + 1) / 100, mean(share, (i + 1) / 100)]), { stroke: COLOURS.blue });
    bowl.dot(theta, mean(share, theta), { fill: COLOURS.vermilion });
    say(`${heads} heads of 10, θ = ${theta.toFixed(2)}: product ${product.toExponential(2).replace("-", "−")}, mean ${fixed(mean(share, theta))} nats; least mean at θ = ${share.toFixed(1)}: ${fixed(floor)} nats.`);
  }
  draw();
});
