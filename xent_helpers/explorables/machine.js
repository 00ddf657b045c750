// Four samples and the options of PyTorch's losses: what a loss returns, how it divides, which mistakes raise no error.
explorable("machine", ({ controls, panels, say }) => {
  const z = [[2, 1, 0.1], [0.5, -1.5, 2], [1, 0, 0], [-1, 1, 3]];
  const y = [0, 2, 1, 1];
  const weight = [1, 1, 1];
  const set = { loss: "CrossEntropyLoss", labels: "class indices", activation: "none", ignore: "none", epsilon: 0, reduction: "mean", positive: 1 };
  const pick = (key, name, options) => choice(controls, name, options, (value) => { set[key] = value; draw(); });
  const number = (parent, name, value, changed) => {
    const input = add(parent, "input", { type: "number", step: "any", value, "aria-label": name });
    input.addEventListener("input", () => { if (Number.isFinite(input.valueAsNumber)) { changed(input.valueAsNumber); draw(); } });
  };

  pick("loss", "loss", ["CrossEntropyLoss", "NLLLoss", "BCEWithLogitsLoss", "BCELoss", "KLDivLoss"]);
  pick("labels", "labels", ["class indices", "one-hot rows", "soft rows"]);
  pick("activation", "activation before the loss", ["none", "softmax", "log_softmax", "sigmoid"]);
  const weights = add(controls, "span", {}, "weight ");
  weight.forEach((value, c) => number(weights, `weight of class ${c}`, value, (v) => { weight[c] = v; }));
  const positive = add(controls, "span", {}, "pos_weight ");
  number(positive, "pos_weight", 1, (v) => { set.positive = v; });
  pick("ignore", "ignore_index", ["none", "0", "1", "2"]);
  slider(controls, { name: "label_smoothing", min: 0, max: 0.5, step: 0.05, value: 0, shown: (v) => v.toFixed(2) }, (v) => { set.epsilon = v; draw(); });
  pick("reduction", "reduction", ["mean", "sum", "none", "batchmean"]);

  const table = add(panels, "table");
  const head = add(add(table, "thead"), "tr");
  for (const words of ["z₀", "z₁", "z₂", "label", "ℓ", "counts"]) add(head, "th", { scope: "col" }, words);
  const body = add(table, "tbody");
  const cells = z.map((row, i) => {
    const line = add(body, "tr");
    row.forEach((value, c) => number(add(line, "td"), `score of class ${c}, sample ${i + 1}`, value, (v) => { row[c] = v; }));
    const label = add(add(line, "td"), "select", { "aria-label": `label of sample ${i + 1}` });
    for (const c of range(3)) add(label, "option", c === y[i] ? { selected: "" } : {}, c);
    label.addEventListener("change", () => { y[i] = Number(label.value); draw(); });
    return [add(line, "td"), add(line, "td")];
  });
  const blocks = panel(panels, { title: "Each sample: as wide as it counts, as high as its loss", x: [0, 1], y: [0, 5], xlabel: "share of the divisor", ylabel: "loss in nats", xticks: [[0, "0"], [0.5, "0.5"], [1, "1"]], yticks: range(6).map((i) => [i, i]) });
  const written = add(panels, "p", { class: "wide" });
  const lights = add(panels, "ul", { class: "wide lights" });
  const code = add(add(panels, "p", { class: "wide" }), "code");

  const sigmoid = (v) => 1 / (1 + Math.exp(-v));
  const softplus = (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
  const activations = { none: (row) => row, softmax, log_softmax: logSoftmax, sigmoid: (row) => row.map(sigmoid) };
  const binary = () => set.loss.startsWith("BCE");
  const indices = () => set.labels === "class indices";
  const target = (i) => range(3).map((c) => (set.labels === "soft rows" ? (c === y[i] ? 0.8 : 0.1) : Number(c === y[i])));
  const inputs = () => z.map((row) => activations[set.activation](binary() ? [row[0]] : row));

  // For each sample what it adds to the sum, and what it adds to the divisor of the mean; or why PyTorch refuses.
  const losses = {
    CrossEntropyLoss(a, i) {
      if (!indices() && set.ignore !== "none") return "ignore_index needs class indices";
      const q = target(i).map((share) => (1 - set.epsilon) * share + set.epsilon / 3);
      const term = -sum(logSoftmax(a).map((v, c) => weight[c] * (q[c] === 0 ? 0 : q[c] * v)));
      return { term, counts: indices() ? weight[y[i]] : 1 };
    },
    NLLLoss: (a, i) => (indices() ? { term: -weight[y[i]] * a[y[i]], counts: weight[y[i]] } : "NLLLoss takes class indices"),
    BCEWithLogitsLoss: ([a], i) => ({ term: set.positive * y[i] * softplus(-a) + (1 - y[i]) * softplus(a), counts: 1 }),
    BCELoss([a], i) {
      if (!(a >= 0 && a <= 1)) return "BCELoss takes probabilities from 0 to 1";
      if (y[i] > 1) return "BCELoss takes targets from 0 to 1";
      return { term: -y[i] * Math.max(Math.log(a), -100) - (1 - y[i]) * Math.max(Math.log1p(-a), -100), counts: 1 };
    },
    KLDivLoss(a, i) {
      if (indices()) return "KLDivLoss takes rows of probabilities";
      const each = target(i).map((q, c) => xlogy(q, q) - q * a[c]);
      return { term: sum(each), each, counts: set.reduction === "batchmean" ? 1 : 3 };
    },
  };

  const mistakes = () => {
    const [act, loss] = [set.activation, set.loss];
    const kept = y.filter((label) => String(label) !== set.ignore || !indices() || binary());
    const weighted = ["CrossEntropyLoss", "NLLLoss"].includes(loss) && indices() && set.reduction === "mean";
    const p = binary() ? inputs().map(([a]) => Math.fround(1 / Math.fround(1 / a))) : []; // as 1 / (1 + e⁻ᶻ) rounds
    return {
      "squashed twice: this loss takes raw scores": ["softmax", "sigmoid"].includes(act) && ["CrossEntropyLoss", "BCEWithLogitsLoss"].includes(loss),
      "no log-probabilities: this loss wants log_softmax": act !== "log_softmax" && ["NLLLoss", "KLDivLoss"].includes(loss),
      "a softmax over one score is always 1": binary() && act.includes("softmax"),
      "a target outside 0 to 1 can make the loss negative": loss === "BCEWithLogitsLoss" && y.includes(2),
      "in float32 p is exactly 0 or 1: log 0 is −100, gradient 0": loss === "BCELoss" && act !== "none" && p.some((v) => v === 0 || v === 1),
      "every label ignored: the mean is 0/0": weighted && kept.length === 0,
      "all kept labels are of one class: the weights cancel": weighted && (loss === "NLLLoss" || set.epsilon === 0) && new Set(weight).size > 1 && new Set(kept).size === 1,
      "the mean divides by N·C: batchmean divides by N": loss === "KLDivLoss" && set.reduction === "mean",
    };
  };

  function draw() {
    const multi = ["CrossEntropyLoss", "NLLLoss"].includes(set.loss);
    for (const [part, here] of [[weights, multi], [positive, set.loss === "BCEWithLogitsLoss"]]) part.hidden = !here;
    for (const [name, here] of [["labels", !binary()], ["ignore_index", multi], ["label_smoothing", set.loss === "CrossEntropyLoss"]])
      controls.querySelector(`[aria-label="${name}"]`).closest("label").hidden = !here;
    for (const cell of table.querySelectorAll("tr > :nth-child(2), tr > :nth-child(3)")) cell.hidden = binary();

    const found = inputs().map((a, i) => (multi && indices() && String(y[i]) === set.ignore ? { term: 0, counts: 0 } : losses[set.loss](a, i)));
    const refused = set.reduction === "batchmean" && set.loss !== "KLDivLoss" ? "only KLDivLoss knows batchmean" : found.find((one) => typeof one === "string");
    blocks.clear();
    const lit = mistakes();
    lights.textContent = "";
    for (const [words, on] of Object.entries(lit)) add(lights, "li", { class: on && !refused ? "lit" : "" }, `${on && !refused ? "●" : "○"} ${words}`);
    code.textContent = call(multi);
    if (refused) {
      written.textContent = "";
      for (const [loss, counts] of cells) loss.textContent = counts.textContent = "–";
      say(`PyTorch raises an error: ${refused}.`);
      return;
    }
    const [total, divisor] = [sum(found.map((one) => one.term)), sum(found.map((one) => one.counts))];
    let left = 0;
    found.forEach(({ term, counts }, i) => {
      const height = counts ? term / counts : 0;
      cells[i][0].textContent = counts ? fixed(height) : "left out";
      cells[i][1].textContent = String(Number(counts.toFixed(4)));
      if (counts > 0 && divisor > 0) blocks.bar(left, left + counts / divisor, 0, Math.max(0, height), { fill: [COLOURS.blue, COLOURS.orange, COLOURS.green, COLOURS.purple][i], "fill-opacity": 0.6, stroke: "currentColor" });
      left += divisor > 0 ? counts / divisor : 0;
    });
    const mean = total / divisor;
    if (Number.isFinite(mean)) blocks.curve([[0, mean], [1, mean]], { stroke: "currentColor", "stroke-dasharray": "6 4" });
    const kept = found.filter((one) => one.counts !== 0);
    const plus = (values) => `(${values.join(" + ")})`;
    const above = plus(kept.map(({ term, counts }) => (counts === 1 ? fixed(term) : `${Number(counts.toFixed(4))} · ${fixed(term / counts)}`)));
    const below = plus(kept.map(({ counts }) => Number(counts.toFixed(4))));
    const average = ["mean", "batchmean"].includes(set.reduction);
    const value = average ? fixed(mean) : fixed(total);
    written.textContent = set.reduction === "none" ? "" : average ? `Σ w ℓ / Σ w = ${above} / ${below} = ${fixed(total)} / ${Number(divisor.toFixed(4))} = ${value}` : `Σ w ℓ = ${above} = ${value}`;
    const returns = set.reduction === "none" ? found.map(({ term, each }) => (each ? `(${each.map((v) => fixed(v)).join(", ")})` : fixed(term))).join(", ") : value;
    const warned = Object.keys(lit).filter((words) => lit[words]);
    say(`${set.loss}, ${set.reduction}: ${returns}.${warned.length ? ` Warning: ${warned.join("; ")}.` : ""}`);
  }

  function call(multi) {
    const options = [];
    if (multi && weight.some((w) => w !== 1)) options.push(`weight=tensor([${weight.join(", ")}])`);
    if (set.loss === "BCEWithLogitsLoss" && set.positive !== 1) options.push(`pos_weight=tensor(${set.positive})`);
    if (multi && set.ignore !== "none") options.push(`ignore_index=${set.ignore}`);
    if (set.loss === "CrossEntropyLoss" && set.epsilon > 0) options.push(`label_smoothing=${set.epsilon}`);
    if (set.reduction !== "mean") options.push(`reduction="${set.reduction}"`);
    const input = { none: "z", sigmoid: "z.sigmoid()" }[set.activation] ?? `z.${set.activation}(dim=1)`;
    return `nn.${set.loss}(${options.join(", ")})(${input}, ${indices() || binary() ? "y" : "q"})`;
  }
  draw();
});
