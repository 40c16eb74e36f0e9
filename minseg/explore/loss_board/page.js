// Draws what loss_board.py computed, and tells it where discs are dragged. Positions are in image
// pixels; no loss and no gradient is computed here.
const SCREEN = 400;                      // each map's width, screen pixels
const SMALLEST = 1.5, LARGEST = 20;      // image pixels: radii
const TRACK = 132;                       // screen pixels: length of a bar's track
const NAMES = ["Predicted disc", "Far blob"];

// ---- Maps: a canvas of pixels, and outlines over it --------------------------------------------

function makeMap(model, parent, title) {
  const [height, width] = model.get("size"), figure = html("figure", {}, parent);
  const caption = html("figcaption", { textContent: title }, figure);
  const box = html("div", { className: "map" }, figure);
  const canvas = html("canvas", { width, height }, box);
  const over = svg("svg", { viewBox: `0 0 ${width} ${height}`, width: SCREEN,
    height: Math.round(SCREEN * height / width) }, box);
  const image = new ImageData(width, height);
  const [cx, cy, r] = model.get("truth");
  svg("circle", { class: "truth", cx, cy, r }, over);
  return {
    figure, over, caption, width, height,
    // `look` gives red, green, blue and opacity of a byte; the theme's ground shines through.
    paint(bytes, look) {
      const values = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      values.forEach((value, k) => image.data.set(look(value), 4 * k));
      canvas.getContext("2d").putImageData(image, 0, 0);
    },
  };
}

function makePrediction(model, state, changed, parent) {
  const map = makeMap(model, parent, "Predicted (dark), over the truth (wide green line)");
  map.over.classList.add("stage");
  const groups = NAMES.map((name, k) => {
    const group = svg("g", { "data-disc": k }, map.over);
    group.ring = svg("circle", { class: "ring", tabindex: 0, role: "application", "aria-label":
      `${name}. Arrow keys move it, Shift and arrow keys change its radius, Alt makes the steps ` +
      "ten times smaller." }, group);
    group.handle = svg("circle", { class: "handle", r: 1 }, group);
    return group;
  });
  const hole = svg("circle", { class: "hole" }, map.over);
  const place = () => {
    groups.forEach((group, k) => {
      const [x, y, r] = state.discs[k];
      set(group, { visibility: k && !model.get("blob") ? "hidden" : "visible" });
      set(group.ring, { cx: x, cy: y, r });
      set(group.handle, { cx: x + r, cy: y });
    });
    const [x, y, r] = state.discs[0];
    set(hole, { cx: x, cy: y, r: r / 3, visibility: model.get("hole") ? "visible" : "hidden" });
  };
  const change = (k, [x, y, r], dx, dy, resize) => {
    state.discs[k] = resize ? [x, y, clamp(r + dx, SMALLEST, LARGEST)]
      : [clamp(x + dx, 0, map.width), clamp(y + dy, 0, map.height), r];
    place();
    changed();
  };
  const drag = (node, k, resize) => node.addEventListener("pointerdown", down => {
    down.preventDefault();
    node.setPointerCapture(down.pointerId);
    groups[k].ring.focus({ preventScroll: true });
    const from = [...state.discs[k]], scale = map.width / map.over.getBoundingClientRect().width;
    state.held = true;
    const on = event => change(k, from, (event.clientX - down.clientX) * scale,
      (event.clientY - down.clientY) * scale, resize);
    node.addEventListener("pointermove", on);
    node.addEventListener("lostpointercapture", () => {
      node.removeEventListener("pointermove", on);
      state.held = false;
    }, { once: true });
  });
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  groups.forEach((group, k) => {
    drag(group.ring, k, false);
    drag(group.handle, k, true);
    group.ring.addEventListener("keydown", event => {
      const arrow = arrows[event.key];
      if (!arrow) return;
      event.preventDefault();
      event.stopPropagation();                         // JupyterLab has shortcuts on arrows
      const [dx, dy] = arrow.map(v => v * (event.altKey ? 0.1 : 1));
      change(k, state.discs[k], event.shiftKey ? dx - dy : dx, dy, event.shiftKey);
    });
  });
  return {
    place,
    draw(view, colour) {
      const [r, g, b] = colour("--ink");
      map.paint(view.probability, p => [r, g, b, 0.75 * p]);
    },
  };
}

function makePush(model, parent) {
  const map = makeMap(model, parent, "");
  set(map.over, { role: "img" });
  const signs = svg("g", {}, map.over);
  const legend = html("div", { className: "legend" }, map.figure);
  const [low, bar, high] = ["span", "div", "span"].map(tag => html(tag, {}, legend));
  bar.className = "scale";
  return {
    draw(view, colour) {
      const up = colour("--up"), down = colour("--down");
      map.paint(view.field, v => [...(v > 128 ? up : down), 1.4 * Math.abs(v - 128)]);
      while (signs.childElementCount < view.marks.length) svg("text", { class: "sign" }, signs);
      while (signs.childElementCount > view.marks.length) signs.lastChild.remove();
      view.marks.forEach(([x, y, sign], k) => {
        set(signs.children[k], { x, y: y + 0.9 });
        write(signs.children[k], sign);
      });
      write(map.caption, `Where ${model.get("loss")} pushes the ${view.unit} of each pixel`);
      write(low, `\u2212 lowers it by ${view.most}`);
      write(high, `+ raises it by ${view.most}`);
      set(map.over, { "aria-label": "Push of the chosen loss. " + view.facts });
    },
  };
}

