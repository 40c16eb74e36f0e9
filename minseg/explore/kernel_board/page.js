// Draws what numbers.py computed, and tells widget.py which cell is chosen. Positions are in image
// pixels; nothing of the model is computed here.
const SCREEN = 480;                      // the image's width, screen pixels
const BARS = { width: 400, height: 96 };
const SEEN = 0.1;                        // the probability from which a cell is marked

// ---- The image: the level's grid, cells that see something, the chosen one, its mask -------------

function makeMap(model, state, questions, parent) {
  const [height, width] = model.get("size"), [high, wide] = model.get("frame");
  const map = svg("svg", { class: "map", viewBox: `0 0 ${width} ${height}`, width: SCREEN,
    height: Math.round(SCREEN * height / width), tabindex: 0, role: "application", "aria-label":
    "Image with a grid. Arrow keys choose another cell, N the next one that sees something." },
    parent);
  const photo = svg("image", { width, height, class: "photo" }, map);
  showPng(photo, model.get("image_png"));
  const lines = svg("path", { class: "lines" }, map), seen = svg("path", { class: "seen" }, map);
  const things = svg("g", { class: "things" }, map), mask = svg("path", { class: "mask" }, map);
  const under = svg("rect", { class: "under" }, map), cell = svg("rect", { class: "cell" }, map);
  model.get("truths").forEach(([x1, y1], k) => {
    svg("text", { x: x1 + width / 200, y: y1 + width / 22, "font-size": width / 26 }, things)
      .textContent = k + 1;
  });

  const grid = () => model.get("levels")[model.get("level")].grid;
  const choose = (i, j) => {
    const to = [clamp(i, 0, grid() - 1), clamp(j, 0, grid() - 1)];
    if (`${to}` === `${state.cell}`) return;
    state.cell = to;
    place();
    questions.ask({ cell: to });
  };
  const pick = ([x, y]) => choose(Math.floor(y / high * grid()), Math.floor(x / wide * grid()));
  const place = () => {
    const [i, j] = state.cell, h = high / grid(), w = wide / grid();
    for (const node of [under, cell]) rectangle(node, [j * w, i * h, (j + 1) * w, (i + 1) * h]);
  };
  drag(map, map, { begin: at => { pick(at); return at; }, move: (_, dx, dy, at) => pick(at),
    questions });
  onArrows(map, (dx, dy) => choose(state.cell[0] + dy, state.cell[1] + dx), { fine: 1,
    other: event => event.key.toLowerCase() === "n" ? questions.tell({ next: true }) : false });

  let level = -1;
  const changeLevel = () => {
    level = model.get("level");
    const { grid: s, sure } = model.get("levels")[level], h = high / s, w = wide / s;
    set(lines, { d: Array.from({ length: s - 1 }, (_, k) =>
      `M${(k + 1) * w} 0V${height}M0 ${(k + 1) * h}H${width}`).join("") });
    set(seen, { d: sure.map((p, k) => p < SEEN ? ""
      : `M${(k % s) * w} ${Math.floor(k / s) * h}h${w}v${h}h${-w}Z`).join("") });
  };
  return {
    place,
    draw(view) {
      if (level !== model.get("level")) changeLevel();
      set(mask, { d: view.mask });
    },
    stop: () => URL.revokeObjectURL(photo.getAttribute("href")),
  };
}

// ---- What the cell says: classes, kernel, channels -------------------------------------------------

function makeClasses(parent) {
  const body = startTable(parent, "What the cell sees", [], { className: "classes" });
  return ({ scores }) => {
    while (body.rows.length < scores.length) {
      const row = html("tr", {}, body);
      html("th", { scope: "row" }, row);
      html("div", { className: "bar" }, html("td", {}, row));
      html("td", {}, row);
    }
    scores.forEach(([name, p], k) => {
      const [head, bar, number] = body.rows[k].cells;
      write(head, name);
      bar.firstChild.style.width = `${Math.round(100 * p)}px`;
      write(number, p.toFixed(2));
    });
  };
}

