// Draws what numbers.py computed, and tells widget.py where things are dragged and which cell is
// chosen. Positions are in image pixels; who owns a cell is not computed here.
const NEAR = 4;                          // screen pixels: a click that has not become a drag

// ---- The scene: the grid, its owned cells, the chosen cell, things to drag ------------------------

const cellsPath = (places, grid, [height, width]) => {
  const h = height / grid, w = width / grid;
  return places.map(p => `M${(p % grid) * w} ${Math.floor(p / grid) * h}h${w}v${h}h${-w}Z`).join("");
};
const crossesPath = (places, grid, [height, width]) => {
  const h = height / grid, w = width / grid;
  return places.map(p => {
    const x = (p % grid) * w, y = Math.floor(p / grid) * h;
    return `M${x} ${y}l${w} ${h}M${x + w} ${y}l${-w} ${h}`;
  }).join("");
};
const linesPath = (grid, [height, width]) => Array.from({ length: grid - 1 }, (_, k) =>
  `M${(k + 1) * width / grid} 0V${height}M0 ${(k + 1) * height / grid}H${width}`).join("");

function makeScene(model, state, questions, changed, parent) {
  const size = model.get("size"), [height, width] = size;
  const colours = model.get("colours"), colour = k => colours[k % colours.length];
  const map = startImage(model, parent);
  svg("rect", { class: "ground", width, height }, map);
  const owned = svg("g", { class: "owned" }, map), lines = svg("path", { class: "lines" }, map);
  const crosses = svg("path", { class: "crosses" }, map);
  const strips = svg("path", { class: "strips" }, map);
  const regions = svg("g", { class: "regions" }, map);
  const cell = svg("rect", { class: "cell", tabindex: 0, role: "application", "aria-label":
    "The chosen cell. Arrow keys choose another." }, map);
  const shapes = makeShapes(model, state, questions, map, { changed,
    name: k => `Thing ${k + 1}`, tag: k => k + 1 });

  const choose = (i, j) => {
    const last = model.get("grid") - 1, to = [clamp(i, 0, last), clamp(j, 0, last)];
    if (`${to}` === `${state.cell}`) return;
    state.cell = to;
    placeCell();
    questions.ask({ cell: to });
  };
  const pick = ([x, y]) => {
    const grid = model.get("grid");
    choose(Math.floor(y / height * grid), Math.floor(x / width * grid));
  };
  const placeCell = () => {
    const grid = model.get("grid"), [i, j] = state.cell, h = height / grid, w = width / grid;
    rectangle(cell, [j * w, i * h, (j + 1) * w, (i + 1) * h]);
    set(strips, { d: model.get("decoupled")
      ? `M0 ${i * h}h${width}v${h}h${-width}ZM${j * w} 0h${w}v${height}h${-w}Z` : "" });
  };
  // A click chooses a cell, on a thing too; a press that goes somewhere has dragged the thing.
  let press = [0, 0];
  map.addEventListener("pointerdown", ({ clientX, clientY }) => { press = [clientX, clientY]; },
    { capture: true });
  map.addEventListener("click", event => {
    if (Math.hypot(event.clientX - press[0], event.clientY - press[1]) >= NEAR) return;
    pick(whereIn(map, event));
    if (!event.target.classList.contains("movable")) cell.focus({ preventScroll: true });
  });
  onArrows(cell, (dx, dy) => choose(state.cell[0] + dy, state.cell[1] + dx), { fine: 1 });
  return {
    place() { shapes.place(); placeCell(); },
    draw({ owner, contested, regions: boxes, centres, taught }) {
      const grid = model.get("grid");
      set(lines, { d: linesPath(grid, size) });
      set(crosses, { d: crossesPath(contested, grid, size) });
      keepCount(owned, boxes.length, () => svg("path", {}, owned));
      keepCount(regions, 2 * boxes.length, n => svg(n % 2 ? "circle" : "rect", { r: 1.6 }, regions));
      boxes.forEach((box, k) => {
        const mine = owner.flatMap((thing, place) => thing === k ? [place] : []);
        set(owned.children[k], { d: cellsPath(mine, grid, size), fill: colour(k) });
        rectangle(regions.children[2 * k], box);
        set(regions.children[2 * k + 1], { cx: centres[k][0], cy: centres[k][1] });
      });
      shapes.groups().forEach((group, k) => {
        set(group, { class: (k === state.chosen ? "chosen" : "") + (k === taught ? " taught" : "") });
        group.style.setProperty("--ink", colour(k));
      });
    },
  };
}

// ---- The table: a row for each thing ---------------------------------------------------------------

function makeTable(model, state, changed, parent) {
  const body = startTable(parent, "What each thing gets of the grid",
    ["", "form", "√(wh), px", "claims", "keeps", ""], { className: "wide things" });
  const makeRow = k => {
    const row = html("tr", {}, body);
    row.dataset.shape = k + 1;
    html("th", { textContent: k + 1, scope: "row" }, row);
    const kind = makeKind(state, k, model.get("classes"), `Form of thing ${k + 1}`, changed,
      html("td", {}, row));
    const cells = Array.from({ length: 4 }, () => html("td", { className: "told" }, row));
    row.addEventListener("pointerdown", () => state.choose(k));
    return { row, kind, cells };
  };
  const lines = state.boxes.map((_, k) => makeRow(k));
  const cell = html("p", { className: "about" }, parent);
  html("p", { className: "key", textContent: "Filled cells belong to the thing of their colour; " +
    "a cross marks a cell that several claim. Dotted: a centre region, with the centre of mass. " +
    "Click a cell, or move the chosen one with the arrow keys." }, parent);
  return {
    draw({ rows, cell: text, taught }) {
      lines.forEach(({ row, kind, cells }, k) => {
        set(row, { class: k === taught ? "chosen" : "" });
        kind();
        cells.forEach((node, c) => write(node, rows[k][c]));
      });
      write(cell, text);
    },
  };
}

// ---- Controls, and all together --------------------------------------------------------------------

function makeControls(model, tell, parent) {
  const row = html("div", { className: "controls" }, parent);
  makeSlider(model, "grid", { min: 3, max: 24, step: 1 }, "S ", row);
  makeSlider(model, "epsilon", { min: 0, max: 1, step: 0.05 }, "ε ", row, v => v.toFixed(2));
  makeSelect(model, "sizes", model.get("ranges"), "takes things ", row);
  makeTick(model, "decoupled", "decoupled: rows and columns", row);
  makeButton("Put all back", "reset", row, () => tell({ reset: true }));
}

function render({ model, el: root }) {
  startPage(root, "minseg-grid");
  const state = shapesState(model, ["boxes", "kinds"]);
  state.cell = [...model.get("cell")];
  const questions = makeQuestions(model);
  const changed = () => { scene.place(); questions.ask(state.sent()); };
  makeControls(model, questions.tell, root);
  const stage = html("div", { className: "stage" }, root);
  const scene = makeScene(model, state, questions, changed, stage);
  const side = html("div", { className: "side" }, stage);
  const parts = [scene, makeTable(model, state, changed, side)];
  const facts = html("p", { className: "facts" }, root);
  const drawing = drawOnChange(model, root, view => {
    if (questions.quiet()) {
      state.read();
      state.cell = [...model.get("cell")];
    }
    scene.place();
    for (const part of parts) part.draw(view);
    write(facts, view.facts);
  });
  state.choose = k => { if (k !== state.chosen) { state.chosen = k; drawing.soon(); } };
  drawing.now();
  return drawing.stop;
}

export default { render };
