// Draws what numbers.py computed, and tells widget.py where detections are dragged and how they are
// scored. Positions are in image pixels; no verdict and no area is computed here.
const SCREEN = 560;                      // the drawing's width, screen pixels
const SMALLEST = 8;                      // image pixels: the least side of a box
const PLOT = { width: 340, height: 270, left: 44, top: 8, bottom: 34 };
const RULES = { raw: "raw area", all: "under the envelope", 101: "101 points (COCO)",
                11: "11 points (VOC 2007)" };
const letter = k => String.fromCharCode(65 + k);

// ---- The scene: truths, detections to drag, a line from each to what it took -------------------

function makeScene(model, state, questions, changed, parent) {
  const [height, width] = model.get("size");
  const map = svg("svg", { class: "map", viewBox: `0 0 ${width} ${height}`, width: SCREEN,
    height: Math.round(SCREEN * height / width) }, parent);
  const truths = model.get("truths").map((box, k) => {
    const node = svg("rect", { class: "truth" }, map);
    rectangle(node, box);
    svg("text", { class: "letter", x: box[0] + 4, y: box[1] + 14 }, map).textContent = letter(k);
    return node;
  });
  const links = svg("g", {}, map);
  const groups = state.boxes.map((_, k) => {
    const group = svg("g", { "data-detection": k + 1 }, map);
    group.box = svg("rect", { class: "movable box", tabindex: 0, role: "application", "aria-label":
      `Detection ${k + 1}. Arrow keys move it, Shift and arrow keys resize it, Alt makes the ` +
      "steps ten times smaller." }, group);
    group.handle = svg("circle", { class: "handle", r: 4.5 }, group);
    group.number = svg("text", { class: "tag" }, group);
    group.number.textContent = k + 1;
    return group;
  });
  groups.forEach((group, k) => {
    group.box.addEventListener("focus", () => state.choose(k));
    dragBox(map, group.box, [[group.handle, LOWER_RIGHT]], {
      questions, smallest: SMALLEST, size: [height, width],
      get: () => state.boxes[k],
      put(box) { state.boxes[k] = box; place(); changed(); },
    });
  });
  const place = () => groups.forEach((group, k) => {
    const [, , x2, y2] = state.boxes[k];
    rectangle(group.box, state.boxes[k]);
    set(group.handle, { cx: x2, cy: y2 });
    set(group.number, { x: x2 - 4, y: y2 - 4 });
  });
  const middle = ([x1, y1, x2, y2]) => [(x1 + x2) / 2, (y1 + y2) / 2];
  return {
    place,
    draw({ rows }) {
      truths.forEach((node, k) => set(node, { class: "truth" +
        (model.get("crowd") && k === truths.length - 1 ? " crowd" : "") }));
      links.replaceChildren();
      for (const { detection, truth, verdict } of rows) {
        set(groups[detection], { class: verdict + (detection === state.chosen ? " chosen" : "") });
        if (truth < 0) continue;
        const [x1, y1] = middle(state.boxes[detection]), [x2, y2] = middle(model.get("truths")[truth]);
        svg("line", { class: "link", x1, y1, x2, y2 }, links);
      }
    },
  };
}

// ---- The table: one row for each detection, by decreasing score ---------------------------------

function makeTable(model, state, changed, parent) {
  const body = startTable(parent, "By decreasing score",
    ["detection", "score", "", "", "precision", "recall"]);
  const lines = state.scores.map((_, k) => {
    const row = html("tr", {}, body);
    row.dataset.detection = k + 1;
    html("th", { textContent: k + 1, scope: "row" }, row);
    const cell = html("td", {}, row);
    const input = html("input", { type: "range", min: 0, max: 1, step: 0.01,
      ariaLabel: `Score of detection ${k + 1}` }, cell);
    const value = html("span", {}, cell);
    arrowsStep(input);
    const [verdict, why, precision, recall] = ["verdict", "why", "number", "number"]
      .map(className => html("td", { className }, row));
    input.addEventListener("input", () => {
      state.sliding = true;                            // rows stay where they are until the end
      state.scores[k] = Number(input.value);
      write(value, Number(input.value).toFixed(2));
      changed();
    });
    input.addEventListener("change", () => { state.sliding = false; sort(); });
    input.addEventListener("focus", () => state.choose(k));
    row.addEventListener("pointerdown", () => state.choose(k));
    return { row, input, value, verdict, why, precision, recall };
  });
  let rows = [];
  const sort = () => {
    const order = rows.map(({ detection }) => lines[detection].row);
    if (state.sliding || order.every((row, i) => body.rows[i] === row)) return;
    const focused = document.activeElement;
    body.append(...order);
    if (body.contains(focused)) focused.focus({ preventScroll: true });
  };
  return {
    draw(view) {
      rows = view.rows;
      for (const { detection, verdict, why, precision, recall } of rows) {
        const line = lines[detection];
        set(line.row, { class: verdict + (detection === state.chosen ? " chosen" : "") });
        if (!state.sliding) line.input.value = state.scores[detection];
        write(line.value, state.scores[detection].toFixed(2));
        write(line.verdict, verdict);
        write(line.why, why);
        write(line.precision, verdict === "ignored" ? "" : precision.toFixed(3));
        write(line.recall, verdict === "ignored" ? "" : recall.toFixed(2));
      }
      sort();
    },
  };
}

