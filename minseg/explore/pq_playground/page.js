// Draws the two maps, the table and the bar that numbers.py computed, and tells widget.py what was
// clicked, dragged or typed. Positions are in image pixels; nothing is measured here.
const SCREEN = 480;                      // widest drawing of a map, screen pixels
const BAR = { width: 400, height: 26 };
const TOOLS = [                          // action, key, words
  ["merge", "m", "Merge with …"], ["split", "s", "Split"], ["erode", "e", "Erode"],
  ["grow", "g", "Grow"], ["relabel", "r", "Relabel"], ["delete", "d", "Delete"],
  ["undo", "u", "Undo"], ["reset", "0", "Reset"],
];

// ---- The maps --------------------------------------------------------------------------------

function makeMap(model, parent, title) {
  const [height, width] = model.get("size");
  const figure = html("div", { className: "figure" }, parent);
  html("div", { className: "title", textContent: title }, figure);
  const map = svg("svg", { class: "map", viewBox: `0 0 ${width} ${height}`, width: SCREEN,
    height: Math.round(SCREEN * height / width) }, figure);
  const image = svg("image", { width, height, class: "pixels" }, map);
  const outlines = svg("g", {}, map), labels = svg("g", { class: "labels" }, map);
  let size;                                           // of letters, in image pixels
  const put = ([x, y], dy, text) => {                 // a letter is about 0.62 as wide as tall
    const half = 0.31 * size * text.length;
    const at = { x: clamp(x, half, width - half), y: y + dy * size };
    svg("text", { ...at, "font-size": size }, labels).textContent = text;
  };
  return {
    map,
    draw(png, segments, kind) {
      showPng(image, png);
      outlines.replaceChildren();
      labels.replaceChildren();
      size = width * Math.max(12 / SCREEN, 9 / (map.clientWidth || SCREEN));
      const order = [...segments].sort((a, b) => kind(a).length - kind(b).length);
      for (const one of order) {                      // marked outlines last, on top
        svg("path", { class: "under " + kind(one), d: one.path }, outlines);
        svg("path", { class: "line " + kind(one), d: one.path }, outlines);
      }
      for (const one of segments) {
        put(one.at, one.said ? 0 : 0.35, one.name);
        if (one.said) put(one.at, 1, one.said);
      }
    },
  };
}

// ---- The bar: PQ and what it lost ---------------------------------------------------------------


function makeBar(parent) {
  const bar = svg("svg", { ...BAR, class: "bar", role: "img" }, parent);
  const legend = html("ul", { className: "legend" }, parent);
  return parts => {
    let x = 0;
    bar.replaceChildren();
    bar.setAttribute("aria-label", "PQ and its losses: " +
      parts.map(([words, share]) => `${words} ${share.toFixed(3)}`).join(", "));
    for (const [words, share, fill] of parts) {
      const width = Math.max(share * BAR.width, 0);
      const piece = svg("rect", { x, y: 0, width, height: BAR.height, fill }, bar);
      svg("title", {}, piece).textContent = words;
      x += width;
    }
    legend.replaceChildren(...parts.map(([words, share, colour]) => {
      const item = document.createElement("li");
      html("span", { className: "swatch" }, item).style.background = colour;
      html("span", { textContent: `${words} ${share.toFixed(3)}` }, item);
      item.classList.toggle("none", share < 0.0005);
      return item;
    }));
  };
}

// ---- Hands -------------------------------------------------------------------------------------

function makeTools(choose, parent) {
  const row = html("div", { className: "tools" }, parent), buttons = {};
  for (const [action, key, words] of TOOLS) {
    buttons[action] = makeButton(words, "", row, () => choose({ do: action }));
    buttons[action].title = `key: ${key}`;
    buttons[action].dataset.action = action;
  }
  return buttons;
}

function makeHands(map, questions, shift, choose) {
  set(map, { tabindex: 0, role: "application", "aria-label": "Prediction. Arrow keys choose a " +
    "segment, Shift and arrow keys move it by a pixel. " +
    TOOLS.map(([, key, words]) => `${key}: ${words}`).join(", ") });
  dragSegment(map, map, {
    questions,
    press: at => choose({ do: "point", at }),
    by: way => questions.ask({ do: "drag", by: way }),
  });
  onArrows(map, (dx, dy, event) => {
    if (!event.shiftKey) return choose({ do: "step", by: dx + dy });
    shift[0] += dx;
    shift[1] += dy;
    questions.ask({ do: "drag", by: [...shift] });
  }, {
    fine: 0,                                           // whole pixels only
    other(event) {
      const tool = TOOLS.find(([action, key]) =>
        key === event.key.toLowerCase() || (action === "delete" && event.key === "Delete"));
      return tool ? choose({ do: tool[0] }) : false;
    },
  });
}

// ---- All together ------------------------------------------------------------------------------

function render({ model, el: root }) {
  startPage(root, "minseg-pq");
  const questions = makeQuestions(model);
  const shift = [0, 0];                                // how far keys have moved the segment
  const choose = question => { shift.fill(0); questions.tell(question); };
  const buttons = makeTools(choose, root);
  const stage = html("div", { className: "stage" }, root);
  const truth = makeMap(model, stage, "Truth");
  const predicted = makeMap(model, stage, "Prediction: click, or drag");
  makeHands(predicted.map, questions, shift, choose);
  const said = html("p", { className: "said" }, root);
  const numbers = html("div", { className: "stage" }, root);
  const table = startTable(numbers, "Quality of the prediction",
    ["class", "PQ", "SQ", "RQ", "TP", "FP", "FN"]);
  const bar = makeBar(html("div", {}, numbers));

  const drawing = drawOnChange(model, root, view => {
    const { png, segments } = model.get("truth");
    const chosen = model.get("selected"), merging = model.get("merging");
    truth.draw(png, segments, one => (view.missed.includes(one.id) ? "missed" : ""));
    predicted.draw(view.png, view.segments, one =>
      (one.said === "✗" ? "lost " : "") + (one.id === chosen ? "chosen" : ""));
    write(said, view.facts);
    fillTable(table, view.rows);
    bar(view.parts);
    for (const [action, button] of Object.entries(buttons)) {
      button.disabled = action === "undo" ? !view.undo : action !== "reset" && !chosen;
    }
    buttons.merge.setAttribute("aria-pressed", merging);
    root.dataset.pq = view.rows[0][1];
    root.dataset.selected = chosen;
  });
  drawing.now();
  return drawing.stop;
}

export default { render };
