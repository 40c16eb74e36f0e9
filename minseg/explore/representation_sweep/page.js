// Draws what numbers.py computed, and tells widget.py how far the budget is moved. Positions are in
// image pixels; nothing is written down or judged here.
const SCREEN = 400;                      // the drawing's width, screen pixels
const PLOT = { width: 380, height: 300, left: 46, top: 10, bottom: 36 };
const BYTES = [3, 10, 30, 100, 300, 1000, 3000];

// ---- The map: what comes back -------------------------------------------------------------------

function makeMap(model, parent) {
  const size = model.get("size");
  const map = svg("svg", { class: "map errors", viewBox: `0 0 ${size} ${size}`, width: SCREEN,
    height: SCREEN, role: "img" }, parent);
  const layers = ["kept", "missed", "added", "lines", "outline"]
    .map(name => [name, svg("path", { class: name }, map)]);
  const marks = svg("g", { class: "marks" }, map);
  const lines = ([x1, y1, x2, y2, n]) => {
    let d = "";
    for (let k = 0; k <= n; k += 1) {
      const x = x1 + (x2 - x1) * k / n, y = y1 + (y2 - y1) * k / n;
      d += `M${x} ${y1}V${y2}M${x1} ${y}H${x2}`;
    }
    return d;
  };
  return view => {
    for (const [name, node] of layers) {
      set(node, { d: name === "lines" ? (view.grid.length ? lines(view.grid) : "") : view[name] });
    }
    keepCount(marks, view.marks.length, () => svg("circle", { r: 0.8 }, marks));
    view.marks.forEach(([cx, cy], k) => set(marks.children[k], { cx, cy }));
    set(map, { "aria-label": "The mask that comes back. " + view.facts });
  };
}

// ---- The plot: IoU over bytes -------------------------------------------------------------------

function makePlot(parent, choose) {
  const { width, height, left, top, bottom } = PLOT;
  const plot = svg("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, width, height,
    role: "img" }, parent);
  const low = Math.log(3), high = Math.log(5000);
  const x = bytes => left + (Math.log(bytes) - low) / (high - low) * (width - left - 12);
  const y = iou => height - bottom - iou * (height - bottom - top);
  svg("rect", { class: "frame", x: left, y: top, width: width - left - 12,
    height: height - bottom - top }, plot);
  for (const v of BYTES) svg("text", { x: x(v), y: y(0) + 14 }, plot).textContent = v;
  for (const v of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    svg("text", { x: left - 14, y: y(v) + 4 }, plot).textContent = v;
    svg("path", { class: "rule", d: `M${left} ${y(v)}H${width - 12}` }, plot);
  }
  svg("text", { x: (left + width) / 2, y: height - 4 }, plot).textContent = "bytes";
  const exact = svg("path", { class: "exact" }, plot);
  const said = svg("text", { class: "said" }, plot);
  const lines = { boundary: svg("polyline", { class: "boundary" }, plot),
                  iou: svg("polyline", { class: "iou" }, plot) };
  const dots = svg("g", {}, plot), now = svg("circle", { class: "now", r: 8 }, plot);
  const points = (list, k) => list.map(p => `${x(p[0]).toFixed(1)},${y(p[k]).toFixed(1)}`).join(" ");
  return view => {
    set(lines.iou, { points: points(view.points, 1) });
    set(lines.boundary, { points: points(view.points, 2) });
    keepCount(dots, view.points.length, k =>
      svg("circle", { class: "dot", r: 4 }, dots).addEventListener("click", () => choose(k)));
    view.points.forEach(([bytes, iou], k) => set(dots.children[k], { cx: x(bytes), cy: y(iou) }));
    set(exact, { d: `M${x(view.exact)} ${y(0)}V${y(1)}` });
    set(said, { x: x(view.exact) + 4, y: y(0) - 6 });
    write(said, `run lengths: exact, ${view.exact}`);
    const [bytes, iou] = view.points[view.step];
    set(now, { cx: x(bytes), cy: y(iou) });
    set(plot, { "aria-label": `IoU over bytes, ${view.points.length} budgets. ` + view.facts });
  };
}

// ---- Controls, and the table --------------------------------------------------------------------

function makeControls(model, state, changed, parent) {
  const row = html("div", { className: "controls" }, parent);
  makeSelect(model, "thing", model.get("things"), "mask ", row);
  makeSelect(model, "kind", model.get("kinds"), "written as ", row);
  const label = html("label", { textContent: "budget " }, row);
  const slider = html("input", { type: "range", min: 0, step: 1 }, label);
  slider.dataset.trait = "step";
  const what = html("output", {}, label);
  slider.addEventListener("input", () => { state.step = Number(slider.value); changed(); });
  arrowsStep(slider);
  return view => {
    slider.max = view.points.length - 1;
    slider.value = state.step;
    set(slider, { "aria-valuetext": view.what });
    write(what, view.what);
  };
}

function makeTable(parent) {
  const body = startTable(parent, "What comes back", []);
  return rows => {
    keepCount(body, rows.length, () => {
      const row = html("tr", {}, body);
      html("th", { scope: "row" }, row);
      html("td", {}, row);
    });
    rows.forEach((texts, k) => texts.forEach((text, i) => write(body.rows[k].cells[i], text)));
  };
}

// ---- All together -------------------------------------------------------------------------------

function render({ model, el: root }) {
  startPage(root, "minseg-sweep");
  const state = { step: model.get("view").step };
  const questions = makeQuestions(model);
  const changed = () => questions.ask({ step: state.step });
  const controls = makeControls(model, state, changed, root);
  const stage = html("div", { className: "stage" }, root);
  const left = html("div", {}, stage), right = html("div", {}, stage);
  makeKey(left, MASK_ERRORS);
  const parts = [controls, makeMap(model, left),
                 makePlot(right, k => { state.step = k; changed(); })];
  makeKey(right, [["iou", "IoU"], ["boundary", "boundary IoU"]], "line");
  const table = makeTable(right);

  const drawing = drawOnChange(model, root, view => {
    if (questions.quiet()) state.step = view.step;
    for (const part of parts) part(view);
    table(view.rows);
  });
  drawing.now();
  return drawing.stop;
}

export default { render };
