// Draws what numbers.py computed, and tells widget.py where the box and the pointer are.
// Positions are in image pixels; nothing the lesson teaches is computed here.
const WIDTH = 620;                       // widest drawing of the image, screen pixels
const SMALLEST = 1;                      // image pixels: the least width and height of the box
const NAMES = { pool: "RoI pooling", align: "RoIAlign", exact: "exact average" };
const EDGES = ["left", "top", "right", "bottom"];
const LEGEND = [["pool", "RoI pooling: the cells it reads, and its bins"],
                ["align", "RoIAlign: the box, its bins and sampling points"],
                ["near", "the four neighbours of one point, by weight"]];
const signed = (v, digits) => (v < 0 ? "−" : "+") + Math.abs(v).toFixed(digits);

// ---- The map: image, grid, what each operator reads, and the box to drag ---------------------

function makeMap(model, parent) {
  const [height, width] = model.get("size");
  const map = svg("svg", { class: "map", width: WIDTH,
    height: Math.round(WIDTH * height / width) }, parent);
  const photo = svg("image", { width, height }, map);
  const features = svg("image", { class: "features", preserveAspectRatio: "none" }, map);
  const grid = svg("path", { class: "grid" }, map);
  const bands = svg("g", { class: "pool-bins" }, map);
  const pooled = svg("rect", { class: "pool-box" }, map);
  const bins = svg("path", { class: "align-bins" }, map);
  const samples = svg("path", { class: "samples" }, map);
  const circles = [0, 1, 2, 3].map(() => svg("circle", { class: "neighbour" }, map));
  const here = svg("circle", { class: "here" }, map);
  const box = svg("rect", { class: "movable box", tabindex: 0, role: "application",
    "aria-label": "Region of interest. Arrow keys move it by one image pixel, Shift and arrow " +
      "keys resize it, Alt makes the steps ten times smaller." }, map);
  const handles = [[0, 1], [2, 1], [0, 3], [2, 3]].map(corner =>
    [svg("circle", { class: "handle" }, map), corner]);

  const drawWindow = () => {                           // the part of the image that is shown
    const [x1, y1, x2, y2] = model.get("window");
    set(map, { viewBox: `${x1} ${y1} ${x2 - x1} ${y2 - y1}` });
    const pixel = (x2 - x1) / (map.clientWidth || WIDTH);  // a screen pixel, in those of the image
    for (const [node] of handles) set(node, { r: 6 * pixel });
    set(here, { r: 2.5 * pixel });
  };
  const drawGrid = () => {
    const stride = model.get("stride");
    const rows = Math.ceil(height / stride), columns = Math.ceil(width / stride);
    let d = "";
    for (let x = stride; x < width; x += stride) d += `M${x} 0V${height}`;
    for (let y = stride; y < height; y += stride) d += `M0 ${y}H${width}`;
    set(grid, { d });
    set(features, { width: columns * stride, height: rows * stride });
    showPng(features, model.get("features_png"));
  };
  const drawBackdrop = () => set(features,
    { visibility: model.get("backdrop") === "features" ? "visible" : "hidden" });
  const drawPointing = () => {
    const visibility = model.get("pointing") ? "visible" : "hidden";
    for (const node of [...circles, here]) set(node, { visibility });
  };
  const drawBands = ({ box: [left, top, right, bottom], rows, columns }) => {
    const all = [...columns.map(([a, b]) => [a, top, b, bottom]),
                 ...rows.map(([a, b]) => [left, a, right, b])];
    keepCount(bands, all.length, () => svg("rect", {}, bands));
    all.forEach((band, i) => rectangle(bands.childNodes[i], band));
  };
  const drawSamples = ({ rows, columns, samples: [xs, ys] }) => {
    const [left, right] = [columns[0], columns.at(-1)], [top, bottom] = [rows[0], rows.at(-1)];
    set(bins, { d: columns.map(x => `M${x} ${top}V${bottom}`).join("") +
      rows.map(y => `M${left} ${y}H${right}`).join("") });
    set(samples, { d: ys.map(y => xs.map(x => `M${x} ${y}h0`).join("")).join("") });
  };
  const drawPoint = ({ at: [x, y], neighbours }) => {
    const reach = 0.45 * model.get("stride");
    neighbours.forEach(([cx, cy, weight], i) =>
      set(circles[i], { cx, cy, r: reach * Math.sqrt(weight) }));
    set(here, { cx: x, cy: y });
  };
  showPng(photo, model.get("photo_png"));
  return {
    map, box, handles, drawWindow, drawGrid, drawBackdrop, drawPointing,
    place(b) {                                         // at once: the box waits for no answer
      rectangle(box, b);
      for (const [node, [x, y]] of handles) set(node, { cx: b[x], cy: b[y] });
    },
    draw(view) {
      drawBands(view.pooled);
      rectangle(pooled, view.pooled.box);
      drawSamples(view.aligned);
      drawPoint(view.point);
    },
  };
}

