// Draws what numbers.py computed, and tells widget.py where control points are dragged. Positions
// are in image pixels; curve, pixels and IoU come from Python.
const SCREEN = 480;                      // the drawing's side, screen pixels

// ---- The map: pixels, the curve, and its control points to drag --------------------------------

function makeMap(model, state, questions, parent) {
  const size = model.get("size"), margin = model.get("margin"), side = size + 2 * margin;
  const map = svg("svg", { class: "map errors", viewBox: `${-margin} ${-margin} ${side} ${side}`,
    width: SCREEN, height: SCREEN }, parent);
  svg("rect", { class: "frame", width: size, height: size }, map);
  const layers = ["kept", "missed", "added", "curve"]
    .map(name => [name, svg("path", { class: name }, map)]);
  const hull = svg("polygon", { class: "hull" }, map), group = svg("g", {}, map);

  const makePoint = k => {
    const node = svg("circle", { class: "control", r: 1.7, tabindex: 0, role: "application",
      "data-control": k }, group);
    node.addEventListener("focus", () => { state.chosen = k; place(); });
    dragPoint(map, node, {
      questions, border: [-margin, -margin, size + margin, size + margin],
      get: () => state.controls[k],
      put(point) {
        state.controls[k] = point;
        place();
        questions.ask({ controls: state.controls });
      },
      other({ key }) {
        if (key === "Delete" || key === "Backspace") questions.tell({ remove: k });
        else if (key === "Insert" || key === "+") questions.tell({ add: k });
        else return false;
        return true;
      },
    });
  };
  const place = () => {                                // at once: points wait for no answer
    const { controls } = state;
    const gone = group.childElementCount > controls.length;
    keepCount(group, controls.length, makePoint);
    state.chosen = Math.min(state.chosen, controls.length - 1);
    if (gone && document.activeElement === document.body) {
      group.children[state.chosen].focus({ preventScroll: true });
    }
    set(hull, { points: controls.map(([x, y]) => `${x},${y}`).join(" ") });
    controls.forEach(([cx, cy], k) => set(group.children[k], { cx, cy,
      class: "control" + (k === state.chosen ? " chosen" : ""),
      "aria-label": `Control point ${k + 1} of ${controls.length} at ${cx.toFixed(1)}, ` +
        `${cy.toFixed(1)}. Arrow keys move it, Alt makes the steps ten times smaller, ` +
        "Delete removes it, plus adds one behind it." }));
  };
  return view => {
    for (const [name, node] of layers) set(node, { d: view[name] });
    place();
  };
}

// ---- All together ------------------------------------------------------------------------------

function render({ model, el: root }) {
  startPage(root, "minseg-spline");
  const state = { controls: [], chosen: 0 };
  const read = () => { state.controls = model.get("controls").map(point => [...point]); };
  read();
  const questions = makeQuestions(model);
  const row = html("div", { className: "controls" }, root);
  makeSelect(model, "thing", model.get("things"), "mask ", row);
  const button = (name, text, title, wish) => {
    const node = makeButton(text, name, row, () => questions.tell(wish()));
    node.title = title;
    return node;
  };
  button("fit", "Fit", "Least squares with as many points", () => ({ fit: true }));
  const add = button("add", "Add a point", "Behind the chosen one", () => ({ add: state.chosen }));
  const remove = button("remove", "Remove the chosen point", "", () => ({ remove: state.chosen }));
  const map = makeMap(model, state, questions, root);
  makeKey(root, MASK_ERRORS);
  const facts = html("p", { className: "facts" }, root);

  const drawing = drawOnChange(model, root, view => {
    const [fewest, most] = model.get("limits");
    if (questions.quiet()) read();
    add.disabled = state.controls.length >= most;
    remove.disabled = state.controls.length <= fewest;
    map(view);
    write(facts, view.facts);
  });
  drawing.now();
  return drawing.stop;
}

export default { render };