// ---- The table: one row a loss -----------------------------------------------------------------

function makeTable(model, parent) {
  const table = html("table", {}, parent);
  html("caption", { textContent: "All losses; a bar shows how often the loss has doubled (right) " +
    "or halved (left) since the mark, three times at most" }, table);
  const head = html("tr", {}, html("thead", {}, table));
  for (const text of ["loss", "value", "since the mark", "halved   doubled", "push"]) {
    html("th", { textContent: text, scope: "col" }, head);
  }
  const body = html("tbody", {}, table);
  const lines = model.get("view").rows.map(({ name, pushes }) => {
    const row = html("tr", {}, body);
    row.dataset.loss = name;
    html("th", { textContent: name, scope: "row" }, row);
    const value = html("td", { className: "number" }, row);
    const change = html("td", { className: "number" }, row);
    const track = svg("svg", { class: "track", width: TRACK, height: 12, "aria-hidden": true },
      html("td", {}, row));
    const bar = svg("rect", { y: 2, height: 8 }, track);
    svg("path", { d: `M${TRACK / 2},0V12` }, track);
    const cell = html("td", {}, row);
    if (!pushes) { cell.textContent = "moves points"; return { row, value, change, bar }; }
    const label = html("label", {}, cell);
    const radio = html("input", { type: "radio", name: "push" + model.model_id, value: name,
      ariaLabel: `Show the push of ${name}` }, label);
    label.append(" show");
    radio.addEventListener("change", () => { model.set("loss", name); model.save_changes(); });
    return { row, value, change, bar, radio };
  });
  return {
    draw(view) {
      view.rows.forEach(({ name, value, change, bar }, k) => {
        const line = lines[k], chosen = name === model.get("loss");
        set(line.row, { class: chosen ? "chosen" : "" });
        if (line.radio) line.radio.checked = chosen;
        write(line.value, value);
        write(line.change, change);
        const end = TRACK / 2 * (1 + bar);
        set(line.bar, { x: Math.min(end, TRACK / 2), width: Math.abs(end - TRACK / 2),
          class: bar > 0 ? "more" : "less" });
      });
    },
  };
}

// ---- Controls, and all together ----------------------------------------------------------------

function makeControls(model, ask, parent) {
  const row = html("div", { className: "controls" }, parent);
  const label = html("label", { textContent: "soft edge " }, row);
  const slider = html("input", { type: "range", min: 0.25, max: 4, step: 0.25 }, label);
  const shown = html("span", {}, label);
  arrowsStep(slider);
  bindControl(model, slider, "softness", () => Number(slider.value),
    v => { slider.value = v; write(shown, v.toFixed(2) + " px"); });
  for (const [trait, text] of [["blob", " a far blob"], ["hole", " a hole"]]) {
    const holder = html("label", {}, row), tick = html("input", { type: "checkbox" }, holder);
    holder.append(text);
    bindControl(model, tick, trait, () => tick.checked, v => { tick.checked = v; });
  }
  for (const [what, text] of [["mark", "Set the mark here"], ["reset", "Put all back"]]) {
    html("button", { className: what, textContent: text }, row)
      .addEventListener("click", () => ask({ [what]: true }));
  }
}

function render({ model, el: root }) {
  root.classList.add("minseg-losses");
  root.dataset.lmSuppressShortcuts = "true";
  const state = { discs: [], held: false };
  const read = () => { state.discs = model.get("discs").map(one => [...one]); };
  read();
  const { ask, quiet } = makeQuestions(model);
  const colour = name => {
    const hex = getComputedStyle(root).getPropertyValue(name).trim();
    return [1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16));
  };
  makeControls(model, ask, root);
  const stage = html("div", { className: "maps" }, root);
  const prediction = makePrediction(model, state, () => ask({ discs: state.discs }), stage);
  const parts = [prediction, makePush(model, stage), makeTable(model, root)];
  const facts = html("p", { className: "facts" }, root);

  const drawing = drawOnChange(model, root, view => {
    if (!state.held && quiet()) read();
    prediction.place();
    for (const part of parts) part.draw(view, colour);
    write(facts, view.facts);
  });
  // Colours are known only once the widget is on the page, and change with the theme.
  const seen = new ResizeObserver(drawing.soon);
  const themed = new MutationObserver(drawing.soon);
  seen.observe(root);
  themed.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  drawing.now();
  return () => {
    drawing.stop();
    seen.disconnect();
    themed.disconnect();
  };
}

export default { render };
