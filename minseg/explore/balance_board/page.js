// Draws what numbers.py computed, and tells widget.py which weights are dragged. Places on the axis
// of pulls are powers of ten; no gradient, cosine or change is computed here.
const LONG = 222, HIGH = 26;             // a track, screen pixels
const SHARE = 40, COSINE = 60;           // bars, screen pixels
const COLUMNS = ["loss", "L", "weight w", "drag: its pull on the backbone", "pull w‖g‖",
  "share of all pulls", "cosine with the sum", "1000 × change, first order",
  "1000 × change, measured"];
const START = 4;                         // the column of the tracks

// ---- Weights as handles on one axis of pulls ----------------------------------------------------

function makeAxis(model) {
  const [low, high] = model.get("span"), [least, most] = model.get("bounds").map(Math.log10);
  const inset = 13, scale = (LONG - 2 * inset) / (high - low);
  return { low, high, least, most, scale, x: power => inset + (power - low) * scale };
}

function makeTrack(axis, name, origin, state, questions, parent) {
  const track = svg("svg", { class: "track", viewBox: `0 0 ${LONG} ${HIGH}`, width: LONG,
    height: HIGH }, parent), middle = HIGH / 2;
  for (let power = axis.low; power <= axis.high; power++) {
    svg("path", { class: "grid", d: `M${axis.x(power)},0V${HIGH}` }, track);
  }
  const [from, one, to] = [axis.least, 0, axis.most].map(power => axis.x(origin + power));
  svg("path", { class: "reach", d: `M${from},${middle}H${to}` }, track);
  const bar = svg("path", { class: "bar" }, track);
  svg("path", { class: "one", d: `M${one},${middle - 8}V${middle + 8}` }, track);
  const handle = svg("circle", { class: "handle", r: 7, cy: middle, tabindex: 0, role: "slider",
    "aria-label": `Weight of ${name}`, "aria-valuemin": 10 ** axis.least,
    "aria-valuemax": 10 ** axis.most }, track);
  const power = () => Math.log10(state.weights[name]);
  const place = () => {
    const x = axis.x(origin + power());
    set(handle, { cx: x });
    set(bar, { d: `M${one},${middle}H${x}` });
  };
  const change = to => {
    const kept = clamp(to, axis.least, axis.most);
    state.weights = { ...state.weights, [name]: 10 ** kept };
    place();
    questions.ask({ weights: state.weights });
  };
  drag(track, track, {
    focus: handle, questions,
    begin([x], { target }) {             // the bar comes to where it was clicked
      if (target !== handle) change((x - axis.x(origin)) / axis.scale);
      return power();
    },
    move: (start, dx) => change(start + dx / axis.scale),
  });
  const nudge = by => change(Math.round((power() + by) * 1e6) / 1e6);
  const ends = { Home: axis.least, End: axis.most, "1": 0 }, pages = { PageUp: 1, PageDown: -1 };
  onArrows(handle, (dx, dy) => nudge(dx - dy), { step: 0.1,
    other({ key, altKey }) {
      if (key in ends) change(ends[key]);
      else if (key in pages) nudge(pages[key] * (altKey ? 0.1 : 1));
      else return false;
      return true;
    },
  });
  return {
    place,
    draw(row) {
      place();
      set(handle, { "aria-valuenow": state.weights[name],
        "aria-valuetext": `${row.weight}, pull ${row.pull}, ${row.percent}` });
    },
  };
}

const POWERS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
function drawTicks(axis, parent) {
  const ticks = svg("svg", { class: "ticks", viewBox: `0 0 ${LONG} 16`, width: LONG, height: 16,
    "aria-hidden": true }, parent);
  for (let power = axis.low; power <= axis.high; power++) {
    const digits = [...String(Math.abs(power))].map(d => POWERS[d]).join("");
    svg("text", { x: axis.x(power), y: 12 }, ticks).textContent =
      power === 0 ? "1" : power === 1 ? "10" : `10${power < 0 ? "⁻" : ""}${digits}`;
  }
}

// ---- The table: one row for each loss -----------------------------------------------------------

const cell = (row, column, tag = "td") => {
  const node = html(tag, { role: tag === "th" ? "rowheader" : "cell" }, row);
  node.dataset.label = COLUMNS[column];
  node.dataset.column = column;
  return node;
};

