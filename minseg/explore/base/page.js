// What every widget's page needs: making and changing nodes, and asking Python questions.
// `page.py` puts this file before each widget's own script.

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
const rectangle = (node, [x1, y1, x2, y2]) =>
  set(node, { x: x1, y: y1, width: Math.max(x2 - x1, 0), height: Math.max(y2 - y1, 0) });
const clamp = (v, low, high) => Math.min(Math.max(v, low), high);

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

// A control that shows a trait of Python's and sets it.
const bindControl = (model, node, trait, read, show) => {
  node.dataset.trait = trait;
  node.addEventListener("input", () => { model.set(trait, read()); model.save_changes(); });
  const follow = () => show(model.get(trait));
  model.on("change:" + trait, follow);
  follow();
};
const makeSelect = (model, trait, options, text, parent, read = value => value) => {
  const select = html("select", {}, html("label", { textContent: text }, parent));
  for (const [value, textContent] of options) html("option", { value, textContent }, select);
  bindControl(model, select, trait, () => read(select.value), v => { select.value = String(v); });
};

// Calls `draw(view)` in the frame after a view has come: of several in one frame, for the last.
// A screen reader hears its facts once they rest. `stop` is for when the widget goes.
function drawOnChange(model, root, draw) {
  const live = html("div", { className: "live", ariaLive: "polite" }, root);
  let speaking = 0, frame = 0;
  const now = () => {
    const view = model.get("view");
    draw(view);
    clearTimeout(speaking);
    speaking = setTimeout(() => write(live, view.facts), 700);
    root.dataset.facts = view.facts;
    root.dataset.drawn = view.drawn;
  };
  const soon = () => { frame ||= requestAnimationFrame(() => { frame = 0; now(); }); };
  model.on("change:view", soon);
  return { now, soon, stop: () => { cancelAnimationFrame(frame); clearTimeout(speaking); } };
}

const IN_FLIGHT = 3;                     // questions on their way to Python at one time
const NUDGE = 8;                         // ms until a lone question is followed by a nudge

// Questions about something that is dragged: up to three fly at once; of those that wait, the
// newest values win. Python answers each with one `view`, whose `answers` is not negative.
// A lone question is followed by an empty message: the server sends its answer in several small
// packets and holds the later ones back (Nagle) until the browser has acknowledged the first,
// which it puts off for 40 ms if it has nothing to send. While dragging, the next question does.
function makeQuestions(model) {
  let flying = 0, asked = 0, waiting = null, last = 0;
  const send = content => {
    flying += 1;
    asked += 1;
    model.send({ ...content, n: asked });
    const now = performance.now(), lone = now - last > 60;
    last = now;
    if (lone) setTimeout(() => { if (last === now && flying) model.send({}); }, NUDGE);
  };
  model.on("change:view", () => {
    if (model.get("view").answers < 0) return;        // Python spoke first: no answer of ours
    flying = Math.max(flying - 1, 0);
    if (waiting && flying < IN_FLIGHT) { const next = waiting; waiting = null; send(next); }
  });
  return {
    ask: content => {
      if (flying < IN_FLIGHT) send(content);
      else waiting = { ...waiting, ...content };
    },
    quiet: () => !flying && !waiting,
  };
}