// ---- The curve --------------------------------------------------------------------------------

function makePlot(parent) {
  const { width, height, left, top, bottom } = PLOT;
  const plot = svg("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, width, height,
    role: "img" }, parent);
  const x = r => left + r * (width - left - 10), y = p => height - bottom - p * (height - bottom - top);
  svg("rect", { class: "frame", x: x(0), y: y(1), width: x(1) - x(0), height: y(0) - y(1) }, plot);
  for (const v of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    svg("text", { x: x(v), y: y(0) + 14 }, plot).textContent = v;
    if (v) svg("text", { x: left - 12, y: y(v) + 4 }, plot).textContent = v;
  }
  svg("text", { x: x(0.5), y: height - 4 }, plot).textContent = "recall";
  svg("text", { x: 10, y: y(0.5), transform: `rotate(-90 10 ${y(0.5)})` }, plot).textContent = "precision";
  const area = svg("path", { class: "area" }, plot), stems = svg("path", { class: "stems" }, plot);
  const envelope = svg("polyline", { class: "envelope" }, plot);
  const saw = svg("polyline", { class: "saw" }, plot), dots = svg("g", {}, plot);
  const points = list => list.map(([r, p]) => `${x(r).toFixed(1)},${y(p).toFixed(1)}`).join(" ");
  return {
    draw(view) {
      const end = view.area.at(-1);
      set(area, { d: end ? `M${x(0)},${y(0)}L${points(view.area)}L${x(end[0])},${y(0)}Z` : "" });
      set(stems, { d: view.stems.map(([r, p]) => `M${x(r)},${y(0)}V${y(p)}`).join("") });
      set(envelope, { points: points(view.envelope) });
      set(saw, { points: points(view.curve) });
      dots.replaceChildren();
      for (const { verdict, precision, recall } of view.rows) {
        if (verdict !== "ignored") {
          svg("circle", { class: "dot " + verdict, cx: x(recall), cy: y(precision), r: 4 }, dots);
        }
      }
      set(plot, { "aria-label": "Precision over recall. " + view.facts });
    },
  };
}

// ---- Controls, and all together ---------------------------------------------------------------

function makeControls(model, ask, parent) {
  const row = html("div", { className: "controls" }, parent);
  makeSlider(model, "threshold", { min: 0.5, max: 0.95, step: 0.05 }, "IoU threshold ", row,
    v => v.toFixed(2));
  makeSelect(model, "rule", ["raw", "all", "101", "11"].map(rule => [rule, RULES[rule]]), "area ",
    row);
  makeTick(model, "crowd", `${letter(model.get("truths").length - 1)} is a crowd`, row);
  makeButton("Put all back", "reset", row, () => ask({ reset: true }));
}

function render({ model, el: root }) {
  startPage(root, "minseg-ap");
  const state = { boxes: [], scores: [], chosen: -1, sliding: false };
  const read = () => {
    state.boxes = model.get("detections").map(box => [...box]);
    state.scores = [...model.get("scores")];
  };
  read();
  const questions = makeQuestions(model);
  const changed = () => questions.ask({ detections: state.boxes, scores: state.scores });
  makeControls(model, questions.ask, root);
  const stage = html("div", { className: "stage" }, root);
  const scene = makeScene(model, state, questions, changed, stage);
  const parts = [scene, makePlot(stage), makeTable(model, state, changed, root)];
  const facts = html("p", { className: "facts" }, root);

  const drawing = drawOnChange(model, root, view => {
    if (!state.sliding && questions.quiet()) read();
    scene.place();
    for (const part of parts) part.draw(view);
    write(facts, view.facts);
  });
  state.choose = k => { if (k !== state.chosen) { state.chosen = k; drawing.soon(); } };
  drawing.now();
  return drawing.stop;
}

export default { render };
