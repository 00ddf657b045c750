// A recorded training run: move along its epochs, and loss, decisions and the most expensive pictures change together.
explorable("epochs", ({ controls, panels, say }) => {
  const { labels, pictures, moments } = RECORD;
  let [epoch, timer] = [5, 0];
  const last = moments.length - 1;
  const place = slider(controls, { name: "epoch", min: 0, max: last, step: 1, value: epoch }, (v) => { epoch = v; draw(); });
  const stop = () => { clearInterval(timer); timer = 0; play.textContent = "play"; };
  const play = button(controls, "play", () => {
    if (timer) return stop();
    if (epoch === last) place.set(0);
    play.textContent = "stop";
    timer = setInterval(() => { place.set(epoch + 1); if (epoch === last) stop(); }, 400);
  });
  const log = Math.log10;
  const curves = panel(panels, { title: "Mean loss: training (solid), validation (dashed)", x: [0, last], y: [-3, 1], xlabel: "epoch", ylabel: "nats, logarithmic", xticks: [0, 10, 20, 30].map((i) => [i, i]), yticks: [[-3, "0.001"], [-2, "0.01"], [-1, "0.1"], [0, "1"], [1, "10"]] });
  const digits = range(10).map((i) => [i + 0.5, i]);
  const grid = panel(panels, { title: "Decisions on the validation pictures", x: [0, 10], y: [0, 10], xlabel: "decision", ylabel: "true digit", xticks: digits, yticks: digits.map(([at, i]) => [10 - at, i]) });
  const costly = add(panels, "div", { class: "costly" });

  function draw() {
    const { train, validation, said, costs } = moments[epoch];
    curves.clear();
    curves.curve(moments.map((one, i) => [i, log(one.train)]), { stroke: COLOURS.blue });
    curves.curve(moments.map((one, i) => [i, log(one.validation)]), { stroke: COLOURS.vermilion, "stroke-dasharray": "6 4" });
    curves.dot(epoch, log(train), { fill: COLOURS.blue });
    curves.dot(epoch, log(validation), { fill: COLOURS.vermilion });
    grid.clear();
    const counts = range(10).map(() => Array(10).fill(0));
    range(labels.length).forEach((i) => { counts[labels[i]][said[i]] += 1; });
    counts.forEach((row, truth) => row.forEach((count, decision) => {
      if (!count) return;
      const right = truth === decision;
      grid.bar(decision, decision + 1, 9 - truth, 10 - truth, { fill: right ? COLOURS.blue : COLOURS.vermilion, "fill-opacity": 0.2 + (0.4 * count) / sum(row) });
      grid.text(decision + 0.5, 9.3 - truth, count, { "text-anchor": "middle" });
    }));
    costly.textContent = "";
    for (const [index, cost] of costs) {
      const one = add(costly, "span");
      paint(add(one, "canvas", { width: 8, height: 8, "aria-hidden": "true" }), pictures[index]);
      add(one, "span", {}, `${labels[index]} read as ${said[index]}`);
      add(one, "span", {}, `${cost.toFixed(2)} nats`);
    }
    const right = range(labels.length).filter((i) => labels[i] === said[i]).length;
    say(`Epoch ${epoch}: training loss ${fixed(train)}, validation loss ${fixed(validation)} nats; ${right} of ${labels.length} validation pictures right; the most expensive one costs ${costs[0][1].toFixed(2)} nats.`);
  }
  function paint(canvas, picture) { // one letter a pixel, from a for white to q for black
    const pen = canvas.getContext("2d");
    range(64).forEach((i) => {
      const grey = 255 - Math.round(((picture.charCodeAt(i) - 97) * 255) / 16);
      pen.fillStyle = `rgb(${grey}, ${grey}, ${grey})`;
      pen.fillRect(i % 8, Math.floor(i / 8), 1, 1);
    });
  }
  draw();
});
