// Draws what numbers.py computed, and tells widget.py which query, layer and head are chosen.
// Positions are in image pixels; nothing of the model is computed here.
const SCREEN = 480, SMALL = 150;         // the widths of image and layers, screen pixels

// ---- The image: bright where the query looks, with its box; boxes of others to click --------------

// The image under a look, as wide as `screen` pixels; returns what changes it.
function makeScene(model, screen, parent, properties = {}) {
  const [height, width] = model.get("size"), [high, wide] = model.get("frame");
  const map = svg("svg", { viewBox: `0 0 ${width} ${height}`, width: screen,
    height: Math.round(screen * height / width), ...properties }, parent);
  const photo = svg("image", { width, height, class: "photo" }, map);
  showPng(photo, model.get("image_png"));
  const look = svg("image", { class: "look", width: wide, height: high,
    preserveAspectRatio: "none" }, map);
  const over = svg("g", {}, map);
  const under = svg("rect", { class: "under" }, map), box = svg("rect", { class: "box" }, map);
  return {
    map, over, look,
    draw(picture, at) {
      set(look, { href: picture });
      for (const node of [under, box]) rectangle(node, at);
    },
    stop: () => URL.revokeObjectURL(photo.getAttribute("href")),
  };
}

function makeMap(model, state, choose, parent) {
  const width = model.get("size")[1];
  const scene = makeScene(model, SCREEN, parent, { class: "map", tabindex: 0, role: "application",
    "aria-label": "Image, bright where the query looks. Up and down arrows choose another query, " +
      "left and right arrows another layer." });
  const mask = svg("path", { class: "mask" }, scene.over);
  model.get("truths").forEach(([x1, y1], k) => {
    svg("text", { class: "thing", x: x1 + width / 200, y: y1 + width / 22,
      "font-size": width / 26 }, scene.over).textContent = k + 1;
  });
  model.get("queries").forEach(({ sure, box }, k) => {
    if (!sure) return;
    const node = svg("rect", { class: "other", "data-query": k + 1 }, scene.map);
    rectangle(node, box);
    node.addEventListener("click", () => choose({ query: k }));
  });
  onArrows(scene.map, (dx, dy) => choose({ query: state.query + dy, layer: state.layer + dx }),
    { fine: 1 });
  return {
    stop: scene.stop,
    draw(view) {
      scene.draw(view.looks[state.layer], view.boxes[state.layer]);
      set(mask, { d: view.mask });
    },
  };
}

function makeLayers(model, state, choose, parent) {
  const strip = html("div", { className: "layers", role: "group", ariaLabel: "Decoder layers" },
    parent);
  const layers = model.get("view").looks.map((_, k) => {
    const button = html("button", { className: "layer" }, strip);
    button.dataset.layer = k + 1;
    const scene = makeScene(model, SMALL, button, { "aria-hidden": true });
    const text = html("span", {}, button);
    button.addEventListener("click", () => choose({ layer: k }));
    return { button, scene, text };
  });
  return {
    stop: () => layers.forEach(({ scene }) => scene.stop()),
    draw(view) {
      layers.forEach(({ button, scene, text }, k) => {
        scene.draw(view.looks[k], view.boxes[k]);
        write(text, `Layer ${k + 1}: ${view.rows[k][0]}`);
        set(button, { "aria-pressed": k === state.layer });
      });
    },
  };
}

// ---- Queries to choose, and what the chosen one says after each layer ------------------------------

function makeQueries(model, state, choose, parent) {
  const figure = html("figure", {}, parent);
  html("figcaption", { textContent: "Queries, and what they say in the end" }, figure);
  const list = html("div", { className: "queries", role: "group", ariaLabel: "Queries" }, figure);
  const chips = model.get("queries").map(({ text, sure }, k) => {
    const chip = html("button", { textContent: `${k + 1}: ${text}`,
      className: sure ? "sure" : "" }, list);
    chip.dataset.query = k + 1;
    chip.addEventListener("click", () => choose({ query: k }));
    return chip;
  });
  return { draw: () => chips.forEach((chip, k) => set(chip, { "aria-pressed": k === state.query })) };
}

function makeTable(state, parent) {
  const body = startTable(parent, " ", ["layer", "class", "mask IoU", "attention on it", "would learn"],
    { className: "rows" });
  const caption = body.parentElement.caption;
  return {
    draw({ rows }) {
      write(caption, `Query ${state.query + 1} after each layer`);
      fillTable(body, rows.map((row, k) => [k + 1, ...row]));
      [...body.rows].forEach((row, k) => set(row, { class: k === state.layer ? "chosen" : "" }));
    },
  };
}

// ---- Controls, and all together --------------------------------------------------------------------

function render({ model, el: root }) {
  startPage(root, "minseg-queries");
  const state = {}, last = { query: model.get("queries").length - 1,
                             layer: model.get("view").looks.length - 1 };
  const read = () => { for (const name of ["query", "layer"]) state[name] = model.get(name); };
  read();
  const questions = makeQuestions(model);
  const choose = wish => {
    const to = Object.fromEntries(Object.entries(wish)
      .map(([name, value]) => [name, clamp(value, 0, last[name])]));
    if (Object.entries(to).every(([name, value]) => state[name] === value)) return;
    Object.assign(state, to);
    questions.ask(to);
  };
  const row = html("div", { className: "controls" }, root);
  const heads = Array.from({ length: model.get("heads") }, (_, k) => [k + 1, `head ${k + 1}`]);
  makeSelect(model, "head", [[0, "all heads"], ...heads], "attention of ", row, Number);
  const stage = html("div", { className: "stage" }, root);
  const main = html("div", { className: "main" }, stage);
  const map = makeMap(model, state, choose, main), side = html("div", { className: "side" }, stage);
  const layers = makeLayers(model, state, choose, side);
  const parts = [map, layers, makeTable(state, side), makeQueries(model, state, choose, side)];
  html("p", { className: "key", textContent: "Bright: where the query looks. Yellow: its box and " +
    "its mask after this layer. Dotted: the boxes of all queries that find something; click one." },
    root);
  const facts = html("p", { className: "facts" }, root);
  const drawing = drawOnChange(model, root, view => {
    if (questions.quiet()) read();
    for (const part of parts) part.draw(view);
    write(facts, view.facts);
  });
  drawing.now();
  return () => { drawing.stop(); map.stop(); layers.stop(); };
}

export default { render };
