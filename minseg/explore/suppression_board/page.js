// Draws what numbers.py computed, and tells widget.py where masks are dragged and how they are
// scored. Positions are in image pixels; no overlap and no score is computed here.

// ---- The scene: masks to drag, dashed where the chosen rule drops them ---------------------------

function makeScene(model, state, questions, changed, parent) {
  const map = startImage(model, parent);
  const shapes = makeShapes(model, state, questions, map, { changed,
    name: k => `Mask ${k + 1}`, tag: k => k + 1 });
  return {
    place: shapes.place,
    draw({ kept }) {
      const verdict = kept[model.get("rule")];
      shapes.groups().forEach((group, k) => set(group, { class:
        (verdict[k] ? "kept" : "dropped") + (k === state.chosen ? " chosen" : "") }));
    },
  };
}

// ---- Scores: a row for each mask, a column for each rule ------------------------------------------

function makeScores(model, state, changed, parent) {
  const rules = Object.entries(model.get("rules"));
  const body = startTable(parent, "What each rule leaves of the scores",
    ["", "class", "score", ...rules.map(([, name]) => name)], { className: "wide scores" });
  const makeRow = k => {
    const row = html("tr", {}, body);
    row.dataset.shape = k + 1;
    html("th", { textContent: k + 1, scope: "row" }, row);
    const kind = makeKind(state, k, model.get("classes"), `Class of mask ${k + 1}`, changed,
      html("td", {}, row));
    const score = makeScore(state, k, `Score of mask ${k + 1}`, changed, html("td", {}, row));
    const cells = rules.map(() => html("td", { className: "after" }, row));
    row.addEventListener("pointerdown", () => state.choose(k));
    return { row, kind, score, cells };
  };
  let lines = [];
  return {
    draw({ after, kept }) {
      if (lines.length !== state.boxes.length) {
        body.replaceChildren();
        lines = state.boxes.map((_, k) => makeRow(k));
      }
      lines.forEach(({ row, kind, score, cells }, k) => {
        set(row, { class: k === state.chosen ? "chosen" : "" });
        kind();
        score();
        cells.forEach((cell, c) => {
          const rule = rules[c][0];
          write(cell, after[rule][k]);
          set(cell, { class: "after" + (kept[rule][k] ? " stays" : "") +
            (rule === model.get("rule") ? " shown" : "") });
        });
      });
    },
  };
}

// ---- Overlaps, and the rivals of one mask ---------------------------------------------------------

function makeOverlaps(state, parent) {
  const holder = html("div", { className: "overlaps" }, parent);
  let count = 0, body = null;
  return {
    draw({ iou }) {
      if (iou.length !== count) {
        count = iou.length;
        holder.replaceChildren();
        body = startTable(holder, "IoU of each pair; a dot: none, or another class",
          ["", ...iou.map((_, k) => k + 1)], { className: "wide" });
      }
      fillTable(body, iou.map((row, k) => [k + 1, ...row]));
      [...body.rows].forEach((row, k) => {
        set(row, { class: k === state.chosen ? "chosen" : "" });
        set(row.cells[k + 1], { class: "own" });
      });
    },
  };
}

function makeRivals(model, parent) {
  const body = startTable(parent, " ", ["rival", "IoU o", "f(o)", "its own c", "f(c)", "f(o) / f(c)"],
    { className: "wide rivals" });
  const caption = body.parentElement.caption;
  return {
    draw({ rivals }) {
      const name = model.get("chosen") + 1;
      write(caption, rivals.length ? `Mask ${name} in Matrix NMS: the least of the last column counts`
        : `Mask ${name} has no better rival: it keeps its score`);
      fillTable(body, rivals);
      const ratio = row => Number(row.at(-1)), least = Math.min(...rivals.map(ratio));
      [...body.rows].forEach((row, k) => {
        row.lastChild.className = ratio(rivals[k]) === least ? "least" : "";
      });
    },
  };
}

// ---- Controls, and all together -------------------------------------------------------------------

function makeControls(model, tell, parent) {
  const row = html("div", { className: "controls" }, parent), say = v => v.toFixed(2);
  makeSelect(model, "preset", model.get("presets"), "scene ", row);
  makeSelect(model, "rule", Object.entries(model.get("rules")), "draw the verdict of ", row);
  makeSelect(model, "kernel", ["gaussian", "linear"], "kernel ", row);
  const sigma = makeSlider(model, "sigma", { min: 0.5, max: 5, step: 0.25 }, "σ ", row, say);
  makeSlider(model, "threshold", { min: 0.1, max: 0.9, step: 0.05 }, "greedy: IoU above ", row, say);
  makeSlider(model, "keep", { min: 0.05, max: 0.6, step: 0.05 }, "kept from ", row, say);
  makeButton("Put all back", "reset", row, () => tell({ reset: true }));
  return { draw() { sigma.disabled = model.get("kernel") === "linear"; } };
}

function render({ model, el: root }) {
  startPage(root, "minseg-suppression");
  const state = shapesState(model, ["boxes", "kinds", "scores"]);
  state.chosen = model.get("chosen");
  const questions = makeQuestions(model);
  const changed = () => { scene.place(); questions.ask(state.sent()); };
  const controls = makeControls(model, questions.tell, root);
  const stage = html("div", { className: "stage" }, root);
  const scene = makeScene(model, state, questions, changed, stage);
  const side = html("div", { className: "side" }, stage);
  const parts = [controls, scene, makeScores(model, state, changed, side), makeRivals(model, side),
                 makeOverlaps(state, side)];
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
