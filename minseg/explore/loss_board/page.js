// Draws what numbers.py computed, and tells widget.py where discs are dragged. Positions are in
// image pixels; no loss and no gradient is computed here.
const SCREEN = 400;                      // each map's width, screen pixels
const SMALLEST = 1.5, LARGEST = 20;      // image pixels: radii
const TRACK = 132;                       // screen pixels: length of a bar's track
const NAMES = ["Predicted disc", "Far blob"];

// ---- Maps: a canvas of pixels, and outlines over it ---------------------------------------------

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

function makePrediction(model, state, questions, parent) {
  const map = makeMap(model, parent, "Predicted (dark), over the truth (wide green line)");
  map.over.classList.add("stage");
  const groups = NAMES.map((name, k) => {
    const group = svg("g", { "data-disc": k }, map.over);
    group.ring = svg("circle", { class: "movable ring", tabindex: 0, role: "application",
      "aria-label": `${name}. Arrow keys move it, Shift and arrow keys change its radius, Alt ` +
        "makes the steps ten times smaller." }, group);
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
    questions.ask({ discs: state.discs });
  };
  groups.forEach(({ ring, handle }, k) => {
    const begin = () => [...state.discs[k]];
    for (const [node, resize] of [[ring, false], [handle, true]]) {
      drag(map.over, node, { begin, focus: ring, questions,
        move: (from, dx, dy) => change(k, from, dx, dy, resize) });
    }
    onArrows(ring, (dx, dy, { shiftKey }) =>
      change(k, state.discs[k], shiftKey ? dx - dy : dx, dy, shiftKey));
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
      const up = colour("--blue"), down = colour("--orange");
      map.paint(view.field, v => [...(v > 128 ? up : down), 1.4 * Math.abs(v - 128)]);
      keepCount(signs, view.marks.length, () => svg("text", { class: "sign" }, signs));
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

// ---- The table: one row for each loss -----------------------------------------------------------

function makeTable(model, parent) {
  const body = startTable(parent, "A bar shows how often the loss has doubled " +
    "(right) or halved (left) since the mark, three times at most",
    ["loss", "value", "since the mark", "halved   doubled", "push"]);
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
    radio.addEventListener("change", () => setTrait(model, "loss", name));
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

// ---- Controls, and all together -----------------------------------------------------------------

function makeControls(model, tell, parent) {
  const row = html("div", { className: "controls" }, parent);
  makeSlider(model, "softness", { min: 0.25, max: 4, step: 0.25 }, "soft edge ", row,
    v => v.toFixed(2) + " px");
  makeTick(model, "blob", "a far blob", row);
  makeTick(model, "hole", "a hole", row);
  makeButton("Set the mark here", "mark", row, () => tell({ mark: true }));
  makeButton("Put all back", "reset", row, () => tell({ reset: true }));
}

function render({ model, el: root }) {
  startPage(root, "minseg-losses");
  const state = { discs: [] };
  const read = () => { state.discs = model.get("discs").map(one => [...one]); };
  read();
  const questions = makeQuestions(model);
  const colour = name => {
    const hex = getComputedStyle(root).getPropertyValue(name).trim();
    return [1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16));
  };
  makeControls(model, questions.tell, root);
  const maps = html("div", { className: "maps" }, root);
  const prediction = makePrediction(model, state, questions, maps);
  const parts = [prediction, makePush(model, maps), makeTable(model, root)];
  const facts = html("p", { className: "facts" }, root);

  const drawing = drawOnChange(model, root, view => {
    if (questions.quiet()) read();
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