function makeLegend(model, parent) {
  const legend = html("div", { className: "legend" }, parent);
  const entries = LEGEND.map(([name, text]) => {
    const entry = html("span", {}, legend);
    html("span", { className: `swatch ${name}` }, entry);
    entry.append(text);
    return entry;
  });
  const follow = () => { entries.at(-1).hidden = !model.get("pointing"); };
  model.on("change:pointing", follow);
  follow();
}

// ---- Numbers: the outputs, how far edges moved, the equation ---------------------------------

function makeOutputs(parent) {
  const tables = {}, row = html("div", { className: "outputs" }, parent);
  for (const name of Object.keys(NAMES)) {
    const table = html("table", { className: name }, row);
    tables[name] = { caption: html("caption", {}, table), body: html("tbody", {}, table) };
  }
  const rebuild = size => {
    for (const { body } of Object.values(tables)) {
      body.replaceChildren();
      for (let r = 0; r < size; r++) {
        const line = html("tr", {}, body);
        for (let c = 0; c < size; c++) html("td", {}, line);
      }
    }
  };
  return view => {
    const size = view.exact.length;
    if (tables.exact.body.rows.length !== size) rebuild(size);
    const flat = view.exact.flat(), low = Math.min(...flat), high = Math.max(...flat);
    for (const [name, { caption, body }] of Object.entries(tables)) {
      write(caption, NAMES[name] +
        (name in view.errors ? `, error ${view.errors[name].toFixed(4)}` : ""));
      const [rows, columns] = [view.pooled.rows, view.pooled.columns];
      view[name].forEach((line, r) => line.forEach((value, c) => {
        const cell = body.rows[r].cells[c];
        const empty = name === "pool" && (rows[r][0] >= rows[r][1] || columns[c][0] >= columns[c][1]);
        write(cell, empty ? "empty" : value.toFixed(size > 4 ? 2 : 3));
        const shade = clamp((value - low) / (high - low || 1), 0, 1);
        const colour = `rgba(127,127,127,${(0.05 + 0.4 * shade).toFixed(2)})`;
        if (cell.dataset.colour !== colour) {
          cell.dataset.colour = cell.style.backgroundColor = colour;
        }
      }));
    }
  };
}

function makeOffsets(model, parent) {
  const body = startTable(parent, "How far edges moved: cells (image px)", ["", "RoI pooling", "RoIAlign"],
    { className: "offsets" });
  const cells = EDGES.map(edge => {
    const line = html("tr", {}, body);
    html("th", { textContent: edge, scope: "row" }, line);
    return ["pool", "align"].map(className => html("td", { className }, line));
  });
  return view => {
    const stride = model.get("stride");
    [view.pooled, view.aligned].forEach(({ offset }, k) => offset.forEach((v, i) =>
      write(cells[i][k], `${signed(v, 2)} (${signed(v * stride, 1)})`)));
  };
}

function makeEquation(model, parent) {
  const lines = [0, 1].map(() => html("p", { className: "equation" }, parent));
  const show = () => lines.forEach(line => { line.hidden = !model.get("pointing"); });
  model.on("change:pointing", show);
  show();
  return ({ equation }) => lines.forEach((line, i) => write(line, equation[i]));
}

// ---- The sweep: how the middle bin answers while the box slides -------------------------------

function makeSweep(model, parent) {
  const [w, h, pad] = [430, 170, 24];
  const plot = svg("svg", { class: "sweep", width: w, height: h, role: "img", "aria-label":
    "The middle bin's output while the box slides by one feature pixel to each side: RoI " +
    "pooling a staircase, RoIAlign close to the exact average." }, parent);
  const lines = {};
  for (const name of ["exact", "pool", "align"]) {
    lines[name] = svg("polyline", { class: name }, plot);
  }
  Object.entries(NAMES).forEach(([name, text], i) => {
    svg("text", { class: name, x: pad + 100 * i, y: 12 }, plot).textContent = text;
  });
  svg("line", { class: "now", x1: w / 2, x2: w / 2, y1: 20, y2: h - pad }, plot);
  const label = svg("text", { x: w / 2, y: h - 6, "text-anchor": "middle" }, plot);
  return view => {
    plot.style.display = view.sweep ? "" : "none";
    if (!view.sweep) return;
    const { shift, ...series } = view.sweep;
    const values = Object.values(series).flat();
    const low = Math.min(...values), high = Math.max(...values);
    const x = v => pad + (v + 1) / 2 * (w - 2 * pad);
    const y = v => h - pad - (v - low) / (high - low || 1) * (h - pad - 24);
    for (const [name, line] of Object.entries(lines)) {
      set(line, { points: shift.map((s, i) => `${x(s).toFixed(1)},${y(series[name][i]).toFixed(1)}`)
        .join(" ") });
    }
    write(label, `box slid by −1 … +1 feature px (±${model.get("stride")} image px); ` +
      `middle bin, ${low.toFixed(3)} … ${high.toFixed(3)}`);
  };
}

