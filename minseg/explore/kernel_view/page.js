// Draws what kernel_view.py found out, and tells it which box is dragged. Positions: feature pixels.
const CELL = 29, BINS = 3, SMALLEST = 1;  // screen pixels a feature pixel; bins each way

function render({ model, el: root }) {
  root.classList.add("minseg-kernel");
  const [rows, columns] = model.get("size");
  let boxes = model.get("boxes").map((box) => [...box]);

  // ---- What stays: the map, the programs, the loads, the table ----
  const map = svg("svg", { viewBox: `-0.5 -0.5 ${columns + 1} ${rows + 1}`, class: "map",
    width: CELL * (columns + 1), height: CELL * (rows + 1) }, root);
  const reads = svg("g", {}, map);
  const lines = [];
  for (let x = 0; x <= columns; x++) lines.push(`M${x} 0V${rows}`);
  for (let y = 0; y <= rows; y++) lines.push(`M0 ${y}H${columns}`);
  svg("path", { class: "grid", d: lines.join("") }, map);
  const row = svg("rect", { class: "row" }, map);
  const bins = svg("path", { class: "bins" }, map);
  const hits = svg("g", {}, map), names = svg("g", {}, map), handles = svg("g", {}, map);
  const rois = boxes.map((_, k) => {      // all handles above all boxes: none covers another's
    const hit = svg("rect", { class: "roi", tabindex: 0, role: "application", "aria-label":
      `RoI ${k}. Arrow keys move it by a tenth of a feature pixel, Shift resizes it.` }, hits);
    const label = svg("text", { class: "name" }, names);
    label.textContent = `RoI ${k}`;
    return { hit, label, handle: svg("circle", { class: "handle", r: 0.18 }, handles) };
  });

  const side = html("div", { className: "side" }, root);
  html("p", { className: "label", textContent: "Programs: each makes one row of the output" }, side);
  const programs = html("div", { className: "programs", role: "radiogroup" }, side);
  programs.setAttribute("aria-label", "Program");
  const buttons = boxes.flatMap((_, k) => {
    const block = html("div", { className: "block" }, programs);
    html("span", { textContent: `RoI ${k}` }, block);
    return Array.from({ length: BINS }, (_, p) => {
      const id = k * BINS + p;
      const button = html("button", { textContent: id, title: `row ${p} of RoI ${k}` }, block);
      button.setAttribute("role", "radio");
      for (let q = 0; q < BINS; q++) html("i", {}, button);
      button.addEventListener("click", () => choose(id));
      button.addEventListener("keydown", (event) => {
        const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        event.stopPropagation();
        choose((id + step + buttons.length) % buttons.length, true);
      });
      return button;
    });
  });
  const choose = (id, focus) => {
    model.set("program", id);
    model.save_changes();
    mark();
    if (focus) buttons[id].focus();
  };
  const controls = html("div", { className: "controls" }, side);
  const load = html("input", { type: "range", min: 0, step: 1 },
    html("label", { textContent: "load " }, controls));
  const which = html("span", { className: "which" }, controls);
  load.addEventListener("keydown", (event) => event.stopPropagation());  // JupyterLab wants arrows
  load.addEventListener("input", () => { model.set("load", Number(load.value)); model.save_changes(); });
  const samples = html("select", {}, html("label", { textContent: "samples a bin " }, controls));
  for (const n of [1, 2]) html("option", { value: n, textContent: `${n} × ${n}` }, samples);
  samples.addEventListener("change", () => {
    model.set("samples", Number(samples.value));
    model.save_changes();
  });
  const said = html("p", { className: "line", ariaLive: "polite" }, side);
  const table = html("table", {}, side);

  // ---- Boxes: drawn at once, asked about one at a time, the newest place wins ----
  let flying = 0, waiting = null, asked = 0;
  const next = () => {
    if (flying || !waiting) return;
    flying = ++asked;
    model.send({ ...waiting, n: asked });
    waiting = null;
  };
  const place = () => {
    const current = Math.floor(model.get("program") / BINS);
    boxes.forEach(([x1, y1, x2, y2], k) => {
      const { hit, label, handle } = rois[k];
      for (const [name, value] of Object.entries({ x: x1, y: y1, width: x2 - x1, height: y2 - y1 }))
        hit.setAttribute(name, value);
      hit.classList.toggle("current", k === current);
      label.setAttribute("visibility", k === current ? "hidden" : "visible");  // counts go there
      label.setAttribute("x", x1 + 0.1);
      label.setAttribute("y", y1 - 0.12);
      handle.setAttribute("cx", x2);
      handle.setAttribute("cy", y2);
    });
    const [x1, y1, x2, y2] = boxes[current], w = (x2 - x1) / BINS, h = (y2 - y1) / BINS;
    const p = model.get("program") % BINS;
    for (const [name, value] of Object.entries({ x: x1, y: y1 + p * h, width: x2 - x1, height: h }))
      row.setAttribute(name, value);
    const cuts = [];
    for (let i = 1; i < BINS; i++) cuts.push(`M${x1 + i * w} ${y1}V${y2}M${x1} ${y1 + i * h}H${x2}`);
    bins.setAttribute("d", cuts.join(""));
  };
  const change = (k, [x1, y1, x2, y2], dx, dy, resize) => {
    if (resize) {
      boxes[k] = [x1, y1, clamp(x2 + dx, x1 + SMALLEST, columns), clamp(y2 + dy, y1 + SMALLEST, rows)];
    } else {
      dx = clamp(dx, -x1, columns - x2);
      dy = clamp(dy, -y1, rows - y2);
      boxes[k] = [x1 + dx, y1 + dy, x2 + dx, y2 + dy];
    }
    place();
    waiting = { roi: k, box: boxes[k] };
    next();
  };
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  rois.forEach(({ hit, handle }, k) => {
    for (const [target, resize] of [[hit, false], [handle, true]]) {
      target.addEventListener("pointerdown", (start) => {
        start.preventDefault();
        target.setPointerCapture(start.pointerId);
        hit.focus({ preventScroll: true });
        if (Math.floor(model.get("program") / BINS) !== k) choose(k * BINS + model.get("program") % BINS);
        const from = [...boxes[k]], scale = (columns + 1) / map.getBoundingClientRect().width;
        const move = (event) => change(k, from, (event.clientX - start.clientX) * scale,
          (event.clientY - start.clientY) * scale, resize);
        const end = () => target.removeEventListener("pointermove", move);
        target.addEventListener("pointermove", move);
        target.addEventListener("pointerup", end, { once: true });
        target.addEventListener("pointercancel", end, { once: true });
      });
    }
    hit.addEventListener("keydown", (event) => {
      if (!(event.key in arrows)) return;
      event.preventDefault();
      event.stopPropagation();
      const [dx, dy] = arrows[event.key].map((step) => step * 0.1);
      change(k, boxes[k], dx, dy, event.shiftKey);
    });
  });

  // ---- What changes: drawn anew from Python's state ----
  const mark = () => {
    buttons.forEach((button, id) => {
      button.setAttribute("aria-checked", id === model.get("program"));
      button.tabIndex = id === model.get("program") ? 0 : -1;
    });
    place();
  };
  const draw = () => {
    const state = model.get("state"), one = state.shown.length === 1 && model.get("load") > 0;
    const times = new Map();
    state.shown.forEach((bin) => bin.forEach((pixel) => {
      if (pixel >= 0) times.set(pixel, (times.get(pixel) || 0) + 1);
    }));
    reads.replaceChildren();
    for (const [pixel, count] of times) {
      const x = pixel % columns, y = Math.floor(pixel / columns);
      svg("rect", { class: "read", x, y, width: 1, height: 1,
        "fill-opacity": one ? 0.85 : 0.2 + 0.6 * Math.min(count, 6) / 6 }, reads);
      if (!one) svg("text", { x: x + 0.5, y: y + 0.65 }, reads).textContent = count;
    }
    if (one) state.shown[0].forEach((pixel, q) => {
      if (pixel >= 0) svg("text", { x: pixel % columns + 0.5, y: Math.floor(pixel / columns) + 0.65 },
        reads).textContent = `bin ${q}`;
    });
    load.max = state.loads;
    load.value = model.get("load");
    which.textContent = one ? `${model.get("load")} of ${state.loads}` : `all ${state.loads}`;
    samples.value = model.get("samples");
    said.textContent = state.line;
    table.replaceChildren();
    const head = html("tr", {}, html("thead", {}, table));
    for (const name of ["", "bytes", "of the floor"]) html("th", { textContent: name, scope: "col" }, head);
    const body = html("tbody", {}, table);
    for (const [name, ...numbers] of state.table) {
      const line = html("tr", {}, body);
      html("th", { textContent: name, scope: "row" }, line);
      for (const number of numbers) html("td", { textContent: number }, line);
    }
    mark();
  };
  const answered = () => {
    if (flying && model.get("state").answers >= flying) flying = 0;
    next();
    draw();
  };
  const moved = () => {
    if (flying || waiting) return;        // Python follows the mouse, not the other way round
    boxes = model.get("boxes").map((box) => [...box]);
    place();
  };
  const listeners = { "change:state": answered, "change:boxes": moved, "change:program": mark };
  for (const [name, fn] of Object.entries(listeners)) model.on(name, fn);
  draw();
  return () => { for (const [name, fn] of Object.entries(listeners)) model.off(name, fn); };
}
export default { render };
