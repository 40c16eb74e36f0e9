// What every widget's page needs. `page.py` puts this file before each widget's own script.
//   Nodes      svg, html, set, write, rectangle, showPng, startTable, fillTable, makeKey, keepCount
//   Traits     setTrait, bindControl, makeSelect, makeTick, makeSlider, makeButton, arrowsStep
//   Python     startPage, makeQuestions, drawOnChange
//   Hands      whereIn, drag, dragBox, dragPoint, dragSegment, onArrows, movedBox, resizedBox
// Positions are in units of the picture, its SVG's viewBox: most often pixels of an image.

// ---- Nodes -------------------------------------------------------------------------------------

const svg = (tag, attributes, parent) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  set(node, attributes);
  parent.append(node);
  return node;
};
const html = (tag, properties, parent) => {
  const node = Object.assign(document.createElement(tag), properties);
  parent.append(node);
  return node;
};
const set = (node, attributes) => {      // touch only what changed: repainting is what costs
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value);
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
};
const write = (node, text) => { if (node.textContent !== text) node.textContent = text; };
const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
const rectangle = (node, [x1, y1, x2, y2]) =>
  set(node, { x: x1, y: y1, width: Math.max(x2 - x1, 0), height: Math.max(y2 - y1, 0) });

// Show the bytes of a PNG file in an SVG <image>.
const showPng = (image, bytes) => {
  const old = image.getAttribute("href");
  set(image, { href: URL.createObjectURL(new Blob([bytes], { type: "image/png" })) });
  if (old) URL.revokeObjectURL(old);
};

// A table with a caption and column heads; returns its body.
const startTable = (parent, caption, columns, properties = {}) => {
  const table = html("table", properties, parent);
  if (caption) html("caption", { textContent: caption }, table);
  if (columns.length) {
    const head = html("tr", {}, html("thead", {}, table));
    for (const textContent of columns) html("th", { textContent, scope: "col" }, head);
  }
  return html("tbody", {}, table);
};
const fillTable = (body, rows) =>                      // the first cell of a row is its head
  body.replaceChildren(...rows.map(([name, ...cells]) => {
    const row = document.createElement("tr");
    html("th", { textContent: name, scope: "row" }, row);
    for (const textContent of cells) html("td", { textContent }, row);
    return row;
  }));

// A legend. `entries`: the class of a swatch, which gives it its colour, and a text.
const makeKey = (parent, entries, swatch = "swatch") => {
  const key = html("div", { className: "swatches errors" }, parent);
  for (const [name, textContent] of entries) {
    html("span", { className: `${swatch} ${name}` }, key);
    html("span", { textContent }, key);
  }
};
const MASK_ERRORS = [["kept", "kept"], ["missed", "lost"], ["added", "added"]];  // svg_path.py's

// Give a node so many children: `make(k)` appends the k-th, the last ones are removed.
const keepCount = (node, count, make) => {
  while (node.childElementCount > count) node.lastChild.remove();
  while (node.childElementCount < count) make(node.childElementCount);
};

// ---- Traits: controls that show one of Python's and set it -------------------------------------

const setTrait = (model, trait, value) => { model.set(trait, value); model.save_changes(); };

const bindControl = (model, node, trait, read, show) => {
  node.dataset.trait = trait;
  node.addEventListener("input", () => setTrait(model, trait, read()));
  const follow = () => show(model.get(trait));
  model.on("change:" + trait, follow);
  follow();
};

// `options` are values, or pairs of a value and its text; `read` turns what is chosen, a text, into
// a value.
const makeSelect = (model, trait, options, text, parent, read = value => value) => {
  const select = html("select", {}, html("label", { textContent: text }, parent));
  for (const [value, textContent = value] of options.map(option => [option].flat())) {
    html("option", { value, textContent }, select);
  }
  bindControl(model, select, trait, () => read(select.value), v => { select.value = String(v); });
  return select;
};

const makeTick = (model, trait, text, parent) => {
  const label = html("label", {}, parent), tick = html("input", { type: "checkbox" }, label);
  label.append(" " + text);
  bindControl(model, tick, trait, () => tick.checked, v => { tick.checked = v; });
};

// A slider with its value beside it. `range`: min, max, step. `say` gives the text of a value;
// `to` and `from` turn the slider's number into the trait's value and back.
const makeSlider = (model, trait, range, text, parent,
                    say = String, to = v => v, from = v => v) => {
  const label = html("label", { textContent: text }, parent);
  const slider = html("input", { type: "range", ...range }, label);
  const shown = html("span", {}, label);
  arrowsStep(slider);
  bindControl(model, slider, trait, () => to(Number(slider.value)),
    v => { slider.value = from(v); write(shown, say(v)); });
  return slider;
};