// ---- Controls -------------------------------------------------------------------------------

function makeControls(model, parent) {
  const row = html("div", { className: "controls" }, parent);
  const square = n => [n, `${n}×${n}`];
  makeSelect(model, "stride", [4, 8, 16, 32], "stride ", row, Number);
  makeSelect(model, "output_size", [1, 2, 3, 4, 5, 6, 7].map(square), "bins ", row, Number);
  makeSelect(model, "sampling_ratio", [[0, "adaptive"], ...[1, 2, 3, 4].map(square)],
    "samples a bin ", row, Number);
  makeSelect(model, "zoom", [["whole", "all of it"], ["near", "the box"]], "look at ", row);
  makeSelect(model, "backdrop", ["photo", "features"], "show ", row);
  makeTick(model, "sweeping", "sweep", row);
  makeTick(model, "pointing", "point", row);
  return row;
}

function makeConventions(model, parent) {
  const details = html("details", {}, parent);
  html("summary", { textContent: "Conventions" }, details);
  const row = html("div", { className: "controls" }, details);
  makeTick(model, "aligned", "RoIAlign: aligned", row);
  makeSelect(model, "rounding", ["round", "floor"], "RoI pooling: rounds with ", row);
  makeTick(model, "inclusive", "and adds 1", row);
}

function makeCode(model, controls, parent) {
  const details = html("details", { className: "call" }, parent);
  html("summary", { textContent: "The call that gives these numbers" }, details);
  const code = html("pre", { className: "code" }, details);
  const follow = () => { if (details.open) write(code, model.get("code")); };
  model.on("change:code", follow);
  details.addEventListener("toggle", follow);
  const button = makeButton("Copy as Python", "copy", controls, async () => {
    try {
      await navigator.clipboard.writeText(model.get("code"));
      button.textContent = "Copied";
    } catch {
      details.open = true;                             // no clipboard: show it, to copy by hand
      button.textContent = "Copy it below";
    }
    setTimeout(() => { button.textContent = "Copy as Python"; }, 1500);
  });
}

// A box that is moved or resized stays in the part of the image that is shown.
function keptIn([x1, y1, x2, y2], moved, before) {
  const size = b => `${(b[2] - b[0]).toFixed(6)} ${(b[3] - b[1]).toFixed(6)}`;
  if (size(moved) !== size(before)) {
    return moved.map((v, i) => i % 2 ? clamp(v, y1, y2) : clamp(v, x1, x2));
  }
  const across = Math.max(x1 - moved[0], 0) + Math.min(x2 - moved[2], 0);
  const down = Math.max(y1 - moved[1], 0) + Math.min(y2 - moved[3], 0);
  return moved.map((v, i) => v + (i % 2 ? down : across));
}

// ---- All together -----------------------------------------------------------------------------

function render({ model, el: root }) {
  startPage(root, "minseg-roi");
  const controls = makeControls(model, root);
  const stage = html("div", { className: "stage" }, root);
  const left = html("div", { className: "left" }, stage);
  const map = makeMap(model, left);
  makeLegend(model, left);
  const side = html("div", { className: "side" }, stage);
  const parts = [makeOutputs(side), makeOffsets(model, side), makeSweep(model, side)];
  const equation = makeEquation(model, root);
  makeConventions(model, root);
  makeCode(model, controls, root);

  let box = [...model.get("box")];
  const questions = makeQuestions(model);
  dragBox(map.map, map.box, map.handles, {
    questions, smallest: SMALLEST, size: model.get("size"),
    get: () => box,
    put(moved, point) {
      box = keptIn(model.get("window"), moved, box);
      map.place(box);
      questions.ask(point ? { box, point } : { box });
    },
  });
  map.map.addEventListener("pointermove", event => {   // the equation follows the bare pointer, too
    if (!questions.held) questions.ask({ point: whereIn(map.map, event) });
  });

  const drawing = drawOnChange(model, root, view => {
    if (questions.quiet()) box = [...model.get("box")];
    map.place(box);
    map.draw(view);
    for (const part of parts) part(view);
    equation(view.point);
    root.dataset.box = model.get("box").map(v => v.toFixed(3)).join(",");
  });
  model.on("change:features_png", map.drawGrid);
  model.on("change:backdrop", map.drawBackdrop);
  model.on("change:pointing", map.drawPointing);
  model.on("change:window", map.drawWindow);
  for (const draw of [map.drawWindow, map.drawGrid, map.drawBackdrop, map.drawPointing]) draw();
  const resized = new ResizeObserver(map.drawWindow);  // handles are as large on every screen
  resized.observe(map.map);
  drawing.now();
  return () => { resized.disconnect(); drawing.stop(); };
}

export default { render };
