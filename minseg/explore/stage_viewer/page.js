// Draws what numbers.py computed, and tells widget.py which RoI is chosen and where it is dragged.
// Positions are in image pixels; nothing of the model is computed here.
const SCREEN = 560;                      // the drawing's width, screen pixels
const SMALLEST = 2;                      // image pixels: the least side of a box
const NEAR = 4;                          // screen pixels: a click that has not become a drag
const ORDER = ["anchors", "proposals", "samples", "boxes", "masks"];
const KEYS = {                           // which mark stands for what, after those of the levels
  anchors: [],
  proposals: [["anchor", "its anchor"]],
  samples: [["positive", "positive"], ["background", "background"], ["left", "not drawn"],
            ["thing", "a thing"]],
  boxes: [["kept", "kept"], ["lost", "dropped"], ["refined", "as the box head moves it"]],
  masks: [["kept", "kept"], ["refined", "the box that the mask head reads, 14 × 14 cells"]],
};

const choose = (model, k) =>
  setTrait(model, "chosen", clamp(k, 0, model.get("rois").anchors.length - 1));

// ---- Tabs, one for each stage, and the number of the RoI -----------------------------------------------

function makeTabs(model, parent) {
  const list = html("div", { className: "tabs", role: "tablist", ariaLabel: "Stage" }, parent);
  const tabs = ORDER.map(stage => {
    const tab = html("button", { role: "tab", textContent: model.get("stages")[stage] }, list);
    tab.dataset.stage = stage;
    tab.addEventListener("click", () => setTrait(model, "stage", stage));
    return tab;
  });
  onArrows(list, dx => {
    if (!dx) return false;                             // up and down are the page's
    const next = clamp(ORDER.indexOf(model.get("stage")) + dx, 0, ORDER.length - 1);
    setTrait(model, "stage", ORDER[next]);
    tabs[next].focus();
  }, { fine: 1 });
  return () => tabs.forEach(tab => {
    const on = tab.dataset.stage === model.get("stage");
    set(tab, { "aria-selected": on, tabindex: on ? 0 : -1 });
  });
}

function makeControls(model, ask, parent) {
  const row = html("div", { className: "controls" }, parent);
  const all = model.get("rois").anchors.length;
  makeSlider(model, "chosen", { min: 0, max: all - 1, step: 1 }, "RoI ", row,
    k => `${k + 1} of ${all}, by objectness`);
  makeButton("Put it back", "reset", row, () => ask({ box: [] }));
  const caption = html("p", { className: "caption" }, parent);
  return () => write(caption, model.get("captions")[model.get("stage")]);
}

// ---- The image: every RoI of the stage, and the chosen one on top -------------------------------

function makeImage(model, parent) {
  const [height, width] = model.get("size");
  const map = svg("svg", { class: "map", viewBox: `0 0 ${width} ${height}`, width: SCREEN,
    height: Math.round(SCREEN * height / width), tabindex: 0, role: "application", "aria-label":
    "Image with RoIs. N and P choose the next and the previous one, digits 1 to 5 the stage. " +
    "Arrow keys move it, Shift and arrow keys resize it, Alt makes the steps ten times smaller." },
    parent);
  const photo = svg("image", { width, height, class: "photo" }, map);
  showPng(photo, model.get("image_png"));
  const found = svg("g", { class: "found" }, map), things = svg("g", { class: "things" }, map);
  model.get("masks").forEach(d => svg("path", { d }, found));
  model.get("truths").forEach((box, k) => {
    rectangle(svg("rect", {}, things), box);
    svg("text", { x: box[0] + width / 150, y: box[1] + width / 24, "font-size": width / 28 },
      things).textContent = k + 1;
  });
  return { map, stop: () => URL.revokeObjectURL(photo.getAttribute("href")) };
}

// Which RoIs a point may mean, those first whose outline is near.
function around(rois, x, y, reach) {
  return rois
    .map(([x1, y1, x2, y2], k) => ({ k, depth: Math.min(x - x1, x2 - x, y - y1, y2 - y) }))
    .filter(one => one.depth > -reach)
    .sort((a, b) => Math.abs(a.depth) - Math.abs(b.depth))
    .map(one => one.k);
}

// A click chooses the RoI whose outline is nearest; more clicks in one place, the ones behind it.
function makePicker(model, shown) {
  let last = { x: -1, y: -1, k: -1 };
  return (x, y, reach) => {
    const list = around(model.get("rois")[model.get("stage")], x, y, reach).filter(shown);
    if (!list.length) return;
    const again = Math.hypot(x - last.x, y - last.y) < reach;
    const k = list[again ? (list.indexOf(last.k) + 1) % list.length : 0];
    last = { x, y, k };
    choose(model, k);
  };
}

