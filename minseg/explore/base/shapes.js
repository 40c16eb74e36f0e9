// The page's half of `shape_board.py`: shapes to drag, and table cells that change them.
//   shapesState, startImage, placeShape, makeShapes, makeScore, makeKind, middle
// A widget asks for this file in `script(name, "shapes")`; it stands after page.js. `state` holds
// copies of the traits: the page moves those at once, and Python hears of it through `changed`.
const SCREEN = 560;                      // the drawing's width, screen pixels
const SMALLEST = 8;                      // image pixels: the least side of a box

// Copies of the traits that the page may change. `read` takes them anew.
function shapesState(model, traits) {
  const state = { chosen: -1, choose: () => {}, sliding: false };
  state.read = () => traits.forEach(name => {
    state[name] = model.get(name).map(one => Array.isArray(one) ? [...one] : one);
  });
  state.sent = () => Object.fromEntries(traits.map(name => [name, state[name]]));
  state.read();
  return state;
}

const startImage = (model, parent) => {
  const [height, width] = model.get("size");
  return svg("svg", { class: "map", viewBox: `0 0 ${width} ${height}`, width: SCREEN,
    height: Math.round(SCREEN * height / width) }, parent);
};

const middle = ([x1, y1, x2, y2]) => [(x1 + x2) / 2, (y1 + y2) / 2];
const placeShape = (node, [x1, y1, x2, y2]) => set(node, { transform:
  `translate(${x1} ${y1}) scale(${(x2 - x1) / 100} ${(y2 - y1) / 100})` });

// Where the name of shape k stands: each in another direction, so that doubles can be told apart.
const tagPlace = ([x1, y1, x2, y2], k) => {
  const angle = 2.4 * k - 2.2, reach = 0.31;           // of the box, from its middle
  const [x, y] = middle([x1, y1, x2, y2]);
  return [x + reach * (x2 - x1) * Math.cos(angle), y + reach * (y2 - y1) * Math.sin(angle)];
};

// A group for each shape: its `.shape`, `.handle` and `.tag`. `name(k)` is what a screen reader
// says, `tag(k)` what stands in it.
function makeShapes(model, state, questions, map, { name, tag, changed }) {
  const paths = model.get("paths"), parent = svg("g", { class: "shapes" }, map);
  const make = k => {
    const group = svg("g", { "data-shape": k + 1 }, parent);
    const shape = svg("path", { class: "movable shape", tabindex: 0, role: "application",
      "aria-label": `${name(k)}. Arrow keys move it, Shift and arrow keys resize it, Alt makes ` +
      "the steps ten times smaller." }, group);
    const handle = svg("circle", { class: "handle", r: 3 }, group);
    svg("text", { class: "tag" }, group).textContent = tag(k);
    shape.addEventListener("focus", () => state.choose(k));
    dragBox(map, shape, [[handle, LOWER_RIGHT]], {
      questions, smallest: SMALLEST, size: model.get("size"), get: () => state.boxes[k],
      put(box) { state.boxes[k] = box; place(); changed(); },
    });
  };
  const place = () => {
    keepCount(parent, state.boxes.length, make);
    [...parent.children].forEach((group, k) => {
      const [shape, handle, number] = group.children, box = state.boxes[k];
      set(shape, { d: paths[state.kinds[k]] });
      placeShape(shape, box);
      set(handle, { cx: box[2], cy: box[3] });
      const [x, y] = tagPlace(box, k);
      set(number, { x, y: y + 3 });
    });
  };
  return { groups: () => [...parent.children], place };
}

// A cell with the score of shape k as a slider; returns what shows it.
function makeScore(state, k, label, changed, parent) {
  const input = html("input", { type: "range", min: 0, max: 1, step: 0.01, ariaLabel: label }, parent);
  const value = html("span", { className: "score" }, parent);
  arrowsStep(input);
  input.addEventListener("input", () => {
    state.sliding = true;
    state.scores[k] = Number(input.value);
    write(value, state.scores[k].toFixed(2));
    changed();
  });
  input.addEventListener("change", () => { state.sliding = false; });
  input.addEventListener("focus", () => state.choose(k));
  return () => {
    if (!state.sliding) input.value = state.scores[k];
    write(value, state.scores[k].toFixed(2));
  };
}

// A cell with the class of shape k, which is its form; returns what shows it.
function makeKind(state, k, kinds, label, changed, parent) {
  const select = html("select", { ariaLabel: label }, parent);
  for (const kind of kinds) html("option", { value: kind, textContent: kind }, select);
  select.addEventListener("input", () => { state.kinds[k] = select.value; changed(); });
  select.addEventListener("focus", () => state.choose(k));
  return () => { select.value = state.kinds[k]; };
}
