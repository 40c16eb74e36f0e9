// Draws what numbers.py computed, and tells widget.py where the threshold is dragged. Positions in
// the photograph are image pixels; which masks are shown, and which are right, Python says.
const SCREEN = 600;                      // the photograph's width, screen pixels
const PLOT = { width: 600, height: 90 };
const KEY = { true: [["right", "mask on a coin"], ["wrong", "mask on no coin"],
                     ["missed", "coin that is missed"]],
              false: [["right", "a mask"]] };

// ---- The photograph, with masks and boxes -------------------------------------------------------

function makePhoto(model, parent) {
  const frame = html("div", { className: "frame" }, parent);
  const map = svg("svg", { class: "map", role: "img" }, frame);
  const image = svg("image", { class: "photo" }, map);
  const fills = svg("g", {}, map), lines = svg("g", {}, map), boxes = svg("g", {}, map);
  const key = html("p", { className: "key" }, frame);
  let parts = [], drawn = null;

  const addPart = ({ kind, score, fill, line, box }, k) => {
    const group = [];
    if (fill !== undefined) {
      const colours = model.get("colours");
      const path = svg("path", { d: fill, fill: colours[k % colours.length] }, fills);
      svg("title", {}, path).textContent = `score ${score}`;
      group.push(path, svg("path", { class: "under", d: line }, lines),
        svg("path", { class: "line", d: line }, lines));
    }
    for (const layer of ["behind", "box"]) {
      const node = svg("rect", { class: `${layer} ${kind}` }, boxes);
      rectangle(node, box);
      group.push(node);
    }
    return group;
  };

  const changePhoto = shapes => {
    const [height, width] = shapes.size;
    set(map, { viewBox: `0 0 ${width} ${height}`, width: SCREEN,
      height: Math.round(SCREEN * height / width) });
    set(image, { width, height });
    showPng(image, model.get("image_png"));
    for (const group of [fills, lines, boxes, key]) group.replaceChildren();
    parts = shapes.parts.map(addPart);
    for (const [name, text] of KEY[shapes.known]) {
      const item = html("span", {}, key);
      html("i", { className: name }, item);
      item.append(" " + text);
    }
  };
  return {
    draw(view) {
      const shapes = model.get("shapes");
      if (shapes !== drawn) { drawn = shapes; changePhoto(shapes); }
      const shown = new Set(view.shown);
      parts.forEach((nodes, k) => {
        for (const node of nodes) node.style.display = shown.has(k) ? "" : "none";
      });
      set(map, { "aria-label": `Photograph “${model.get("photo")}”. ${view.facts}` });
    },
    stop: () => URL.revokeObjectURL(image.getAttribute("href")),
  };
}

// ---- The histogram of scores, with the threshold as a line to drag ------------------------------

function makeScores(state, questions, parent) {
  const { width, height } = PLOT, at = score => score * width;
  const figure = html("figure", { className: "scores" }, parent);
  html("figcaption", { textContent: "Scores of all masks. Drag the line: the threshold." }, figure);
  const plot = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none",
    role: "img" }, figure);                            // as wide as the page, its texts beside it
  const dropped = svg("rect", { class: "dropped", height }, plot);
  const bars = svg("g", {}, plot);
  const line = svg("path", { class: "threshold" }, plot);
  const ticks = html("div", { className: "ticks" }, figure);
  for (const textContent of ["0", "0.25", "0.5", "0.75", "1"]) html("span", { textContent }, ticks);

  const place = () => {
    set(line, { d: `M${at(state.threshold)} 0V${height}` });
    set(dropped, { width: at(state.threshold) });
  };
  const put = ([x]) => {
    state.threshold = Math.round(100 * clamp(x / width, 0, 1)) / 100;
    place();
    questions.ask({ threshold: state.threshold });
  };
  drag(plot, plot, { begin: from => { put(from); return from; },
    move: (_, dx, dy, to) => put(to), focus: state.slider, questions });
  return view => {
    const most = Math.max(...view.bars.map(([right, wrong]) => right + wrong), 1);
    const wide = width / view.bars.length, scale = (height - 6) / most;
    keepCount(bars, 2 * view.bars.length, () => svg("rect", {}, bars));
    view.bars.forEach(([right, wrong], k) => {
      const draw = (node, kind, from, count) => set(node, { class: kind, x: k * wide + 1,
        width: wide - 2, y: height - (from + count) * scale, height: count * scale });
      draw(bars.children[2 * k], "right", 0, right);
      draw(bars.children[2 * k + 1], "wrong", right, wrong);
    });
    set(plot, { "aria-label": "Histogram of the scores. " + view.facts });
    place();
  };
}

// ---- All together -------------------------------------------------------------------------------

function makeControls(model, state, questions, parent) {
  const row = html("div", { className: "controls" }, parent);
  makeSelect(model, "photo", model.get("names"), "photograph ", row);
  const label = html("label", { textContent: "threshold " }, row);
  const slider = html("input", { type: "range", min: 0, max: 1, step: 0.01 }, label);
  const shown = html("output", {}, label);
  slider.dataset.trait = "threshold";
  arrowsStep(slider);
  slider.addEventListener("input", () => {
    state.threshold = Number(slider.value);
    questions.ask({ threshold: state.threshold });
  });
  state.slider = slider;
  return () => {
    slider.value = state.threshold;
    write(shown, state.threshold.toFixed(2));
  };
}

function render({ model, el: root }) {
  startPage(root, "minseg-segmenter");
  const state = { threshold: model.get("threshold"), slider: null };
  const questions = makeQuestions(model);
  const controls = makeControls(model, state, questions, root);
  const photo = makePhoto(model, root), scores = makeScores(state, questions, root);
  const facts = html("p", { className: "facts" }, root);
  const drawing = drawOnChange(model, root, view => {
    if (questions.quiet()) state.threshold = view.threshold;
    controls();
    photo.draw(view);
    scores(view);
    write(facts, view.facts);
  });
  drawing.now();
  return () => { drawing.stop(); photo.stop(); };
}

export default { render };
