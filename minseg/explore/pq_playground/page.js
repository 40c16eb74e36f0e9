// Draws the two maps, the table and the bar that pq_playground.py computed, and tells it what was
// clicked, dragged or typed. Positions are in image pixels; nothing is measured here.
const SCREEN = 400;                      // widest drawing of a map, screen pixels
const BAR = { width: 400, height: 26 };
const TOOLS = [                          // action, key, words
  ["merge", "m", "Merge with …"], ["split", "s", "Split"], ["erode", "e", "Erode"],
  ["grow", "g", "Grow"], ["relabel", "r", "Relabel"], ["delete", "d", "Delete"],
  ["undo", "u", "Undo"], ["reset", "0", "Reset"],
];

// ---- Questions to Python -------------------------------------------------------------------

// In order, up to three at once; of drags that wait, the newest wins. A lone question is followed
// by an empty message: the server holds the later packets of its answer back (Nagle) until the
// browser has acknowledged the first, which it puts off for 40 ms if it has nothing to send.
function makeQueue(model) {
  let flying = 0, asked = 0, waiting = [];
  const next = () => {
    while (flying < IN_FLIGHT && waiting.length) {
      flying += 1;
      asked += 1;
      model.send({ ...waiting.shift(), n: asked });
      const mine = asked;
      setTimeout(() => { if (mine === asked && flying) model.send({}); }, NUDGE);
    }
  };
  model.on("change:view", () => {
    if (model.get("view").answers < 0) return;        // Python spoke first: no answer of ours
    flying = Math.max(flying - 1, 0);
    next();
  });
  return question => {
    if (question.do === "drag" && waiting.at(-1)?.do === "drag") waiting.pop();
    waiting.push(question);
    next();
  };
}

// ---- The maps --------------------------------------------------------------------------------

