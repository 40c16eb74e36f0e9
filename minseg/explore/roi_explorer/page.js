// Draws what roi_explorer.py computed, and tells it where the box and the pointer are.
// Positions are in image pixels; nothing the lesson teaches is computed here.
const WIDTH = 440;                       // widest drawing of the image, screen pixels
const SMALLEST = 1;                      // image pixels: the least width and height of the box
const NAMES = { pool: "RoI pooling", align: "RoIAlign", exact: "exact average" };
const EDGES = ["left", "top", "right", "bottom"];

// ---- Small helpers -------------------------------------------------------------------------

const signed = (v, digits) => (v < 0 ? "−" : "+") + Math.abs(v).toFixed(digits);

// ---- The map: image, grid, what each operator reads, and the box to drag ---------------------

function makeMap(model, parent) {
  const [height, width] = model.get("size");
  const map = svg("svg", { class: "map", viewBox: `0 0 ${width} ${height}`, width: WIDTH,
    height: Math.round(WIDTH * height / width) }, parent);
  const photo = svg("image", { width, height }, map);
  const features = svg("image", { class: "features", preserveAspectRatio: "none" }, map);
  const grid = svg("path", { class: "grid" }, map);
  const bands = svg("g", { class: "pool-bins" }, map);
  const pooled = svg("rect", { class: "pool-box" }, map);
  const bins = svg("path", { class: "align-bins" }, map);
  const samples = svg("path", { class: "samples" }, map);
  const circles = [0, 1, 2, 3].map(() => svg("circle", { class: "neighbour" }, map));
  const here = svg("circle", { class: "here", r: 2.5 * width / WIDTH }, map);
  const box = svg("rect", { class: "box", tabindex: 0, role: "application",
    "aria-label": "Region of interest. Arrow keys move it by one image pixel, Shift and arrow " +
      "keys resize it, Alt makes the steps ten times smaller." }, map);
  const handles = [[0, 1], [2, 1], [0, 3], [2, 3]].map(([x, y]) => {
    const node = svg("circle", { class: "handle", r: 6 * width / WIDTH }, map);
    return Object.assign(node, { ends: [x, y] });
  });

  const picture = (node, trait) => {
    const url = URL.createObjectURL(new Blob([model.get(trait)], { type: "image/png" }));
    const old = node.getAttribute("href");
    set(node, { href: url });
    if (old) URL.revokeObjectURL(old);
  };
  const drawGrid = () => {
    const stride = model.get("stride");
    const rows = Math.ceil(height / stride), columns = Math.ceil(width / stride);
    let d = "";
    for (let x = stride; x < width; x += stride) d += `M${x} 0V${height}`;
    for (let y = stride; y < height; y += stride) d += `M0 ${y}H${width}`;
    set(grid, { d });
    set(features, { width: columns * stride, height: rows * stride });
    picture(features, "features_png");
  };
  const drawBackdrop = () => set(features,
    { visibility: model.get("backdrop") === "features" ? "visible" : "hidden" });
  const drawBands = ({ box: [left, top, right, bottom], rows, columns }) => {
    const all = [...columns.map(([a, b]) => [a, top, b, bottom]),
                 ...rows.map(([a, b]) => [left, a, right, b])];
    while (bands.childNodes.length < all.length) svg("rect", {}, bands);
    while (bands.childNodes.length > all.length) bands.lastChild.remove();
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
  picture(photo, "photo_png");
  return {
    map, box, handles, drawGrid, drawBackdrop,
    place(b) {                                         // at once: the box waits for nobody
      rectangle(box, b);
      for (const node of handles) set(node, { cx: b[node.ends[0]], cy: b[node.ends[1]] });
    },
    draw(view) {
      drawBands(view.pooled);
      rectangle(pooled, view.pooled.box);
      drawSamples(view.aligned);
      drawPoint(view.point);
    },
    at(event) {                                        // screen to image pixels
      const r = map.getBoundingClientRect();
      return [(event.clientX - r.left) * width / r.width,
              (event.clientY - r.top) * height / r.height];
    },
  };
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
  const table = html("table", { className: "offsets" }, parent);
  html("caption", { textContent: "How far each edge has moved: feature px (image px)" }, table);
  const head = html("tr", {}, html("thead", {}, table));
  for (const text of ["", ...EDGES]) html("th", { textContent: text, scope: "col" }, head);
  const body = html("tbody", {}, table);
  const cells = ["pool", "align"].map(name => {
    const line = html("tr", { className: name }, body);
    html("th", { textContent: NAMES[name], scope: "row" }, line);
    return EDGES.map(() => html("td", {}, line));
  });
  return view => {
    const stride = model.get("stride");
    [view.pooled, view.aligned].forEach(({ offset }, k) => offset.forEach((v, i) =>
      write(cells[k][i], `${signed(v, 2)} (${signed(v * stride, 1)})`)));
  };
}

function makeEquation(parent) {
  const lines = [0, 1].map(() => html("p", { className: "equation" }, parent));
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
  const bind = (node, trait, read, show) => {
    node.dataset.trait = trait;
    node.addEventListener("change", () => { model.set(trait, read()); model.save_changes(); });
    const follow = () => show(model.get(trait));
    model.on("change:" + trait, follow);
    follow();
  };
  const choose = (label, trait, options) => {
    const select = html("select", {}, html("label", { textContent: label + " " }, row));
    for (const [value, text] of options) html("option", { value, textContent: text ?? value }, select);
    const number = typeof options[0][0] === "number";
    bind(select, trait, () => (number ? Number(select.value) : select.value),
      v => { select.value = v; });
  };
  const tick = (label, trait) => {
    const holder = html("label", {}, row);
    const input = html("input", { type: "checkbox" }, holder);
    holder.append(" " + label);
    bind(input, trait, () => input.checked, v => { input.checked = v; });
  };
  choose("stride", "stride", [[4], [8], [16], [32]]);
  choose("show", "backdrop", [["photo"], ["features"]]);
  choose("bins", "output_size", [1, 2, 3, 4, 5, 6, 7].map(n => [n, `${n}×${n}`]));
  choose("samples a bin", "sampling_ratio",
    [[0, "adaptive"], ...[1, 2, 3, 4].map(n => [n, `${n}×${n}`])]);
  tick("aligned", "aligned");
  choose("pooling rounds with", "rounding", [["round"], ["floor"]]);
  tick("and adds 1", "inclusive");
  tick("sweep", "sweeping");
  return row;
}

function makeCode(model, controls, parent) {
  const button = html("button", { className: "copy", textContent: "Copy as Python" }, controls);
  const details = html("details", {}, parent);
  html("summary", { textContent: "The call that gives these numbers" }, details);
  const code = html("pre", { className: "code" }, details);
  const follow = () => { if (details.open) write(code, model.get("code")); };
  model.on("change:code", follow);
  details.addEventListener("toggle", follow);
  button.addEventListener("click", async () => {
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

// ---- Moving the box: mouse, touch, keyboard ---------------------------------------------------

function makeMoves(model, map, ask, state) {
  const [height, width] = model.get("size");
  const move = (dx, dy, from) => {
    dx = clamp(dx, -from[0], width - from[2]);
    dy = clamp(dy, -from[1], height - from[3]);
    return [from[0] + dx, from[1] + dy, from[2] + dx, from[3] + dy];
  };
  const stretch = (dx, dy, from, [ix, iy]) => {
    const b = [...from], end = [0, 0, width, height];
    for (const [i, d] of [[ix, dx], [iy, dy]]) {
      b[i] = i > 1 ? clamp(from[i] + d, from[i - 2] + SMALLEST, end[i])
                   : clamp(from[i] + d, 0, from[i + 2] - SMALLEST);
    }
    return b;
  };
  const go = (b, point) => {
    state.box = b;
    map.place(b);
    ask(point ? { box: b, point } : { box: b });
  };
  const drag = (node, change) => node.addEventListener("pointerdown", down => {
    down.preventDefault();
    node.setPointerCapture(down.pointerId);
    map.box.focus({ preventScroll: true });
    const from = [...state.box], [x0, y0] = map.at(down);
    state.dragging = true;
    const on = event => {
      const [x, y] = map.at(event);
      go(change(x - x0, y - y0, from), [x, y]);
    };
    node.addEventListener("pointermove", on);
    node.addEventListener("lostpointercapture", () => {
      node.removeEventListener("pointermove", on);
      state.dragging = false;
    }, { once: true });
  });
  drag(map.box, move);
  for (const node of map.handles) drag(node, (dx, dy, from) => stretch(dx, dy, from, node.ends));
  map.map.addEventListener("pointermove", event => {
    if (!state.dragging) ask({ point: map.at(event) });
  });
  map.box.addEventListener("keydown", event => {
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const d = arrow[event.key];
    if (!d) return;
    event.preventDefault();
    event.stopPropagation();                           // JupyterLab has shortcuts on arrows
    const [dx, dy] = d.map(v => v * (event.altKey ? 0.1 : 1));
    go(event.shiftKey ? stretch(dx, dy, state.box, [2, 3]) : move(dx, dy, state.box));
  });
}

// ---- All together -----------------------------------------------------------------------------

function render({ model, el: root }) {
  root.classList.add("minseg-roi");
  root.dataset.lmSuppressShortcuts = "true";
  const controls = makeControls(model, root);
  const stage = html("div", { className: "stage" }, root);
  const map = makeMap(model, stage);
  const side = html("div", { className: "side" }, stage);
  const parts = [makeOutputs(side), makeOffsets(model, root), makeSweep(model, root)];
  const equation = makeEquation(root);
  const live = html("div", { className: "live", ariaLive: "polite" }, root);
  makeCode(model, controls, root);
  const state = { box: [...model.get("box")], dragging: false };
  makeMoves(model, map, makeQuestions(model).ask, state);

  let speaking = 0;
  const speak = view => {                              // a screen reader hears one sentence a pause
    clearTimeout(speaking);
    speaking = setTimeout(() => write(live, `Mean error: RoI pooling ` +
      `${view.errors.pool.toFixed(4)}, RoIAlign ${view.errors.align.toFixed(4)}.`), 700);
  };
  const draw = () => {
    const view = model.get("view");
    if (!state.dragging) { state.box = [...model.get("box")]; map.place(state.box); }
    map.draw(view);
    for (const part of parts) part(view);
    equation(view.point);
    speak(view);
    root.dataset.box = model.get("box").map(v => v.toFixed(3)).join(",");
    root.dataset.drawn = view.drawn;
  };
  let frame = 0;                                       // answers within one frame: draw the last
  const drawSoon = () => { frame ||= requestAnimationFrame(() => { frame = 0; draw(); }); };
  model.on("change:view", drawSoon);
  model.on("change:features_png", map.drawGrid);
  model.on("change:backdrop", map.drawBackdrop);
  map.drawGrid();
  map.drawBackdrop();
  draw();
  return () => cancelAnimationFrame(frame);
}

export default { render };
