// Draws what stage_viewer.py computed, and tells it which RoI is chosen and where it is dragged.
// Positions are in image pixels; nothing of the model is computed here.
const SCREEN = 460;                      // the drawing's width, screen pixels
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

function put(model, trait, value) {
  model.set(trait, value);
  model.save_changes();
}
const choose = (model, k) =>
  put(model, "chosen", clamp(k, 0, model.get("rois").anchors.length - 1));

// ---- Tabs, one a stage, and the number of the RoI -----------------------------------------------

function makeTabs(model, parent) {
  const list = html("div", { className: "tabs", role: "tablist", ariaLabel: "Stage" }, parent);
  const tabs = ORDER.map(stage => {
    const tab = html("button", { role: "tab", textContent: model.get("stages")[stage] }, list);
    tab.dataset.stage = stage;
    tab.addEventListener("click", () => put(model, "stage", stage));
    return tab;
  });
  list.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();                           // JupyterLab has shortcuts on arrows
    const next = clamp(ORDER.indexOf(model.get("stage")) + step, 0, ORDER.length - 1);
    put(model, "stage", ORDER[next]);
    tabs[next].focus();
  });
  return () => tabs.forEach(tab => {
    const on = tab.dataset.stage === model.get("stage");
    set(tab, { "aria-selected": on, tabindex: on ? 0 : -1 });
  });
}

function makeControls(model, ask, parent) {
  const row = html("div", { className: "controls" }, parent);
  const label = html("label", { textContent: "RoI " }, row), all = model.get("rois").anchors.length;
  const slider = html("input", { type: "range", min: 0, max: all - 1, step: 1 }, label);
  const shown = html("span", {}, label);
  arrowsStep(slider);
  bindControl(model, slider, "chosen", () => Number(slider.value),
    k => { slider.value = k; write(shown, `${k + 1} of ${all}, by objectness`); });
  html("button", { className: "reset", textContent: "Put it back" }, row)
    .addEventListener("click", () => ask({ box: [] }));
  const caption = html("p", { className: "caption" }, parent);
  return () => write(caption, model.get("captions")[model.get("stage")]);
}

// ---- The image: every RoI of the stage, and the chosen one on top -------------------------------

