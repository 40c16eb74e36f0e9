// Draws what numbers.py computed, and tells widget.py where the brush went. Positions are cells of
// the grid; which mask gets a cell, and what is lost, is decided in Python.
const SCREEN = { paint: 400, answer: 200 };  // widths of the drawings, screen pixels
const TWICE = ["#e8a33d", "#a3341c", "#3b0f0a"];  // two claims, three, more: darker and darker

// ---- A panel: shapes filled, outlined and named on the grid -------------------------------------

function makePanel(model, parent, name, title, screen) {
  const [height, width] = model.get("grid");
  const figure = html("figure", { className: name }, parent);
  html("figcaption", { textContent: title }, figure);
  const map = svg("svg", { viewBox: `0 0 ${width} ${height}`, width: screen,
    height: Math.round(screen * height / width), role: "img" }, figure);
  svg("rect", { class: "ground", width, height }, map);
  const lines = [...Array(width + 1).keys()].map(x => `M${x} 0V${height}`)
    .concat([...Array(height + 1).keys()].map(y => `M0 ${y}H${width}`));
  const shapes = svg("g", {}, map);
  svg("path", { class: "grid", d: lines.join("") }, map);
  const outlines = svg("g", {}, map), labels = svg("g", {}, map);
  const note = html("p", { className: "note" }, figure);
  let before = "";
  return {
    map, note,
    draw(list, { colour, opacity = 0.75, text, chosen = -1, boxes = [] }) {
      const now = JSON.stringify([list, chosen, boxes]);
      if (now === before) return;                     // repainting is what costs
      before = now;
      const drawn = list.filter(one => one.fill);
      shapes.replaceChildren(); outlines.replaceChildren(); labels.replaceChildren();
      for (const one of drawn) {
        svg("path", { d: one.fill, fill: colour(one.key), "fill-opacity": opacity }, shapes);
      }
      for (const kind of ["under", "line"]) {
        for (const one of drawn) {
          const mark = one.key === chosen ? " chosen" : "";
          svg("path", { class: kind + mark, d: one.line }, outlines);
        }
        boxes.forEach(box => rectangle(svg("rect", { class: kind }, outlines), box));
      }
      for (const { key, at: [x, y] } of drawn) {
        const size = 14 * width / screen;
        svg("text", { x, y: y + 0.35 * size, "font-size": size }, labels).textContent = text(key);
      }
    },
  };
}

// ---- The brush: mouse and keys ------------------------------------------------------------------

function makeBrush(model, { map }, stroke) {
  const [height, width] = model.get("grid");
  const cursor = svg("circle", { class: "cursor" }, map);
  let here = [Math.floor(width / 2), Math.floor(height / 2)];
  const show = () => set(cursor, { cx: here[0] + 0.5, cy: here[1] + 0.5,
    r: model.get("size") / 2 });
  const go = ([x, y]) => {                             // to the cell at a place
    here = [clamp(Math.floor(x), 0, width - 1), clamp(Math.floor(y), 0, height - 1)];
    show();
    return here;
  };
  map.addEventListener("pointermove", event => go(whereIn(map, event)));
  let last = here;
  drag(map, map, {
    begin: at => { last = go(at); stroke([last]); return last; },
    move: (_, dx, dy, at) => {
      const next = go(at);
      if (`${next}` !== `${last}`) { stroke([last, next]); last = next; }
    },
  });
  onArrows(map, (dx, dy, { shiftKey }) => {
    const from = here, to = go([here[0] + dx, here[1] + dy]);
    if (shiftKey) stroke([from, to]);
  }, {
    fine: 0,
    other({ key }) {
      if (key === " ") stroke([here]);
      else if (key.toLowerCase() === "e") setTrait(model, "erasing", !model.get("erasing"));
      else if (model.get("labels")[Number(key) - 1]) setTrait(model, "chosen", Number(key) - 1);
      else return false;
      return true;
    },
  });
  set(map, { tabindex: 0, role: "application", "aria-label": "Masks to paint. Arrow keys move the " +
    "brush, Space paints, Shift and arrow keys paint on the way, digits choose the mask, E " +
    "switches between brush and eraser." });
  show();
  return show;
}

// ---- Controls, and the table of masks -----------------------------------------------------------

function makeControls(model, reset, parent) {
  const row = html("div", { className: "controls" }, parent);
  const tools = [["false", "brush"], ["true", "eraser"]];
  makeSelect(model, "erasing", tools, "tool ", row, value => value === "true");
  makeSelect(model, "size", [1, 3, 5, 7].map(v => [v, `${v} px`]), "width ", row, Number);
  const rules = [["score", "the best score"], ["order", "the last in the list"]];
  makeSelect(model, "rule", rules, "a pixel claimed twice goes to ", row);
  makeButton("Put all back", "reset", row, reset);
}

