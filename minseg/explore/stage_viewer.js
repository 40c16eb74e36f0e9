// Draws what stage_viewer.py computed, and tells it which RoI is chosen and where it is dragged.
// Positions are in image pixels; nothing of the model is computed here.
const SCREEN = 400;                      // the drawing's width, screen pixels
const SMALLEST = 2;                      // image pixels: the least side of a box
const ORDER = ["anchors", "proposals", "samples", "boxes", "masks"];
const KEYS = {                           // which mark stands for what, at each stage
  anchors: [["level0", "finest level"], ["level1", "next"], ["level2", "coarsest"]],
  proposals: [["level0", "finest level"], ["level1", "next"], ["level2", "coarsest"]],
  samples: [["positive", "drawn as positive"], ["background", "drawn as background"],
            ["left", "not drawn"]],
  boxes: [["kept", "kept"], ["lost", "dropped"]],
  masks: [["kept", "kept"]],
};

// ---- Tabs, one a stage, and the number of the RoI -----------------------------------------------

function makeTabs(model, parent) {
  const list = html("div", { className: "tabs", role: "tablist", ariaLabel: "Stage" }, parent);
  const show = stage => { model.set("stage", stage); model.save_changes(); };
  const tabs = ORDER.map(stage => {
    const tab = html("button", { role: "tab", textContent: model.get("stages")[stage] }, list);
    tab.dataset.stage = stage;
    tab.addEventListener("click", () => show(stage));
    return tab;
  });
  list.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();                           // JupyterLab has shortcuts on arrows
    const at = ORDER.indexOf(model.get("stage"));
    const next = clamp(at + step, 0, ORDER.length - 1);
    show(ORDER[next]);
    tabs[next].focus();
  });
  return () => tabs.forEach(tab => {
    const on = tab.dataset.stage === model.get("stage");
    set(tab, { "aria-selected": on, tabindex: on ? 0 : -1 });
  });
}

function makeControls(model, ask, parent) {
  const row = html("div", { className: "controls" }, parent);
  const label = html("label", { textContent: "RoI " }, row);
  const slider = html("input", { type: "range", min: 0, max: model.get("rois").anchors.length - 1,
    step: 1, className: "number" }, label);
  const shown = html("span", {}, label);
  arrowsStep(slider);
  slider.addEventListener("input", () => ask({ chosen: Number(slider.value), box: [] }));
  html("button", { className: "reset", textContent: "Put it back" }, row)
    .addEventListener("click", () => ask({ box: [] }));
  return () => {
    slider.value = model.get("chosen");
    write(shown, `${model.get("chosen") + 1} of ${model.get("rois").anchors.length}`);
  };
}

// ---- The image: every RoI of the stage, and the chosen one on top -------------------------------

function makeMap(model, state, ask, parent) {
  const [height, width] = model.get("size");
  const frame = html("div", {}, parent);
  const map = svg("svg", { class: "map", viewBox: `0 0 ${width} ${height}`, width: SCREEN,
    height: Math.round(SCREEN * height / width), tabindex: 0, role: "application", "aria-label":
    "Image with RoIs. N and P choose the next and the previous one, digits 1 to 5 the stage. " +
    "Arrow keys move it, Shift and arrow keys resize it, Alt makes the steps ten times smaller." },
    frame);
  const url = URL.createObjectURL(new Blob([model.get("image_png")], { type: "image/png" }));
  svg("image", { href: url, width, height, class: "photo" }, map);
  const truths = svg("g", { class: "truths" }, map);
  model.get("truths").forEach(box => rectangle(svg("rect", {}, truths), box));
  const found = svg("g", { class: "found" }, map);
  model.get("masks").forEach(d => svg("path", { d }, found));
  const rois = svg("g", { class: "rois" }, map), chosen = svg("g", { class: "chosen" }, map);
  const mask = svg("path", { class: "mask" }, chosen), grid = svg("path", { class: "cells" }, chosen);
  const anchor = svg("rect", { class: "anchor" }, chosen);
  const refined = svg("rect", { class: "refined" }, chosen);
  const under = svg("rect", { class: "under" }, chosen);
  const box = svg("rect", { class: "box" }, chosen);
  const handle = svg("circle", { class: "handle", r: 5 * width / SCREEN }, chosen);
  const key = html("p", { className: "key" }, frame);
  let stage = "";

  const move = (from, dx, dy, resize) => {
    const [x1, y1, x2, y2] = from;
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
  const place = () => {
    rectangle(box, state.box);
    rectangle(under, state.box);
    set(handle, { cx: state.box[2], cy: state.box[3] });
  };
  const drag = (node, resize) => node.addEventListener("pointerdown", down => {
    down.preventDefault();
    node.setPointerCapture(down.pointerId);
    map.focus({ preventScroll: true });
    const from = [...state.box], scale = width / map.getBoundingClientRect().width;
    state.held = true;
    const on = event => move(from, (event.clientX - down.clientX) * scale,
      (event.clientY - down.clientY) * scale, resize);
    node.addEventListener("pointermove", on);
    node.addEventListener("lostpointercapture", () => {
      node.removeEventListener("pointermove", on);
      state.held = false;
    }, { once: true });
  });
  drag(box, false);
  drag(handle, true);
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  map.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey) return;
    const arrow = arrows[event.key], step = { n: 1, p: -1 }[event.key.toLowerCase()];
    const digit = Number(event.key);
    if (arrow && stage !== "anchors") {
      const [dx, dy] = arrow.map(v => v * (event.altKey ? 0.1 : 1));
      move(state.box, dx, dy, event.shiftKey);
    } else if (step) {
      ask({ chosen: model.get("chosen") + step, box: [] });
    } else if (digit >= 1 && digit <= ORDER.length) {
      model.set("stage", ORDER[digit - 1]);
      model.save_changes();
    } else if (!arrow) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();                           // JupyterLab has shortcuts on these keys
  });
  const area = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);
  const fill = () => {                                 // small boxes last: they stay clickable
    const all = model.get("rois")[stage].map((one, k) => ({ one, k }));
    rois.replaceChildren();
    for (const { one, k } of all.sort((a, b) => area(b.one) - area(a.one))) {
      if (stage === "masks" && one[4] === "lost") continue;
      const node = svg("rect", { class: one[4], "data-roi": k + 1 }, rois);
      rectangle(node, one);
      node.addEventListener("pointerdown", () => ask({ chosen: k, box: [] }));
    }
    key.replaceChildren();
    for (const [name, text] of KEYS[stage]) {
      html("span", { className: `mark ${name}` }, key);
      key.append(` ${text}  `);
    }
  };
  return {
    place,
    stop: () => URL.revokeObjectURL(url),
    draw(view) {
      if (stage !== model.get("stage")) {
        stage = model.get("stage");
        set(map, { class: `map at-${stage}` });
        fill();
      }
      rectangle(anchor, view.anchor);
      rectangle(refined, view.refined);
      set(chosen, { class: "chosen" + (view.moved ? " moved" : "") });
      set(mask, { d: view.mask });
      const [top, bottom] = [view.rows[0], view.rows.at(-1)];
      const [left, right] = [view.columns[0], view.columns.at(-1)];
      set(grid, { d: view.columns.map(x => `M${x} ${top}V${bottom}`).join("") +
        view.rows.map(y => `M${left} ${y}H${right}`).join("") });
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
    map.draw(view);
    for (const part of [side, story]) part(view);
    tabs();
    controls();
  });
  drawing.now();
  return () => { drawing.stop(); map.stop(); };
}

export default { render };
