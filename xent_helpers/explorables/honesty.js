// Recorded logits of a network that is too sure: a temperature makes its claims honest, and costs turn them into acts.
explorable("honesty", ({ controls, panels, say }) => {
  const labels = [...RECORD.labels].map(Number);
  const hundredths = new Int16Array(Uint8Array.from(atob(RECORD.logits), (c) => c.charCodeAt(0)).buffer);
  const z = labels.map((_, i) => range(10).map((c) => hundredths[10 * i + c] / 100));
  const [BINS, N, EIGHT] = [15, labels.length, 8];
  const temperatures = range(81).map((i) => 0.25 * 40 ** (i / 80)); // from 0.25 to 10, evenly in their logarithm
  const at = (T) => z.map((row) => logSoftmax(row.map((v) => v / T)));
  const nll = (logp) => -sum(logp.map((row, i) => row[labels[i]])) / N;
  const valley = temperatures.map((T) => nll(at(T)));
  let [place, ratio] = [30, 9];
  const inLog = (T) => Math.log(T / 0.25) / Math.log(40);

  slider(controls, { name: "temperature", min: 0, max: 80, step: 1, value: place, shown: (i) => temperatures[i].toFixed(2) }, (v) => { place = v; draw(); });
  slider(controls, { name: "a miss costs as much as", min: 1, max: 20, step: 1, value: ratio, shown: (v) => `${v} false alarm${v > 1 ? "s" : ""}` }, (v) => { ratio = v; draw(); });
  const halves = [[0, "0"], [0.5, "0.5"], [1, "1"]];
  const diagram = panel(panels, { title: "Claimed and right, in 15 bins", x: [0, 1.06], y: [0, 1.06], xlabel: "mean confidence", ylabel: "share right", xticks: halves, yticks: halves });
  const loss = panel(panels, { title: "Mean NLL", x: [0, 1], y: [0, 4], xlabel: "temperature T, logarithmic", ylabel: "nats", xticks: [0.25, 0.5, 1, 2, 4, 10].map((T) => [inLog(T), T]), yticks: range(5).map((i) => [i, i]) });
  const bill = panel(panels, { title: "Cost of acting on “it is an 8”", x: [0, 1], y: [0, 1], xlabel: "act if p(8) is above; line: what the costs prescribe", ylabel: "false alarms a picture", xticks: halves, yticks: halves });

  function costAt(threshold, logp) {
    return sum(logp.map((row, i) => {
      const acts = Math.exp(row[EIGHT]) > threshold;
      return acts ? Number(labels[i] !== EIGHT) : ratio * Number(labels[i] === EIGHT);
    })) / N;
  }
  function draw() {
    const logp = at(temperatures[place]);
    const bins = range(BINS).map(() => ({ count: 0, claimed: 0, right: 0 }));
    let [right, claimed] = [0, 0];
    logp.forEach((row, i) => {
      const top = row.indexOf(Math.max(...row));
      const bin = bins[Math.min(BINS - 1, Math.floor(Math.exp(row[top]) * BINS))];
      bin.count += 1;
      bin.claimed += Math.exp(row[top]);
      bin.right += Number(top === labels[i]);
      claimed += Math.exp(row[top]);
      right += Number(top === labels[i]);
    });
    diagram.clear();
    diagram.curve([[0, 0], [1, 1]], { stroke: "currentColor", "stroke-dasharray": "6 4", "stroke-width": 1 });
    for (const { count, claimed: mean, right: hits } of bins)
      if (count) diagram.dot(mean / count, hits / count, { fill: COLOURS.blue, stroke: "currentColor", r: 0.9 * Math.sqrt(count) });
    loss.clear();
    loss.curve(temperatures.map((T, i) => [inLog(T), valley[i]]), { stroke: COLOURS.blue });
    loss.dot(inLog(temperatures[place]), valley[place], { fill: COLOURS.vermilion });
    bill.clear();
    const prescribed = 1 / (1 + ratio);
    bill.curve(range(99).map((i) => [(i + 1) / 100, costAt((i + 1) / 100, logp)]), { stroke: COLOURS.green });
    bill.curve([[prescribed, 0], [prescribed, 1]], { stroke: "currentColor", "stroke-dasharray": "3 3" });
    bill.dot(prescribed, costAt(prescribed, logp), { fill: COLOURS.vermilion });
    const ece = sum(bins.map((bin) => Math.abs(bin.right - bin.claimed))) / N;
    say(`T = ${temperatures[place].toFixed(2)}: ${right} of ${N} right, as at every T; mean confidence ${fixed(claimed / N)}, NLL ${fixed(valley[place])} nats, ECE ${fixed(ece)}. Acting above ${fixed(prescribed)} costs ${fixed(costAt(prescribed, logp))} false alarms a picture.`);
  }
  draw();
});
