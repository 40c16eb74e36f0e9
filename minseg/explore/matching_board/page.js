// Draws what numbers.py computed, and tells widget.py where predictions are dragged and what they
// say. Positions are in image pixels; no cost and no pairing is computed here.
const WEIGHTS = { class: "class ", box: "box ", giou: "GIoU ", dice: "Dice " };
const letter = k => String.fromCharCode(65 + k);

// ---- The scene: truths, predictions to drag, a line from each to the truth it answers for --------

function makeScene(model, state, questions, changed, parent) {
  const map = startImage(model, parent), paths = model.get("paths");
  model.get("truths").forEach(([kind, box], k) => {
    placeShape(svg("path", { class: "truth", d: paths[kind] }, map), box);
    svg("text", { class: "letter", x: box[0] + 2, y: box[1] - 3 }, map).textContent = letter(k);
  });
  const links = svg("g", {}, map);
  const shapes = makeShapes(model, state, questions, map, { changed,
    name: k => `Prediction ${k + 1}`, tag: k => k + 1 });
  return {
    place: shapes.place,
    draw({ pairs, owner }) {
      shapes.groups().forEach((group, k) => set(group, { class:
        (owner[k] < 0 ? "nothing" : "paired") + (k === state.chosen ? " chosen" : "") }));
      keepCount(links, pairs.length, () => svg("line", { class: "link" }, links));
      pairs.forEach(([i, j], k) => {
        const [x1, y1] = middle(state.boxes[i]), [x2, y2] = middle(model.get("truths")[j][1]);
        set(links.children[k], { x1, y1, x2, y2 });
      });
    },
  };
}

// ---- The matrix: a row for each prediction, a column for each truth ------------------------------

function makeMatrix(model, state, changed, parent) {
  const columns = model.get("truths").map((_, k) => letter(k));
  const body = startTable(parent, "What each pair costs",
    ["", "class", "probability", ...columns, "learns"], { className: "wide matrix" });
  const makeRow = k => {
    const row = html("tr", {}, body);
    row.dataset.shape = k + 1;
    html("th", { textContent: k + 1, scope: "row" }, row);
    const kind = makeKind(state, k, model.get("classes"), `Class of prediction ${k + 1}`, changed,
      html("td", {}, row));
    const score = makeScore(state, k, `Probability of prediction ${k + 1}`, changed,
      html("td", {}, row));
    const cells = columns.map(() => html("td", { className: "number" }, row));
    const learns = html("td", {}, row);
    row.addEventListener("pointerdown", () => state.choose(k));
    return { row, kind, score, cells, learns };
  };
  const lines = state.boxes.map((_, k) => makeRow(k));
  return {
    draw({ cost, owner, greedy }) {
      const first = new Set(greedy.map(String));
      lines.forEach(({ row, kind, score, cells, learns }, k) => {
        set(row, { class: k === state.chosen ? "chosen" : "" });
        kind();
        score();
        cells.forEach((cell, j) => {
          write(cell, cost[k][j]);
          set(cell, { class: "number" + (owner[k] === j ? " best" : "") +
            (first.has(`${k},${j}`) ? " first" : "") });
        });
        write(learns, owner[k] < 0 ? "no object" : letter(owner[k]));
      });
    },
  };
}

function makeTerms(model, state, parent) {
  const columns = model.get("truths").map((_, k) => letter(k));
  const body = startTable(parent, " ", ["term", ...columns], { className: "terms" });
  const caption = body.parentElement.caption;
  return {
    draw({ terms }) {
      write(caption, `What the cost of prediction ${model.get("chosen") + 1} is made of`);
      fillTable(body, terms);
    },
  };
}

// ---- Controls, and all together -------------------------------------------------------------------

function makeControls(model, tell, parent) {
  const row = html("div", { className: "controls" }, parent);
  makeSelect(model, "rule", Object.entries(model.get("rules")), "cost ", row);
  const range = { min: 0, max: 10, step: 0.5 };
  const weights = Object.entries(WEIGHTS).map(([term, text]) => [term,
    makeSlider(model, term + "_weight", range, text, row, v => v.toFixed(1)).parentElement]);
  makeButton("Put all back", "reset", row, () => tell({ reset: true }));
  return {
    draw() {
      const terms = model.get("of_rule")[model.get("rule")];
      for (const [term, label] of weights) label.hidden = !terms.includes(term);
    },
  };
}

function render({ model, el: root }) {
  startPage(root, "minseg-matching");
  const state = shapesState(model, ["boxes", "kinds", "scores"]);
  state.chosen = model.get("chosen");
  const questions = makeQuestions(model);
  const changed = () => { scene.place(); questions.ask(state.sent()); };
  const controls = makeControls(model, questions.tell, root);
  const stage = html("div", { className: "stage" }, root);
  const scene = makeScene(model, state, questions, changed, stage);
  const side = html("div", { className: "side" }, stage);
  const parts = [controls, scene, makeMatrix(model, state, changed, side),
                 makeTerms(model, state, side)];
  html("p", { className: "key", textContent: "Blue: the pairs that cost least together. " +
    "Dotted: those that take the cheapest pair first." }, side);
  const facts = html("p", { className: "facts" }, root);
  const drawing = drawOnChange(model, root, view => {
    if (!state.sliding && questions.quiet()) {
      state.read();
      state.chosen = model.get("chosen");
    }
    scene.place();
    for (const part of parts) part.draw(view);
    write(facts, view.facts);
  });
  state.choose = k => {
    if (k === state.chosen) return;
    state.chosen = k;
    questions.ask({ chosen: k });
    drawing.soon();
  };
  drawing.now();
  return drawing.stop;
}

export default { render };
