// Draws what widget.py computed, and tells it where the box is dragged. Positions: image pixels.
const IMAGE = 256, SMALLEST = 8, SCREEN = 560;     // image pixels; the drawing's width on screen
const PLOT = { width: 380, height: 130, top: 1.4 }; // bars taller than 1.4 × the curve are cut
const DROPS = { boxes: 500, parts: 20 };           // a rain of boxes falls in so many parts

// ---- The map: the grid, the box to drag, and the box after rounding ----------------------------

function makeMap(model, parent) {
  const map = svg("svg", { viewBox: `0 0 ${IMAGE} ${IMAGE}`, width: SCREEN, height: SCREEN,
    class: "map" }, parent);
  const grid = svg("path", { class: "grid" }, map), under = svg("g", {}, map);
  const hit = svg("rect", { class: "movable hit exact", tabindex: 0, role: "application",
    "aria-label": "Box on the feature grid. Arrow keys move it by one image pixel, " +
      "Shift and arrow keys resize it, Alt makes the steps ten times smaller." }, map);
  const handle = svg("circle", { class: "handle", r: 5 }, map);
  return {
    map, hit, handle,
    place(box) {
      rectangle(hit, box);
      set(handle, { cx: box[2], cy: box[3] });
    },
    draw(view, box) {
      const lines = [];
      for (let v = 0; v <= IMAGE; v += model.get("stride")) {
        lines.push(`M${v} 0V${IMAGE}M0 ${v}H${IMAGE}`);
      }
      set(grid, { d: lines.join("") });
      under.replaceChildren();
      rectangle(svg("rect", { class: "rounded" }, under), view.rounded);
      for (const [kind, [x, y]] of [["exact", view.middle], ["rounded", view.landed]]) {
        if (x === undefined) continue;
        const [x1, y1, x2, y2] = kind === "exact" ? box : view.rounded;
        svg("path", { class: kind, d: `M${x} ${y1}V${y2}M${x1} ${y}H${x2}` }, under);
      }
    },
  };
}

// ---- The table of errors, and the histogram of all that were met -------------------------------

function makeTable(parent) {
  const body = startTable(parent, "Error = exact − rounded", []);
  const head = body.parentNode.createTHead();
  const [units, axes] = [html("tr", {}, head), html("tr", {}, head)];
  for (const row of [units, axes]) html("td", {}, row);
  for (const textContent of ["feature px", "image px"]) {
    html("th", { textContent, colSpan: 2, scope: "colgroup" }, units);
    for (const axis of ["x", "y"]) html("th", { textContent: axis, scope: "col" }, axes);
  }
  return rows => fillTable(body, rows);
}

function makePlot(parent) {
  const { width, height, top } = PLOT;
  const plot = svg("svg", { viewBox: `-10 0 ${width + 20} ${height + 46}`, width, role: "img" }, parent);
  const label = (x, y, text) => { svg("text", { x, y: height + y }, plot).textContent = text; };
  return ({ bars, curve, ticks, facts }) => {
    const scale = height / (top * Math.max(...curve)), wide = width / bars.length;
    plot.replaceChildren();
    bars.forEach((bar, i) => {
      const tall = Math.min(bar * scale, height);
      svg("rect", { class: "bar", x: i * wide + 0.5, y: height - tall, width: wide - 1,
        height: tall }, plot);
    });
    const points = curve.map((v, i) => `${(i / (curve.length - 1)) * width} ${height - v * scale}`);
    svg("path", { class: "curve", d: `M0 ${height}L${points.join("L")}L${width} ${height}Z` }, plot);
    ticks.forEach(([feature, image], i) => {
      const x = (i / (ticks.length - 1)) * width;
      label(x, 15, feature);
      label(x, 29, image);
    });
    label(width / 2, 44, "total error: feature px above, image px below");
    set(plot, { "aria-label": "Histogram of the errors met so far. " + facts });
  };
}

// ---- All together ------------------------------------------------------------------------------

function makeControls(model, tell, parent) {
  const row = html("div", { className: "controls" }, parent);
  makeSelect(model, "stride", [4, 8, 16, 32], "stride ", row, Number);
  makeSelect(model, "first", ["floor", "round"], "step 1 ", row);
  makeSelect(model, "second", ["none", "floor", "round"], "step 2 ", row);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  makeButton(`Drop ${DROPS.boxes} boxes`, "drop", row, () => {
    const parts = calm ? 1 : DROPS.parts;
    for (let i = 0; i < parts; i++) tell({ drop: DROPS.boxes / parts });
  });
  makeButton("Clear", "clear", row, () => tell({ clear: true }));
}

function render({ model, el: root }) {
  startPage(root, "minseg-qbox");
  let box = [...model.get("box")];
  const questions = makeQuestions(model), map = makeMap(model, root);
  const side = html("div", { className: "side" }, root);
  makeControls(model, questions.tell, side);
  const table = makeTable(side), plot = makePlot(side);
  const facts = html("p", { className: "facts" }, side);
  dragBox(map.map, map.hit, [[map.handle, LOWER_RIGHT]], {
    questions, smallest: SMALLEST, size: [IMAGE, IMAGE],
    get: () => box,
    put(moved) { box = moved; map.place(box); questions.ask({ box }); },
  });

  const drawing = drawOnChange(model, root, view => {
    if (questions.quiet()) box = [...model.get("box")];
    map.place(box);
    map.draw(view, box);
    table(view.table);
    plot(view);
    write(facts, view.facts);
    root.dataset.box = model.get("box").map(v => v.toFixed(1)).join(",");
  });
  drawing.now();
  return drawing.stop;
}

export default { render };
