// Draws what spline_editor.py computed, and tells it where control points are dragged. Positions
// are in image pixels; curve, pixels and IoU come from Python.
const SCREEN = 480;                      // the drawing's side, screen pixels

function makeMap(model, state, changed, ask, parent) {
  const size = model.get("size"), margin = model.get("margin"), side = size + 2 * margin;
  const map = svg("svg", { class: "map", viewBox: `${-margin} ${-margin} ${side} ${side}`,
    width: SCREEN, height: SCREEN }, parent);
  svg("rect", { class: "frame", width: size, height: size }, map);
  const layers = ["kept", "missed", "added", "curve"]
    .map(name => [name, svg("path", { class: name }, map)]);
  const hull = svg("polygon", { class: "hull" }, map), group = svg("g", {}, map);
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const move = (k, x, y) => {
    state.controls[k] = [x, y].map(v => clamp(v, -margin, size + margin));
    place();
    changed();
  };
  const makePoint = k => {
    const node = svg("circle", { class: "control", r: 1.7, tabindex: 0, role: "application",
      "data-control": k }, group);
    node.addEventListener("focus", () => { state.chosen = k; place(); });
    node.addEventListener("pointerdown", down => {
      down.preventDefault();
      node.setPointerCapture(down.pointerId);
      node.focus({ preventScroll: true });
      const [x, y] = state.controls[k], scale = side / map.getBoundingClientRect().width;
      state.held = true;
      const on = event => move(k, x + (event.clientX - down.clientX) * scale,
        y + (event.clientY - down.clientY) * scale);
      node.addEventListener("pointermove", on);
      node.addEventListener("lostpointercapture", () => {
        node.removeEventListener("pointermove", on);
        state.held = false;
      }, { once: true });
    });
    node.addEventListener("keydown", event => {
      const arrow = arrows[event.key], [x, y] = state.controls[k];
      if (arrow) {
        const [dx, dy] = arrow.map(v => v * (event.altKey ? 0.1 : 1));
        move(k, x + dx, y + dy);
      } else if (event.key === "Delete" || event.key === "Backspace") ask({ remove: k });
      else if (event.key === "Insert" || event.key === "+") ask({ add: k });
      else return;
      event.preventDefault();
      event.stopPropagation();                         // JupyterLab has shortcuts on these keys
    });
  };
  const place = () => {
    const { controls } = state;
    const gone = group.childElementCount > controls.length;
    while (group.childElementCount > controls.length) group.lastChild.remove();
    while (group.childElementCount < controls.length) makePoint(group.childElementCount);
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

function render({ model, el: root }) {
  root.classList.add("minseg-spline");
  root.dataset.lmSuppressShortcuts = "true";
  const state = { controls: [], chosen: 0, held: false };
  const read = () => { state.controls = model.get("controls").map(point => [...point]); };
  read();
  const { ask, quiet } = makeQuestions(model);
  const changed = () => ask({ controls: state.controls });
  const row = html("div", { className: "controls" }, root);
  makeSelect(model, "thing", model.get("things").map(name => [name, name]), "mask ", row);
  const button = (name, text, title, wish) => {
    const node = html("button", { className: name, textContent: text, title }, row);
    node.addEventListener("click", () => ask(wish()));
    return node;
  };
  button("fit", "Fit", "Least squares with as many points", () => ({ fit: true }));
  const add = button("add", "Add a point", "Behind the chosen one", () => ({ add: state.chosen }));
  const remove = button("remove", "Remove the chosen point", "", () => ({ remove: state.chosen }));
  const stage = html("div", { className: "stage" }, root);
  const map = makeMap(model, state, changed, ask, stage);
  const key = html("div", { className: "key" }, root);
  for (const [name, text] of [["kept", "kept"], ["missed", "lost"], ["added", "added"]]) {
    html("span", { className: "swatch " + name }, key);
    html("span", { textContent: text }, key);
  }
  const facts = html("p", { className: "facts" }, root);

  const drawing = drawOnChange(model, root, view => {
    const [fewest, most] = model.get("limits");
    if (!state.held && quiet()) read();
    add.disabled = state.controls.length >= most;
    remove.disabled = state.controls.length <= fewest;
    map(view);
    write(facts, view.facts);
  });
  drawing.now();
  return drawing.stop;
}

export default { render };
