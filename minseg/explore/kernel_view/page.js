// Draws what numbers.py found out, and tells widget.py which box is dragged. Positions: feature
// pixels.
const CELL = 29, BINS = 3, SMALLEST = 1;  // screen pixels a feature pixel; bins each way
const STEP = 0.1;                        // feature pixels that an arrow key moves

// ---- The map: pixels that are read, bins, RoIs to drag -------------------------------------------

function makeMap(model, parent) {
  const [rows, columns] = model.get("size");
  const map = svg("svg", { viewBox: `-0.5 -0.5 ${columns + 1} ${rows + 1}`, class: "map",
    width: CELL * (columns + 1), height: CELL * (rows + 1) }, parent);
  const reads = svg("g", {}, map), lines = [];
  for (let x = 0; x <= columns; x++) lines.push(`M${x} 0V${rows}`);
  for (let y = 0; y <= rows; y++) lines.push(`M0 ${y}H${columns}`);
  svg("path", { class: "grid", d: lines.join("") }, map);
  const row = svg("rect", { class: "row" }, map), bins = svg("path", { class: "bins" }, map);
  const hits = svg("g", {}, map), names = svg("g", {}, map), handles = svg("g", {}, map);
  const rois = model.get("boxes").map((_, k) => {  // all handles above all boxes: none is covered
    const hit = svg("rect", { class: "movable roi", tabindex: 0, role: "application", "aria-label":
      `RoI ${k}. Arrow keys move it by a tenth of a feature pixel, Shift resizes it.` }, hits);
    const label = svg("text", { class: "name" }, names);
    label.textContent = `RoI ${k}`;
    return { hit, label, handle: svg("circle", { class: "handle", r: 0.18 }, handles) };
  });

  // The pixels of the loads that are shown: of one load named by their bins, of all with how often.
  const drawReads = (view, one) => {
    const times = new Map();
    for (const pixel of view.shown.flat()) {
      if (pixel >= 0) times.set(pixel, (times.get(pixel) ?? 0) + 1);
    }
    const tell = (pixel, text) => svg("text",
      { x: pixel % columns + 0.5, y: Math.floor(pixel / columns) + 0.65 }, reads).textContent = text;
    reads.replaceChildren();
    for (const [pixel, count] of times) {
      svg("rect", { class: "read", x: pixel % columns, y: Math.floor(pixel / columns), width: 1,
        height: 1, "fill-opacity": one ? 0.85 : 0.2 + 0.6 * Math.min(count, 6) / 6 }, reads);
      if (!one) tell(pixel, count);
    }
    if (one) view.shown[0].forEach((pixel, q) => { if (pixel >= 0) tell(pixel, `bin ${q}`); });
  };
  return {
    map, rois, drawReads,
    place(boxes) {
      const program = model.get("program"), current = Math.floor(program / BINS);
      boxes.forEach((box, k) => {
        const { hit, label, handle } = rois[k], [x1, y1, x2, y2] = box;
        rectangle(hit, box);
        hit.classList.toggle("current", k === current);
        set(label, { x: x1 + 0.1, y: y1 - 0.12,
          visibility: k === current ? "hidden" : "visible" });   // counts go there
        set(handle, { cx: x2, cy: y2 });
      });
      const [x1, y1, x2, y2] = boxes[current], w = (x2 - x1) / BINS, h = (y2 - y1) / BINS;
      const top = y1 + program % BINS * h, cuts = [];
      rectangle(row, [x1, top, x2, top + h]);
      for (let i = 1; i < BINS; i++) {
        cuts.push(`M${x1 + i * w} ${y1}V${y2}M${x1} ${y1 + i * h}H${x2}`);
      }
      set(bins, { d: cuts.join("") });
    },
  };
}

// ---- Programs, loads, bytes ----------------------------------------------------------------------

// One button for each program; in a group of choices arrow keys go to the next one.
function makePrograms(model, marked, parent) {
  html("p", { className: "label", textContent: "Programs: each makes one row of the output" },
    parent);
  const group = html("div", { className: "programs", role: "radiogroup", ariaLabel: "Program" },
    parent);
  const buttons = model.get("boxes").flatMap((_, k) => {
    const block = html("div", { className: "block" }, group);
    html("span", { textContent: `RoI ${k}` }, block);
    return Array.from({ length: BINS }, (_, p) => {
      const id = k * BINS + p, button = makeButton(id, "", block, () => choose(id));
      Object.assign(button, { title: `row ${p} of RoI ${k}`, role: "radio" });
      for (let q = 0; q < BINS; q++) html("i", {}, button);
      return button;
    });
  });
  onArrows(group, (dx, dy) => {
    const next = (model.get("program") + dx + dy + buttons.length) % buttons.length;
    choose(next);
    buttons[next].focus();
  }, { fine: 1 });
  const choose = id => {
    setTrait(model, "program", id);
    marked();                                          // at once: the answer takes its time
  };
  const mark = () => buttons.forEach((button, id) => {
    const on = id === model.get("program");
    set(button, { "aria-checked": on, tabindex: on ? 0 : -1 });
  });
  return { choose, mark };
}

function makeControls(model, parent) {
  const row = html("div", { className: "controls" }, parent);
  const load = html("input", { type: "range", min: 0, step: 1 },
    html("label", { textContent: "load " }, row));
  arrowsStep(load);
  bindControl(model, load, "load", () => Number(load.value), v => { load.value = v; });
  const which = html("span", { className: "which" }, row);
  makeSelect(model, "samples", [1, 2].map(n => [n, `${n} × ${n}`]), "samples a bin ", row, Number);
  return ({ loads }, one) => {
    load.max = loads;
    load.value = model.get("load");
    write(which, one ? `${load.value} of ${loads}` : `all ${loads}`);
  };
}

// ---- All together ---------------------------------------------------------------------------------

function render({ model, el: root }) {
  startPage(root, "minseg-kernel");
  let boxes = model.get("boxes").map(box => [...box]);
  const questions = makeQuestions(model, 1);           // an answer takes a run of the kernel
  const map = makeMap(model, root), side = html("div", { className: "side" }, root);
  const mark = () => { programs.mark(); map.place(boxes); };
  const programs = makePrograms(model, mark, side);
  const controls = makeControls(model, side);
  const line = html("p", { className: "line" }, side);
  const table = startTable(side, "", ["", "bytes", "of the floor"]);
  map.rois.forEach(({ hit, handle }, k) => dragBox(map.map, hit, [[handle, LOWER_RIGHT]], {
    questions, smallest: SMALLEST, size: model.get("size"), step: STEP,
    grab() {
      const [roi, row] = [Math.floor(model.get("program") / BINS), model.get("program") % BINS];
      if (roi !== k) programs.choose(k * BINS + row);
    },
    get: () => boxes[k],
    put(box) { boxes[k] = box; map.place(boxes); questions.ask({ roi: k, box }); },
  }));

  const drawing = drawOnChange(model, root, view => {
    const one = view.shown.length === 1 && model.get("load") > 0;
    if (questions.quiet()) boxes = model.get("boxes").map(box => [...box]);
    map.drawReads(view, one);
    controls(view, one);
    write(line, view.facts);
    fillTable(table, view.table);
    mark();
  });
  drawing.now();
  return drawing.stop;
}

export default { render };