// The box of the chosen RoI, which is dragged by itself or by its corner. A press that goes nowhere
// is a click: on the same place, where another RoI may lie.
function makeBox(model, state, questions, pick, map, parent) {
  const size = model.get("size");
  const under = svg("rect", { class: "under" }, parent);
  const box = svg("rect", { class: "movable box" }, parent);
  const handle = svg("circle", { class: "handle", r: 5 * size[1] / SCREEN }, parent);
  const put = moved => {
    state.box = moved;
    place();
    questions.ask({ box: moved });
  };
  const place = () => {
    for (const node of [under, box]) rectangle(node, state.box);
    set(handle, { cx: state.box[2], cy: state.box[3] });
  };
  const change = (from, dx, dy, resizing) => put(resizing
    ? resizedBox(from, dx, dy, size, SMALLEST) : movedBox(from, dx, dy, size));

  let press = {};
  drag(map, map, {
    questions,
    begin(at, { target }) {
      press = { at, target, near: NEAR * size[1] / map.getBoundingClientRect().width };
      return [...state.box];
    },
    move(from, dx, dy) {
      if (press.target !== box && press.target !== handle) return;
      if (!press.gone && Math.hypot(dx, dy) < press.near) return;
      press.gone = true;
      change(from, dx, dy, press.target === handle);
    },
    end() { if (!press.gone) pick(...press.at, press.near); },
  });
  onArrows(map, (dx, dy, event) => {
    if (model.get("stage") !== "anchors") change(state.box, dx, dy, event.shiftKey);
  }, {
    other(event) {
      const step = { n: 1, p: -1 }[event.key.toLowerCase()], stage = ORDER[Number(event.key) - 1];
      if (step) return choose(model, model.get("chosen") + step);
      return stage ? setTrait(model, "stage", stage) : false;
    },
  });
  return place;
}

function makeMap(model, state, questions, parent) {
  const frame = html("div", {}, parent), { map, stop } = makeImage(model, frame);
  const rois = svg("g", { class: "rois" }, map), chosen = svg("g", { class: "chosen" }, map);
  const mask = svg("path", { class: "mask" }, chosen), grid = svg("path", { class: "cells" }, chosen);
  const anchor = svg("rect", { class: "anchor" }, chosen);
  const refined = svg("rect", { class: "refined" }, chosen);
  const key = html("p", { className: "key" }, frame);
  const levels = model.get("strides").map((stride, k) => ["level" + k, "stride " + stride]);
  const shown = k => stage !== "masks" || model.get("rois").masks[k][4] === "kept";
  const place = makeBox(model, state, questions, makePicker(model, shown), map, chosen);
  let stage = "";

  const changeStage = () => {
    stage = model.get("stage");
    set(map, { class: "map at-" + stage });
    rois.replaceChildren();
    model.get("rois")[stage].forEach((one, k) => {
      if (shown(k)) rectangle(svg("rect", { class: one[4], "data-roi": k + 1 }, rois), one);
    });
    key.replaceChildren();
    const byLevel = stage === "anchors" || stage === "proposals";
    for (const [name, text] of [...(byLevel ? levels : []), ...KEYS[stage]]) {
      const item = html("span", {}, key);
      html("i", { className: name }, item);
      item.append(" " + text);
    }
  };
  return {
    place, stop,
    draw(view) {
      if (stage !== model.get("stage")) changeStage();
      rectangle(anchor, view.anchor);
      rectangle(refined, view.refined);
      set(chosen, { class: "chosen" + (view.moved ? " moved" : "") });
      set(mask, { d: view.mask });
      const [x1, y1, x2, y2] = view.refined;
      set(grid, { d: view.columns.map(x => `M${x} ${y1}V${y2}`).join("") +
        view.rows.map(y => `M${x1} ${y}H${x2}`).join("") });
    },
  };
}

// ---- What the heads see and say -----------------------------------------------------------------

function makeSide(parent) {
  const side = html("div", { className: "side" }, parent);
  const pictures = html("div", { className: "pictures" }, side);
  const [features, probabilities] = [["14 × 14 features", "what the mask head is given"],
    ["28 × 28 mask", "probabilities of the likeliest class"]].map(([title, what]) => {
    const figure = html("figure", {}, pictures);
    html("figcaption", { textContent: title }, figure);
    return html("img", { alt: `${title}: ${what}` }, figure);
  });
  const body = startTable(side, "Class scores", []);
  return view => {
    if (features.src !== view.features) features.src = view.features;
    if (probabilities.src !== view.probabilities) probabilities.src = view.probabilities;
    while (body.rows.length < view.scores.length) {
      const row = html("tr", {}, body);
      html("th", { scope: "row" }, row);
      html("div", { className: "bar" }, html("td", {}, row));
      html("td", { className: "score" }, row);
    }
    view.scores.forEach(([name, score], i) => {
      const [head, bar, number] = body.rows[i].cells;
      write(head, name);
      bar.firstChild.style.width = `${Math.round(100 * score)}px`;
      write(number, score.toFixed(3));
    });
  };
}

function makeStory(model, parent) {
  const list = html("ol", { className: "story" }, parent);
  const items = ORDER.map(stage => {
    const item = html("li", {}, list);
    item.dataset.stage = stage;
    html("b", { textContent: model.get("stages")[stage] + ": " }, item);
    return Object.assign(item, { text: html("span", {}, item) });
  });
  return view => items.forEach(item => {
    item.classList.toggle("on", item.dataset.stage === model.get("stage"));
    write(item.text, view.lines[item.dataset.stage]);
  });
}

// ---- All together -------------------------------------------------------------------------------

function render({ model, el: root }) {
  startPage(root, "minseg-stages");
  const state = { box: [...model.get("view").proposal] };
  const questions = makeQuestions(model);
  const tabs = makeTabs(model, root), controls = makeControls(model, questions.ask, root);
  const stage = html("div", { className: "stage" }, root);
  const map = makeMap(model, state, questions, stage), side = makeSide(stage);
  const story = makeStory(model, root);
  const drawing = drawOnChange(model, root, view => {
    if (questions.quiet()) state.box = [...view.proposal];
    map.place();
    for (const draw of [tabs, controls, map.draw, side, story]) draw(view);
  });
  drawing.now();
  return () => { drawing.stop(); map.stop(); };
}

export default { render };