function makeMap(model, parent, title) {
  const [height, width] = model.get("size");
  const figure = html("div", { className: "figure" }, parent);
  html("div", { className: "title", textContent: title }, figure);
  const map = svg("svg", { class: "map", viewBox: `0 0 ${width} ${height}`, width: SCREEN,
    height: Math.round(SCREEN * height / width) }, figure);
  const image = svg("image", { width, height, class: "pixels" }, map);
  const outlines = svg("g", {}, map), labels = svg("g", { class: "labels" }, map);
  const size = 12 * width / SCREEN;                   // of letters, in image pixels
  const put = ([x, y], dy, text) => {                 // a letter is about 0.62 as wide as tall
    const half = 0.31 * size * text.length;
    const at = { x: Math.min(Math.max(x, half), width - half), y: y + dy * size };
    svg("text", { ...at, "font-size": size }, labels).textContent = text;
  };
  return {
    map,
    at(event) {
      const box = map.getBoundingClientRect();
      return [(event.clientX - box.left) * width / box.width,
              (event.clientY - box.top) * height / box.height];
    },
    draw(png, segments, kind) {
      const url = URL.createObjectURL(new Blob([png], { type: "image/png" }));
      const old = image.getAttribute("href");
      image.setAttribute("href", url);
      if (old) URL.revokeObjectURL(old);
      outlines.replaceChildren();
      labels.replaceChildren();
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

// ---- Table and bar -----------------------------------------------------------------------------

function makeTable(parent) {
  const table = html("table", {}, parent);
  html("caption", { textContent: "Quality of the prediction" }, table);
  const head = html("tr", {}, html("thead", {}, table));
  for (const text of ["class", "PQ", "SQ", "RQ", "TP", "FP", "FN"]) {
    html("th", { textContent: text, scope: "col" }, head);
  }
  const body = html("tbody", {}, table);
  return rows => body.replaceChildren(...rows.map(([name, ...cells]) => {
    const line = document.createElement("tr");
    html("th", { textContent: name, scope: "row" }, line);
    for (const text of cells) html("td", { textContent: text }, line);
    return line;
  }));
}

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

function makeTools(ask, parent) {
  const row = html("div", { className: "tools" }, parent);
  const buttons = {};
  for (const [action, key, words] of TOOLS) {
    buttons[action] = html("button", { textContent: words, title: `key: ${key}` }, row);
    buttons[action].dataset.action = action;
    buttons[action].addEventListener("click", () => ask({ do: action }));
  }
  return buttons;
}

function makeHands(model, panel, ask) {
  const { map } = panel, shift = [0, 0];             // how far the keyboard has moved it
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const choose = question => { shift.fill(0); ask(question); };
  map.setAttribute("tabindex", 0);
  map.setAttribute("role", "application");
  map.setAttribute("aria-label", "Prediction. Arrow keys choose a segment, Shift and arrow keys " +
    "move it by a pixel. " + TOOLS.map(([, key, words]) => `${key}: ${words}`).join(", "));
  map.addEventListener("pointerdown", down => {
    down.preventDefault();
    map.setPointerCapture(down.pointerId);
    map.focus({ preventScroll: true });
    const [x0, y0] = panel.at(down);
    choose({ do: "point", at: [x0, y0] });
    let last = "0,0";
    const on = event => {
      const [x, y] = panel.at(event), by = [Math.round(x - x0), Math.round(y - y0)];
      if (`${by}` === last) return;
      last = `${by}`;
      ask({ do: "drag", by });
    };
    map.addEventListener("pointermove", on);
    map.addEventListener("lostpointercapture",
      () => map.removeEventListener("pointermove", on), { once: true });
  });
  map.addEventListener("keydown", event => {
    const arrow = arrows[event.key];
    const tool = TOOLS.find(([action, key]) =>
      key === event.key.toLowerCase() || (action === "delete" && event.key === "Delete"));
    if (event.ctrlKey || event.metaKey || event.altKey || !(arrow || tool)) return;
    event.preventDefault();
    event.stopPropagation();                           // JupyterLab has shortcuts on these keys
    if (tool) {
      choose({ do: tool[0] });
    } else if (event.shiftKey) {
      shift[0] += arrow[0];
      shift[1] += arrow[1];
      ask({ do: "drag", by: [...shift] });
    } else {
      choose({ do: "step", by: arrow[0] + arrow[1] });
    }
  });
  return () => shift.fill(0);
}

// ---- All together ------------------------------------------------------------------------------

function render({ model, el: root }) {
  root.classList.add("minseg-pq");
  root.dataset.lmSuppressShortcuts = "true";
  const ask = makeQueue(model);
  let forget = () => {};
  const buttons = makeTools(question => { forget(); ask(question); }, root);
  const stage = html("div", { className: "stage" }, root);
  const truth = makeMap(model, stage, "Truth");
  const predicted = makeMap(model, stage, "Prediction: click, or drag");
  forget = makeHands(model, predicted, ask);
  const said = html("p", { className: "said", ariaLive: "polite" }, root);
  const numbers = html("div", { className: "stage" }, root);
  const table = makeTable(numbers), bar = makeBar(html("div", {}, numbers));

  const draw = () => {
    const view = model.get("view"), { png, segments } = model.get("truth");
    const chosen = model.get("selected"), merging = model.get("merging");
    truth.draw(png, segments, one => (view.missed.includes(one.id) ? "missed" : ""));
    predicted.draw(view.png, view.segments, one =>
      (one.said === "✗" ? "lost " : "") + (one.id === chosen ? "chosen" : ""));
    said.textContent = `Selected: ${view.chosen}. ${view.said}`;
    table(view.rows);
    bar(view.parts);
    for (const [action, button] of Object.entries(buttons)) {
      button.disabled = action === "undo" ? !view.undo : action !== "reset" && !chosen;
    }
    buttons.merge.setAttribute("aria-pressed", merging);
    root.dataset.pq = view.rows[0][1];
    root.dataset.selected = chosen;
    root.dataset.drawn = view.drawn;
  };
  let frame = 0;                                       // answers within one frame: draw the last
  const drawSoon = () => { frame ||= requestAnimationFrame(() => { frame = 0; draw(); }); };
  model.on("change:view", drawSoon);
  draw();
  return () => { cancelAnimationFrame(frame); model.off("change:view", drawSoon); };
}

export default { render };