function makeTable(model, clear, parent) {
  const body = startTable(parent, "The set of masks, and what becomes of each",
    ["paint", "class", "score", "pixels", "of its box", "owns", "comes back", ""]);
  const group = `chosen-${Math.random()}`;
  const put = (trait, k, value) =>
    setTrait(model, trait, model.get(trait).map((old, i) => (i === k ? value : old)));
  const lines = model.get("labels").map((_, k) => {
    const row = html("tr", {}, body), cell = () => html("td", {}, row);
    row.dataset.mask = k + 1;
    const label = html("label", {}, html("th", { scope: "row" }, row));
    const radio = html("input", { type: "radio", name: group, value: k }, label);
    const swatch = html("span", { className: "swatch", textContent: k + 1 }, label);
    swatch.style.background = model.get("colours")[k];
    radio.addEventListener("change", () => setTrait(model, "chosen", k));
    const kind = html("select", { ariaLabel: `Class of mask ${k + 1}` }, cell());
    for (const [value, textContent] of Object.entries(model.get("classes"))) {
      html("option", { value, textContent }, kind);
    }
    kind.addEventListener("change", () => put("labels", k, Number(kind.value)));
    const holder = cell();
    const score = html("input", { type: "range", min: 0, max: 1, step: 0.05,
      ariaLabel: `Score of mask ${k + 1}` }, holder);
    const value = html("span", { className: "value" }, holder);
    arrowsStep(score);
    score.addEventListener("input", () => put("scores", k, Number(score.value)));
    const cells = [cell(), cell(), cell(), cell()];
    makeButton("Clear", "clear", cell(), () => clear(k)).ariaLabel = `Clear mask ${k + 1}`;
    return { row, radio, kind, score, value, cells };
  });
  return view => lines.forEach(({ row, radio, kind, score, value, cells }, k) => {
    radio.checked = model.get("chosen") === k;
    row.classList.toggle("chosen", radio.checked);
    kind.value = model.get("labels")[k];
    score.value = model.get("scores")[k];
    write(value, model.get("scores")[k].toFixed(2));
    view.rows[k].slice(1).forEach((text, i) => write(cells[i], text));
    cells[3].className = view.rows[k][4];
  });
}

// ---- All together -------------------------------------------------------------------------------

function render({ model, el: root }) {
  startPage(root, "minseg-painter");
  const questions = makeQuestions(model);
  // Strokes are numbered and sent again with each question until a view says that they are done.
  let strokes = [], number = 0;
  const send = content => {
    number = Math.max(number, model.get("view").done) + 1;
    strokes.push({ number, mask: model.get("chosen"), ...content });
    questions.ask({ strokes });
  };
  const stroke = points =>
    send({ points, erase: model.get("erasing"), size: model.get("size") });
  makeControls(model, () => questions.tell({ reset: true }), root);
  const stage = html("div", { className: "stage" }, root);
  const paint = makePanel(model, stage, "paint", "Masks: paint here", SCREEN.paint);
  const answers = html("div", { className: "answers" }, stage);
  const panel = (name, title) => makePanel(model, answers, name, title, SCREEN.answer);
  const panels = {
    boxes: panel("boxes", "Detection: boxes"), semantic: panel("semantic", "Semantic map"),
    panoptic: panel("panoptic", "Panoptic map"), twice: panel("twice", "Claimed more than once"),
  };
  const table = makeTable(model, mask => send({ mask, clear: true }), root);
  const facts = html("p", { className: "facts" }, root);
  const showCursor = makeBrush(model, paint, stroke);

  const drawing = drawOnChange(model, root, view => {
    const colours = model.get("colours"), chosen = model.get("chosen");
    strokes = strokes.filter(one => one.number > view.done);
    const mine = key => colours[key], number = key => String(key + 1);
    paint.draw(view.masks, { colour: mine, opacity: 0.55, text: number, chosen });
    panels.boxes.draw([], { boxes: view.boxes.filter(([x1, , x2]) => x2 > x1) });
    panels.semantic.draw(view.semantic, { colour: key => colours[6 + key], text: key =>
      model.get("classes")[key] });
    panels.panoptic.draw(view.panoptic, { colour: mine, text: number });
    panels.twice.draw(view.twice, { colour: key => TWICE[Math.min(key - 2, 2)], opacity: 1,
      text: key => `${key} ×` });
    for (const [name, { map, note }] of Object.entries(panels)) {
      write(note, view.notes[name]);
      set(map, { "aria-label": view.notes[name] });
    }
    write(paint.note, `mask ${chosen + 1}, ${model.get("erasing") ? "eraser" : "brush"}`);
    showCursor();
    table(view);
    write(facts, view.facts);
  });
  for (const trait of ["chosen", "erasing", "size"]) model.on(`change:${trait}`, drawing.soon);
  drawing.now();
  return drawing.stop;
}

export default { render };
