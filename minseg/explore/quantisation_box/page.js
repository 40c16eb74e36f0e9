// Draws what quantisation_box.py computed, and tells it where the box is dragged.
const IMAGE = 256, SMALLEST = 8, SCREEN = 400;     // image pixels; the drawing's width on screen
const PLOT = { width: 380, height: 130, top: 1.4 }; // bars taller than 1.4 × the curve are cut

function render({ model, el: root }) {
  root.classList.add("minseg-qbox");
  let box = [...model.get("box")];

  // What stays: the grid, the box with its handle, the controls, the table, the plot.
  const view = `0 0 ${IMAGE} ${IMAGE}`;
  const map = svg("svg", { viewBox: view, width: SCREEN, height: SCREEN, class: "map" }, root);
  const grid = svg("path", { class: "grid" }, map);
  const under = svg("g", {}, map);
  const hit = svg("rect", { class: "hit exact", tabindex: 0, role: "application",
    "aria-label": "Box on the feature grid. Arrow keys move it by one image pixel, " +
      "Shift and arrow keys resize it, Alt makes the steps ten times smaller." }, map);
  const handle = svg("circle", { class: "handle", r: 5 }, map);

  const side = html("div", { className: "side" }, root);
  const controls = html("div", { className: "controls" }, side);
  const choose = (label, trait, values) => {
    const select = html("select", {}, html("label", { textContent: label + " " }, controls));
    for (const value of values) html("option", { value, textContent: value }, select);
    const follow = () => { select.value = model.get(trait); };
    select.dataset.trait = trait;
    select.addEventListener("change", () => {
      model.set(trait, trait === "stride" ? Number(select.value) : select.value);
      model.save_changes();
    });
    model.on("change:" + trait, follow);
    follow();
  };
  choose("stride", "stride", [4, 8, 16, 32]);
  choose("step 1", "first", ["floor", "round"]);
  choose("step 2", "second", ["none", "floor", "round"]);
  const dropper = html("button", { textContent: "Drop 500 boxes", className: "drop" }, controls);
  const clearer = html("button", { textContent: "Clear", className: "clear" }, controls);
  const table = html("table", {}, side);
  const plot = svg("svg", { width: PLOT.width, height: PLOT.height + 46, role: "img" }, side);
  const facts = html("p", { className: "facts" }, side);
  const quiet = html("div", { className: "quiet", ariaLive: "polite" }, side);

  // Questions to Python: up to three on their way, the newest place wins.
  let flying = 0, waiting = [], asked = 0;
  const next = () => {
    while (flying < 3 && waiting.length) { flying++; model.send({ ...waiting.shift(), n: ++asked }); }
  };
  const ask = (question) => {
    if ("box" in question) waiting = waiting.filter((other) => !("box" in other));
    waiting.push(question);
    next();
  };
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  dropper.addEventListener("click", () => {
    const times = still ? 1 : 20;
    for (let i = 0; i < times; i++) ask({ drop: 500 / times });
  });
  clearer.addEventListener("click", () => ask({ clear: true }));

  const place = () => {
    rectangle(hit, box);
    handle.setAttribute("cx", box[2]);
    handle.setAttribute("cy", box[3]);
  };
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const change = ([x1, y1, x2, y2], dx, dy, resize) => {
    if (resize) {
      box = [x1, y1, clamp(x2 + dx, x1 + SMALLEST, IMAGE), clamp(y2 + dy, y1 + SMALLEST, IMAGE)];
    } else {
      dx = clamp(dx, -x1, IMAGE - x2);
      dy = clamp(dy, -y1, IMAGE - y2);
      box = [x1 + dx, y1 + dy, x2 + dx, y2 + dy];
    }
    place();
    ask({ box });
  };
  const dragging = (target, resize) => target.addEventListener("pointerdown", (start) => {
    start.preventDefault();
    target.setPointerCapture(start.pointerId);
    hit.focus({ preventScroll: true });
    const from = [...box], scale = IMAGE / map.getBoundingClientRect().width;
    const move = (event) => change(from, (event.clientX - start.clientX) * scale,
      (event.clientY - start.clientY) * scale, resize);
    const end = () => target.removeEventListener("pointermove", move);
    target.addEventListener("pointermove", move);
    target.addEventListener("pointerup", end, { once: true });
    target.addEventListener("pointercancel", end, { once: true });
  });
  dragging(hit, false);
  dragging(handle, true);
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  hit.addEventListener("keydown", (event) => {
    if (!(event.key in arrows)) return;
    event.preventDefault();
    event.stopPropagation();
    const [dx, dy] = arrows[event.key].map((step) => step * (event.altKey ? 0.1 : 1));
    change(box, dx, dy, event.shiftKey);
  });

  // What changes: drawn anew from Python's state.
  const drawMap = (state) => {
    const lines = [];
    for (let v = 0; v <= IMAGE; v += model.get("stride")) lines.push(`M${v} 0V${IMAGE}M0 ${v}H${IMAGE}`);
    grid.setAttribute("d", lines.join(""));
    under.replaceChildren();
    rectangle(svg("rect", { class: "rounded" }, under), state.rounded);
    for (const [kind, [x, y]] of [["exact", state.middle], ["rounded", state.landed]]) {
      if (x === undefined) continue;
      const [x1, y1, x2, y2] = kind === "exact" ? box : state.rounded;
      svg("path", { class: kind, d: `M${x} ${y1}V${y2}M${x1} ${y}H${x2}` }, under);
    }
  };
  const drawPlot = ({ bars, curve, ticks }) => {
    const { width, height } = PLOT, scale = height / (PLOT.top * Math.max(...curve));
    plot.replaceChildren();
    bars.forEach((bar, i) => {
      const tall = Math.min(bar * scale, height), wide = width / bars.length;
      svg("rect", { class: "bar", x: i * wide + 0.5, y: height - tall, width: wide - 1, height: tall }, plot);
    });
    const points = curve.map((v, i) => `${(i / (curve.length - 1)) * width} ${height - v * scale}`);
    svg("path", { class: "curve", d: `M0 ${height}L${points.join("L")}L${width} ${height}Z` }, plot);
    ticks.forEach(([feature, image], i) => {
      const x = (i / (ticks.length - 1)) * width;
      svg("text", { x, y: height + 15 }, plot).textContent = feature;
      svg("text", { x, y: height + 29 }, plot).textContent = image;
    });
    svg("text", { x: width / 2, y: height + 44 }, plot).textContent =
      "total error: feature px above, image px below";
  };
  // Text goes in as text: nothing of the page is made from strings of HTML.
  html("caption", { textContent: "Error = exact − rounded" }, table);
  const head = html("thead", {}, table), body = html("tbody", {}, table);
  const [units, axes] = [html("tr", {}, head), html("tr", {}, head)];
  for (const row of [units, axes]) html("td", {}, row);
  for (const textContent of ["feature px", "image px"]) {
    html("th", { textContent, colSpan: 2, scope: "colgroup" }, units);
    for (const axis of ["x", "y"]) html("th", { textContent: axis, scope: "col" }, axes);
  }
  const drawTable = (rows) => {
    body.replaceChildren();
    for (const [name, ...cells] of rows) {
      const row = html("tr", {}, body);
      html("th", { textContent: name, scope: "row" }, row);
      for (const textContent of cells) html("td", { textContent }, row);
    }
  };
  let speaking = null;
  const speak = (rows) => {                        // one sentence, once the box rests
    clearTimeout(speaking);
    speaking = setTimeout(() => {
      const [name, , , x, y] = rows.at(-1);
      quiet.textContent = `${name}: error ${x} in x and ${y} in y, image pixels`;
    }, 600);
  };
  const draw = () => {
    const state = model.get("state");
    drawMap(state);
    drawPlot(state);
    drawTable(state.table);
    facts.textContent = state.facts;
    plot.setAttribute("aria-label", "Histogram of the errors met so far. " + state.facts);
    speak(state.table);
    root.dataset.box = model.get("box").map((v) => v.toFixed(1)).join(",");
    root.dataset.facts = state.facts;
  };
  const answered = () => {
    if (flying) flying--;
    if (!flying && !waiting.length) { box = [...model.get("box")]; place(); }
    next();
    draw();
  };
  model.on("change:state", answered);
  place();
  draw();
  return () => { clearTimeout(speaking); model.off("change:state", answered); };
}
export default { render };
