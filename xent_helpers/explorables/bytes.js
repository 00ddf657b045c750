// Type a text: each byte is coloured by its surprise under the table of counts of chapter 9's text.
explorable("bytes", ({ controls, panels, say }) => {
  const symbols = [...new Set(RECORD)].sort();
  const C = symbols.length;
  const ids = new Map(symbols.map((symbol, i) => [symbol, i]));
  const tables = [0, 1, 2].map((shift) => { // tables[shift][a][b]: how often b stands `shift` places behind a
    const n = symbols.map(() => new Float64Array(C));
    for (let t = 0; t + shift < RECORD.length; t++) n[ids.get(RECORD[t])][ids.get(RECORD[t + shift])] += 1;
    return n;
  });
  const totals = tables.map((n) => n.map((row) => sum([...row])));
  const alphas = [0, 0.01, 0.1, 1];
  let [text, shift, alpha] = ["The loss of this text is the mean surprise.", 1, 0.1];

  const label = add(controls, "label", { class: "wide" }, "text ");
  const area = add(label, "textarea", { rows: 2, spellcheck: "false", "aria-label": "text" });
  area.value = text;
  area.addEventListener("input", () => { text = area.value; draw(); });
  choice(controls, "shift", ["1", "0", "2"], (v) => { shift = Number(v); draw(); });
  slider(controls, { name: "α", min: 0, max: 3, step: 1, value: 2, shown: (i) => alphas[i] }, (i) => { alpha = alphas[i]; draw(); });
  const letters = add(panels, "p", { class: "wide letters" });
  const bars = panel(panels, { title: "What comes next, by the table", height: 190, x: [0, 7], y: [0, 1], xlabel: "the 7 likeliest bytes after the last one", ylabel: "probability", xticks: [], yticks: [[0, "0"], [0.5, "0.5"], [1, "1"]] });
  const shown = (symbol) => ({ " ": "␣", "\n": "↵" })[symbol] ?? symbol;
  const p = (a, b) => (tables[shift][a][b] + alpha) / (totals[shift][a] + alpha * C);

  function draw() {
    const known = [...text].filter((symbol) => ids.has(symbol));
    const bits = known.map((symbol, t) => (t < shift ? null : -Math.log2(p(ids.get(known[t - shift]), ids.get(symbol)))));
    letters.textContent = "";
    known.forEach((symbol, t) => {
      const share = bits[t] === null ? 0 : Math.min(1, bits[t] / 12);
      const words = bits[t] === null ? "nothing before it" : `${fixed(bits[t], 2)} bits`;
      add(letters, "span", { style: `background: rgba(213, 94, 0, ${(0.65 * share).toFixed(2)})`, title: words }, symbol === "\n" ? "↵\n" : symbol);
    });
    bars.clear();
    const after = ids.get(known.at(-1));
    if (after !== undefined && totals[shift][after] + alpha > 0) {
      const likely = range(C).sort((a, b) => p(after, b) - p(after, a) || a - b).slice(0, 7);
      likely.forEach((b, i) => {
        bars.bar(i + 0.15, i + 0.85, 0, p(after, b), { fill: COLOURS.blue });
        bars.text(i + 0.5, p(after, b) + 0.02, `${shown(symbols[b])} ${p(after, b).toFixed(2)}`, { "text-anchor": "middle" });
      });
    }
    const counted = bits.filter((one) => one !== null);
    const mean = Math.abs(sum(counted) / counted.length);
    const strange = [...text].length - known.length;
    const left = strange ? ` Left out: ${strange}, not among the ${C} bytes of the chapter's text.` : "";
    say(counted.length ? `Shift ${shift}, α = ${alpha}: ${fixed(mean)} bits a byte over ${counted.length} bytes, perplexity ${fixed(2 ** mean, 2)}.${left}` : `Type more than ${shift} letters.${left}`);
  }
  draw();
});