function makeTable(model, state, questions, parent) {
  const table = html("table", { className: "losses", role: "table" }, parent);
  html("caption", { textContent: "Each loss pulls at the backbone: the tick is its gradient as it is " +
    "(w = 1), the handle its weighted pull. Handles in one column pull equally hard." }, table);
  const head = html("tr", { role: "row" }, html("thead", { role: "rowgroup" }, table));
  for (const textContent of COLUMNS) {
    html("th", { textContent, scope: "col", role: "columnheader" }, head);
  }
  const axis = makeAxis(model), body = html("tbody", { role: "rowgroup" }, table);
  const lines = model.get("names").map((name, k) => {
    const row = html("tr", { role: "row" }, body);
    row.dataset.loss = name;
    html("span", { textContent: name }, cell(row, 0, "th"));
    const texts = {}, text = (key, column) => {
      const node = cell(row, column);
      node.classList.add("number");
      texts[key] = html("span", {}, node);
      return node;
    };
    const bar = (node, length) => svg("rect", { y: 2, height: 8 },
      svg("svg", { class: "meter", width: length, height: 12, "aria-hidden": true }, node));
    text("loss", 1);
    text("weight", 2);
    const track = makeTrack(axis, name, model.get("lengths")[k], state, questions, cell(row, 3));
    text("pull", 4);
    const share = bar(text("percent", 5), SHARE), cosine = bar(text("angle", 6), COSINE);
    svg("path", { d: `M${COSINE / 2},0V12` }, cosine.parentNode);
    text("change", 7);
    text("measured", 8);
    return { row, track, texts, share, cosine };
  });
  const foot = html("tr", { className: "axis" }, body);
  for (let k = 1; k < START; k++) html("td", {}, foot);
  drawTicks(axis, html("td", {}, foot));
  return {
    draw(view) {
      view.rows.forEach((row, k) => {
        const { track, texts, share, cosine, row: line } = lines[k];
        for (const [key, node] of Object.entries(texts)) write(node, row[key]);
        track.draw(row);
        set(share, { width: row.share * SHARE });
        const end = COSINE / 2 * (1 + row.cosine);
        set(cosine, { x: Math.min(end, COSINE / 2), width: Math.abs(end - COSINE / 2),
          class: row.sign < 0 ? "against" : "along" });
        set(line, { class: row.sign < 0 ? "rises" : "" });
      });
    },
  };
}

// ---- Cosines of every two, and controls ---------------------------------------------------------

function drawCosines(model, parent) {
  const names = model.get("names"), broken = name => name.replace("_", "_\u200b");
  const body = startTable(parent, "Cosine between every two gradients: + they agree, \u2212 they " +
    "oppose each other. No weight changes it.", ["", ...names.map(broken)],
    { className: "cosines" });
  model.get("cosines").forEach((row, i) => {
    const line = html("tr", {}, body);
    html("th", { textContent: names[i], scope: "row" }, line);
    row.forEach((value, j) => {
      const shown = value.toFixed(2);
      const node = html("td", { textContent: i === j ? "1" : shown.replace("-", "\u2212") }, line);
      node.className = i === j ? "self" : Number(shown) < 0 ? "against" : "along";
      node.style.setProperty("--depth", `${Math.round(100 * Math.sqrt(Math.min(1, Math.abs(value))))}%`);
    });
  });
}

function makePresets(model, tell, parent) {
  const group = html("div", { className: "presets", role: "group", ariaLabel: "Presets" }, parent);
  const buttons = Object.keys(model.get("presets")).map(name => {
    const button = makeButton(name, "preset", group, () => tell({ preset: name }));
    button.dataset.preset = name;
    return button;
  });
  const formula = html("span", { className: "formula" }, group);
  return {
    draw(view) {
      for (const one of buttons) one.ariaPressed = one.dataset.preset === model.get("preset");
      write(formula, view.formula);
    },
  };
}

function makeStep(model, tell, parent) {
  makeSlider(model, "step", { min: -3, max: 0, step: 0.25 }, "length of the step ", parent,
    v => String(Number(v.toPrecision(2))), power => 10 ** power, Math.log10);
  makeButton("Take it and measure", "take", parent, () => tell({ take: true }));
}

// ---- All together -------------------------------------------------------------------------------

function render({ model, el: root }) {
  startPage(root, "minseg-balance");
  const state = { weights: {} };
  const read = () => { state.weights = { ...model.get("weights") }; };
  read();
  const questions = makeQuestions(model);
  const presets = makePresets(model, questions.tell, root);
  const table = makeTable(model, state, questions, root);
  const facts = html("p", { className: "facts" }, root);
  const below = html("div", { className: "below" }, root);
  drawCosines(model, below);
  const side = html("div", { className: "side" }, below);
  makeStep(model, questions.tell, side);
  const sum = html("p", {}, side);
  html("p", { textContent: "A step goes along minus the weighted sum. \u25bc a loss that it lowers, " +
    "\u25b2 one that it raises: its gradient points against the sum. Keys on a handle: arrows, " +
    "with Alt finer, Page up and down for \u00d7 10, 1 for w = 1." }, side);

  const drawing = drawOnChange(model, root, view => {
    if (questions.quiet()) read();
    presets.draw(view);
    table.draw(view);
    write(sum, view.sum);
    write(facts, view.facts);
  });
  drawing.now();
  return drawing.stop;
}

export default { render };