function makeImage(model, url, parent) {
  const [height, width] = model.get("size");
  const map = svg("svg", { class: "map", viewBox: `0 0 ${width} ${height}`, width: SCREEN,
    height: Math.round(SCREEN * height / width), tabindex: 0, role: "application", "aria-label":
    "Image with RoIs. N and P choose the next and the previous one, digits 1 to 5 the stage. " +
    "Arrow keys move it, Shift and arrow keys resize it, Alt makes the steps ten times smaller." },
    parent);
  svg("image", { href: url, width, height, class: "photo" }, map);
  const found = svg("g", { class: "found" }, map), things = svg("g", { class: "things" }, map);
  model.get("masks").forEach(d => svg("path", { d }, found));
  model.get("truths").forEach((box, k) => {
    rectangle(svg("rect", {}, things), box);
    svg("text", { x: box[0] + width / 150, y: box[1] + width / 24, "font-size": width / 28 },
      things).textContent = k + 1;
  });
  return map;
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

// The box of the chosen RoI, which is dragged by itself or by its corner.
function makeBox(model, state, ask, pick, map, parent) {
  const [height, width] = model.get("size");
  const under = svg("rect", { class: "under" }, parent), box = svg("rect", { class: "box" }, parent);
  const handle = svg("circle", { class: "handle", r: 5 * width / SCREEN }, parent);
  const place = () => {
    for (const node of [under, box]) rectangle(node, state.box);
    set(handle, { cx: state.box[2], cy: state.box[3] });
  };
  const move = ([x1, y1, x2, y2], dx, dy, resize) => {
    if (resize) {
      state.box = [x1, y1, clamp(x2 + dx, x1 + SMALLEST, width),
                   clamp(y2 + dy, y1 + SMALLEST, height)];
    } else {
      dx = clamp(dx, -x1, width - x2);
      dy = clamp(dy, -y1, height - y2);
      state.box = [x1 + dx, y1 + dy, x2 + dx, y2 + dy];
    }
    place();
    ask({ box: state.box });
  };
  map.addEventListener("pointerdown", down => {
    down.preventDefault();
    map.setPointerCapture(down.pointerId);
    map.focus({ preventScroll: true });
    const from = [...state.box], shape = map.getBoundingClientRect(), scale = width / shape.width;
    const held = down.target === box || down.target === handle;
    const on = event => {
      const dx = event.clientX - down.clientX, dy = event.clientY - down.clientY;
      if (!state.held && Math.hypot(dx, dy) < NEAR) return;
      state.held = true;
      move(from, dx * scale, dy * scale, down.target === handle);
    };
    if (held) map.addEventListener("pointermove", on);
    map.addEventListener("lostpointercapture", () => {
      map.removeEventListener("pointermove", on);
      if (!state.held) {
        pick((down.clientX - shape.x) * scale, (down.clientY - shape.y) * scale, NEAR * scale);
      }
      state.held = false;
    }, { once: true });
  });
  return { place, move };
}

function listenToKeys(model, state, box, map) {
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  map.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey) return;
    const arrow = arrows[event.key], step = { n: 1, p: -1 }[event.key.toLowerCase()];
    const stage = ORDER[Number(event.key) - 1];
    if (!arrow && !step && !stage) return;
    event.preventDefault();
    event.stopPropagation();                           // JupyterLab has shortcuts on these keys
    if (step) choose(model, model.get("chosen") + step);
    if (stage) put(model, "stage", stage);
    if (!arrow || model.get("stage") === "anchors") return;
    const [dx, dy] = arrow.map(v => v * (event.altKey ? 0.1 : 1));
    box.move(state.box, dx, dy, event.shiftKey);
  });
}

function makeMap(model, state, ask, parent) {
  const frame = html("div", {}, parent);
  const url = URL.createObjectURL(new Blob([model.get("image_png")], { type: "image/png" }));
  const map = makeImage(model, url, frame);
  const rois = svg("g", { class: "rois" }, map), chosen = svg("g", { class: "chosen" }, map);
  const mask = svg("path", { class: "mask" }, chosen), grid = svg("path", { class: "cells" }, chosen);
  const anchor = svg("rect", { class: "anchor" }, chosen);
  const refined = svg("rect", { class: "refined" }, chosen);
  const key = html("p", { className: "key" }, frame);
  const levels = model.get("strides").map((stride, k) => ["level" + k, "stride " + stride]);
  const shown = k => stage !== "masks" || model.get("rois").masks[k][4] === "kept";
  const box = makeBox(model, state, ask, makePicker(model, shown), map, chosen);
  let stage = "";
  listenToKeys(model, state, box, map);

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
    place: box.place,
    stop: () => URL.revokeObjectURL(url),
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
  const table = html("table", {}, side);
  html("caption", { textContent: "Class scores" }, table);
  const body = html("tbody", {}, table);
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
  root.classList.add("minseg-stages");
  root.dataset.lmSuppressShortcuts = "true";
  const state = { box: [...model.get("view").proposal], held: false };
  const { ask, quiet } = makeQuestions(model);
  const tabs = makeTabs(model, root), controls = makeControls(model, ask, root);
  const stage = html("div", { className: "stage" }, root);
  const map = makeMap(model, state, ask, stage), side = makeSide(stage);
  const story = makeStory(model, root);
  const drawing = drawOnChange(model, root, view => {
    if (!state.held && quiet()) state.box = [...view.proposal];
    map.place();
    for (const draw of [tabs, controls, map.draw, side, story]) draw(view);
  });
  drawing.now();
  return () => { drawing.stop(); map.stop(); };
}

export default { render };