const makeButton = (text, className, parent, act) => {
  const button = html("button", { textContent: text, className }, parent);
  button.addEventListener("click", act);
  return button;
};

// JupyterLab takes arrow keys away from sliders: give them back.
const arrowsStep = input => input.addEventListener("keydown", event => {
  const up = { ArrowRight: true, ArrowUp: true, ArrowLeft: false, ArrowDown: false }[event.key];
  if (up === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  if (up) input.stepUp(); else input.stepDown();
  input.dispatchEvent(new Event("input"));
  input.dispatchEvent(new Event("change"));
});

// ---- Python: questions to it, and drawing what it answers --------------------------------------

function startPage(root, name) {
  root.classList.add("minseg", name);                  // see base/style.css
  root.dataset.lmSuppressShortcuts = "true";           // keys in here are not JupyterLab's
}

const IN_FLIGHT = 3;                     // questions on their way to Python at one time
const NUDGE = 8;                         // ms until a lone question is followed by a nudge

// Up to `most` questions fly at once, the others wait in order. `ask` tells where something is
// dragged: of such places that wait one behind the other, the newest wins. `tell` is for clicks,
// of which none may be lost. Python answers each question with one `view`, whose `answers` is not
// negative. A drag sets `held`; while it is set, or a question is open, the page is ahead of
// Python, and must not read back what it has sent: see `quiet`.
// A lone question is followed by an empty message: the server sends its answer in several small
// packets and holds the later ones back (Nagle) until the browser has acknowledged the first,
// which it puts off for 40 ms if it has nothing to send. While dragging, the next question does.
function makeQuestions(model, most = IN_FLIGHT) {
  let flying = 0, asked = 0, last = 0;
  const waiting = [];                    // oldest first
  const send = content => {
    flying += 1;
    asked += 1;
    model.send({ ...content, n: asked });
    const now = performance.now(), lone = now - last > 60;
    last = now;
    if (lone) setTimeout(() => { if (last === now && flying) model.send({}); }, NUDGE);
  };
  const next = () => { while (flying < most && waiting.length) send(waiting.shift().content); };
  model.on("change:view", () => {
    if (model.get("view").answers < 0) return;         // Python spoke first: no answer of ours
    flying = Math.max(flying - 1, 0);
    next();
  });
  const questions = {
    held: false,
    quiet: () => !flying && !waiting.length && !questions.held,
    ask: content => {
      const newest = waiting.at(-1);
      if (newest?.place) newest.content = { ...newest.content, ...content };
      else waiting.push({ content, place: true });
      next();
    },
    tell: content => { waiting.push({ content, place: false }); next(); },
  };
  return questions;
}

// Calls `draw(view)` in the frame after a view has come: of several in one frame, for the last.
// A screen reader speaks its facts once they rest. `stop` is for when the widget goes.
function drawOnChange(model, root, draw) {
  const live = html("div", { className: "live", ariaLive: "polite" }, root);
  let speaking = 0, frame = 0;
  const now = () => {
    const view = model.get("view");
    draw(view);
    clearTimeout(speaking);
    speaking = setTimeout(() => write(live, view.spoken ?? view.facts), 700);
    root.dataset.facts = view.facts;
    root.dataset.drawn = view.drawn;
  };
  const soon = () => { frame ||= requestAnimationFrame(() => { frame = 0; now(); }); };
  model.on("change:view", soon);
  const stop = () => {
    model.off("change:view", soon);
    cancelAnimationFrame(frame);
    clearTimeout(speaking);
  };
  return { now, soon, stop };
}

// ---- Hands: mouse, touch and pen ---------------------------------------------------------------

// Where an event is in an SVG picture, in its units.
const whereIn = (picture, event) => {
  const shape = picture.getBoundingClientRect(), { x, y, width } = picture.viewBox.baseVal;
  const scale = width / shape.width;
  return [x + (event.clientX - shape.left) * scale, y + (event.clientY - shape.top) * scale];
};

// From a press on `node` to the release. `begin(at, event)` returns what the drag starts from, or
// undefined: not here. `move(from, dx, dy, at)` is called for each move, with the way since the
// press; `end()` after the last. `focus` is what the arrow keys move from now on.
function drag(picture, node, { begin, move, end = () => {}, focus = node, questions = {} }) {
  node.addEventListener("pointerdown", down => {
    const pressed = whereIn(picture, down), from = begin(pressed, down);
    if (from === undefined) return;
    down.preventDefault();
    node.setPointerCapture(down.pointerId);
    focus.focus({ preventScroll: true });
    questions.held = true;
    const on = event => {
      const at = whereIn(picture, event);
      move(from, at[0] - pressed[0], at[1] - pressed[1], at);
    };
    node.addEventListener("pointermove", on);
    node.addEventListener("lostpointercapture", () => {
      node.removeEventListener("pointermove", on);
      questions.held = false;
      end();
    }, { once: true });
  });
}

// Arrow keys on `node`: `move(dx, dy, event)`, by `step`, and by `step * fine` with Alt, which is
// another's key if `fine` is 0. `other(event)` gets all other keys. What returns false leaves the
// key to the page.
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
function onArrows(node, move, { step = 1, fine = 0.1, other = () => false } = {}) {
  node.addEventListener("keydown", event => {
    const arrow = ARROWS[event.key], unit = event.altKey ? step * fine : step;
    if (event.ctrlKey || event.metaKey || !unit) return;
    const taken = arrow ? move(arrow[0] * unit, arrow[1] * unit, event) : other(event);
    if (taken === false) return;
    event.preventDefault();
    event.stopPropagation();                           // JupyterLab has shortcuts on these keys
  });
}

// A box (x1, y1, x2, y2) moved within a picture of `size` [height, width].
const movedBox = ([x1, y1, x2, y2], dx, dy, [height, width]) => {
  const right = clamp(dx, -x1, width - x2), down = clamp(dy, -y1, height - y2);
  return [x1 + right, y1 + down, x2 + right, y2 + down];
};
// The same box with one corner moved, given by the numbers of its x and its y: 2, 3 lower right.
const LOWER_RIGHT = [2, 3];
const resizedBox = (box, dx, dy, [height, width], smallest, corner = LOWER_RIGHT) => {
  const moved = [...box], border = [0, 0, width, height];
  for (const [i, d] of [[corner[0], dx], [corner[1], dy]]) {
    moved[i] = i > 1 ? clamp(box[i] + d, box[i - 2] + smallest, border[i])
                     : clamp(box[i] + d, 0, box[i + 2] - smallest);
  }
  return moved;
};

// A box that `node` drags, each of `handles` (pairs of a node and its corner) resizes, and arrow
// keys move: with Shift resize. `get()` gives the box, `put(box, at)` gets the new one; `at` is the
// pointer, undefined for keys. `grab` is called when the box is pressed.
function dragBox(picture, node, handles, { size, smallest, get, put, questions, step = 1,
                                           grab = () => {} }) {
  const move = (from, dx, dy, at) => put(movedBox(from, dx, dy, size), at);
  const resize = corner => (from, dx, dy, at) =>
    put(resizedBox(from, dx, dy, size, smallest, corner), at);
  const begin = () => { grab(); return [...get()]; };
  drag(picture, node, { begin, move, questions });
  for (const [handle, corner] of handles) {
    drag(picture, handle, { begin, move: resize(corner), focus: node, questions });
  }
  const byKey = resize(LOWER_RIGHT);
  onArrows(node, (dx, dy, event) => (event.shiftKey ? byKey : move)(get(), dx, dy), { step });
}

// A point that is dragged and moved by arrow keys, within a border [x1, y1, x2, y2].
function dragPoint(picture, node, { border, get, put, questions, step = 1, other }) {
  const move = ([x, y], dx, dy) =>
    put([clamp(x + dx, border[0], border[2]), clamp(y + dy, border[1], border[3])]);
  drag(picture, node, { begin: () => [...get()], move, questions });
  onArrows(node, (dx, dy) => move(get(), dx, dy), { step, other });
}

// A segment of a map: only Python knows its pixels, so the page says how far it has been dragged,
// in whole pixels, and only when that changes. `press(at)` chooses the segment.
function dragSegment(picture, node, { press, by, questions }) {
  let last = "";
  drag(picture, node, {
    begin: at => { press(at); last = "0,0"; return at; },
    move: (_, dx, dy) => {
      const way = [Math.round(dx), Math.round(dy)];
      if (`${way}` === last) return;
      last = `${way}`;
      by(way);
    },
    questions,
  });
}