function makeKernel(parent) {
  const figure = html("figure", {}, parent), { width, height } = BARS;
  html("figcaption", { textContent: "Its kernel: a weight for each channel" }, figure);
  const plot = svg("svg", { class: "kernel", viewBox: `0 0 ${width} ${height}`, width, height,
    role: "img" }, figure);
  const bars = svg("g", {}, plot);
  svg("path", { class: "zero", d: `M0 ${height / 2}H${width}` }, plot);
  return ({ kernel, used, facts }) => {
    const most = Math.max(...kernel.map(Math.abs), 1e-6), wide = width / kernel.length;
    const draws = new Set(used);
    keepCount(bars, kernel.length, () => svg("rect", {}, bars));
    kernel.forEach((weight, e) => {
      const long = Math.abs(weight) / most * (height / 2 - 2);
      set(bars.children[e], { x: e * wide + 0.5, width: Math.max(wide - 1, 0.5), height: long,
        y: weight > 0 ? height / 2 - long : height / 2,
        class: (weight > 0 ? "up" : "down") + (draws.has(e) ? "" : " idle") });
    });
    set(plot, { "aria-label": `Kernel with ${kernel.length} weights. ${facts}` });
  };
}

function makeChannels(parent) {
  const figure = html("figure", { className: "channels" }, parent);
  html("figcaption", { textContent: "The strongest channels: what they add (blue up, orange down)" },
    figure);
  const row = html("div", { className: "pictures" }, figure);
  return ({ strongest, used }) => {
    const draws = new Set(used);
    keepCount(row, strongest.length, () => {
      const one = html("div", {}, row);
      html("img", { alt: "" }, one);
      html("span", {}, one);
    });
    strongest.forEach(([e, weight, picture], k) => {
      const [image, text] = row.children[k].children;
      if (image.src !== picture) image.src = picture;
      image.alt = `What channel ${e} adds to the mask`;
      write(text, `${e}: ${weight}`);
      set(row.children[k], { class: draws.has(e) ? "" : "idle" });
    });
  };
}

function makeProbability(parent) {
  const figure = html("figure", {}, parent);
  html("figcaption", { textContent: "Its mask, as probabilities" }, figure);
  const image = html("img", { className: "probability", alt: "Probability of each pixel" }, figure);
  return ({ probability }) => { if (image.src !== probability) image.src = probability; };
}

// ---- Controls, and all together --------------------------------------------------------------------

function makeControls(model, questions, parent) {
  const row = html("div", { className: "controls" }, parent);
  makeSelect(model, "level", model.get("levels").map(({ grid }, k) => [k, `${grid} × ${grid}`]),
    "grid ", row, Number);
  const all = model.get("channels");
  makeSlider(model, "count", { min: 1, max: all, step: 1 }, "drawn by the strongest ", row,
    n => `${n} of ${all} channels`);
  makeButton("Next cell that sees something", "next", row, () => questions.tell({ next: true }));
}

function render({ model, el: root }) {
  startPage(root, "minseg-kernels");
  const state = { cell: [...model.get("cell")] };
  const questions = makeQuestions(model);
  makeControls(model, questions, root);
  const stage = html("div", { className: "stage" }, root);
  const map = makeMap(model, state, questions, stage);
  const side = html("div", { className: "side" }, stage);
  const top = html("div", { className: "top" }, side);
  const parts = [makeProbability(top), makeClasses(top), makeKernel(side), makeChannels(side)];
  html("p", { className: "key", textContent: "White: cells that see a class with at least 0.1. " +
    "Yellow: the chosen cell and its mask. Click a cell, or drag over the image." }, root);
  const facts = html("p", { className: "facts" }, root);
  const drawing = drawOnChange(model, root, view => {
    if (questions.quiet()) state.cell = [...model.get("cell")];
    map.place();
    map.draw(view);
    for (const draw of parts) draw(view);
    write(facts, view.facts);
  });
  drawing.now();
  return () => { drawing.stop(); map.stop(); };
}

export default { render };
