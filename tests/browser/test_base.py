"""What all pages share, in a bare page of Chromium: dragging, keys, controls, questions.

No JupyterLab and no Python: the model below keeps traits and what the page has sent.
"""

import json

import pytest

from minseg.explore.base.page import EXPLORE

# A picture of 40 × 30 units, 400 × 300 screen pixels, a box in it, and what happened to the box.
PAGE = """
<!doctype html><style>body { margin: 20px }</style>
<div id="root"></div>
<script>
  const traits = { view: { answers: -1, drawn: 1, facts: "first" } }, listeners = {}, sent = [];
  const model = {
    get: name => traits[name],
    set: (name, value) => { traits[name] = value; },
    save_changes: () => { sent.push({ ...traits, view: undefined }); },
    send: content => sent.push(content),
    on: (name, call) => (listeners[name] ??= []).push(call),
    off: (name, call) => { listeners[name] = listeners[name].filter(one => one !== call); },
  };
  const change = (name, value) => {
    traits[name] = value;
    for (const call of listeners["change:" + name] ?? []) call();
  };
  const root = document.getElementById("root");
</script>
"""
PICTURE = """() => {
  window.picture = svg("svg", { viewBox: "0 0 40 30", width: 400, height: 300 }, root);
  window.node = svg("rect", { tabindex: 0, fill: "red" }, picture);
  window.handle = svg("circle", { r: 1, fill: "blue" }, picture);
  window.box = [10, 10, 20, 20];
  window.put = []; window.grabbed = 0;
  window.questions = makeQuestions(model);
  const place = () => { rectangle(node, box); set(handle, { cx: box[2], cy: box[3] }); };
  place();
  dragBox(picture, node, [[handle, LOWER_RIGHT]], {
    questions, smallest: 2, size: [30, 40], get: () => box, grab: () => { grabbed += 1; },
    put(moved, at) { box = moved; put.push({ box, at, held: questions.held }); place(); },
  });
}"""


@pytest.fixture(scope="module")
def tab(chromium, request):
    """One tab for all tests: opening one takes longer than a test."""
    page = request.getfixturevalue("browser").new_page()  # as `desk`: asked for later, one browser
    yield page
    page.close()


@pytest.fixture
def bare(tab):
    """A fresh page with the shared script, whose errors fail the test."""
    trouble = []
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    tab.goto("about:blank")  # new globals, too
    tab.set_content(PAGE)
    tab.add_script_tag(content=(EXPLORE / "base" / "page.js").read_text(encoding="utf-8"))
    yield tab
    assert not trouble, trouble


@pytest.fixture
def picture(bare):
    bare.evaluate(PICTURE)
    return bare


def drag(page, start, *to):
    """Press at a place in the picture, move to the others, let go."""
    left, top, *_ = page.evaluate("Object.values(picture.getBoundingClientRect().toJSON())")
    page.mouse.move(left + 10 * start[0], top + 10 * start[1])
    page.mouse.down()
    for x, y in to:
        page.mouse.move(left + 10 * x, top + 10 * y)
    page.mouse.up()


@pytest.mark.parametrize(
    ("start", "end", "box"),
    [
        ((15, 15), (18, 13.5), [13, 8.5, 23, 18.5]),  # moved
        ((15, 15), (90, -40), [30, 0, 40, 10]),  # as far as the picture goes, of one size
        ((20, 20), (22, 25), [10, 10, 22, 25]),  # resized
        ((20, 20), (0, 90), [10, 10, 12, 30]),  # not smaller than 2, not beyond the border
    ],
)
def test_a_box_is_dragged_and_resized(picture, start, end, box):
    drag(picture, start, end)
    last = picture.evaluate("put.at(-1)")
    assert last["box"] == pytest.approx(box)
    assert last["at"] == pytest.approx(list(end))
    assert last["held"] and not picture.evaluate("questions.held")
    assert picture.evaluate("document.activeElement === node")
    assert picture.evaluate("grabbed") == 1


def test_a_drag_ends_with_the_release(picture):
    drag(picture, (15, 15), (16, 15))
    moves = picture.evaluate("put.length")
    picture.mouse.move(300, 200)
    assert picture.evaluate("put.length") == moves == 1


@pytest.mark.parametrize("corner", [(0, 1), (2, 1), (0, 3), (2, 3)])
def test_each_corner_moves_its_own_edges(bare, corner):
    box = [10, 10, 20, 20]

    def resized(dx, dy):
        call = f"resizedBox({box}, {dx}, {dy}, [30, 40], 2, {list(corner)})"
        return bare.evaluate(call)

    moved = {corner[0]: 1.5, corner[1]: -2.5}
    assert resized(1.5, -2.5) == [box[i] + moved.get(i, 0) for i in range(4)]
    outwards = [{0: 0, 1: 0, 2: 40, 3: 30}[i] if i in corner else box[i] for i in range(4)]
    assert resized(*(-99 if i < 2 else 99 for i in corner)) == outwards
    inwards = [{0: 18, 1: 18, 2: 12, 3: 12}[i] if i in corner else box[i] for i in range(4)]
    assert resized(*(99 if i < 2 else -99 for i in corner)) == inwards


@pytest.mark.parametrize(
    ("key", "box"),
    [
        ("ArrowRight", [11, 10, 21, 20]),
        ("ArrowUp", [10, 9, 20, 19]),
        ("Alt+ArrowLeft", [9.9, 10, 19.9, 20]),
        ("Shift+ArrowDown", [10, 10, 20, 21]),
        ("Alt+Shift+ArrowRight", [10, 10, 20.1, 20]),
    ],
)
def test_arrow_keys_move_and_resize_a_box(picture, key, box):
    picture.evaluate(
        """() => {
          window.out = [];
          root.addEventListener("keydown", event => out.push(event.key));
        }"""
    )
    picture.locator("rect").press(key)
    assert picture.evaluate("put.at(-1).box") == pytest.approx(box)
    assert picture.evaluate("put.at(-1).at") is None
    assert picture.evaluate("out") == key.split("+")[:-1], "JupyterLab must not see the arrow"


def test_keys_of_others_are_left_alone(picture):
    picture.evaluate(
        """() => {
          window.seen = []; window.out = [];
          root.addEventListener("keydown", event => out.push(event.key));
          onArrows(handle, dx => dx ? seen.push(dx) : false,
            { step: 2, fine: 0, other: event => event.key === "n" ? seen.push("n") : false });
          set(handle, { tabindex: 0 });
        }"""
    )
    handle = picture.locator("circle")
    for key in ("ArrowLeft", "n", "ArrowUp", "x", "Alt+ArrowLeft", "Control+ArrowLeft"):
        handle.press(key)
    assert picture.evaluate("seen") == [-2, "n"]
    assert picture.evaluate("out") == ["ArrowUp", "x", "Alt", "ArrowLeft", "Control", "ArrowLeft"]


def test_a_point_is_dragged_and_stays_within_its_border(picture):
    picture.evaluate(
        """() => {
          window.point = [20, 20];
          set(handle, { tabindex: 0 });
          picture.append(handle.cloneNode());
          dragPoint(picture, picture.lastChild, { border: [-5, 0, 30, 30], questions,
            get: () => point, put: moved => { point = moved; } });
        }"""
    )
    drag(picture, (20, 20), (22, 15))
    assert picture.evaluate("point") == pytest.approx([22, 15])
    picture.locator("circle").last.press("ArrowLeft")
    assert picture.evaluate("point") == pytest.approx([21, 15])
    drag(picture, (20, 20), (99, 99))
    assert picture.evaluate("point") == [30, 30]


def test_a_segment_tells_whole_steps_and_each_once(picture):
    picture.evaluate(
        """() => {
          window.told = [];
          picture.replaceChildren();
          dragSegment(picture, picture, { questions, press: at => told.push(at.map(Math.round)),
            by: way => told.push(way) });
        }"""
    )
    drag(picture, (5, 5), (5.3, 5.2), (6.2, 5.4), (6.3, 5.1), (5, 3))
    assert picture.evaluate("told") == [[5, 5], [1, 0], [0, -2]]


def sent(page):
    return page.evaluate("sent.filter(one => 'n' in one)")


def test_of_places_that_wait_the_newest_wins_and_no_click_is_lost(bare):
    bare.evaluate(
        """() => {
          window.q = makeQuestions(model, 2);
          for (let x = 0; x < 5; x++) q.ask({ x });
          q.tell({ reset: true });
          q.tell({ reset: true });
          q.ask({ x: 7 });
          q.ask({ y: 8 });
        }"""
    )
    assert sent(bare) == [{"x": 0, "n": 1}, {"x": 1, "n": 2}]
    assert not bare.evaluate("q.quiet()")
    bare.evaluate("change('view', { answers: -1 })")  # Python spoke first: that answers nothing
    assert len(sent(bare)) == 2
    for n in range(1, 7):
        bare.evaluate(f"change('view', {{ answers: {n} }})")
    assert sent(bare)[2:] == [
        {"x": 4, "n": 3},
        {"reset": True, "n": 4},
        {"reset": True, "n": 5},
        {"x": 7, "y": 8, "n": 6},
    ]
    assert bare.evaluate("q.quiet()")
    bare.evaluate("q.held = true")
    assert not bare.evaluate("q.quiet()")


def test_a_lone_question_is_followed_by_a_nudge(bare):
    bare.evaluate("makeQuestions(model).ask({ x: 1 })")
    bare.wait_for_function("sent.length === 2")
    assert bare.evaluate("sent") == [{"x": 1, "n": 1}, {}]


def test_several_views_in_a_frame_are_drawn_once_and_spoken_when_they_rest(bare):
    bare.evaluate(
        """() => {
          window.drawn = [];
          window.drawing = drawOnChange(model, root, view => drawn.push(view.drawn));
          drawing.now();
          change("view", { answers: 1, drawn: 2, facts: "second" });
          change("view", { answers: 2, drawn: 3, facts: "third", spoken: "the third" });
          window.early = document.querySelector("[aria-live=polite]").textContent;
        }"""
    )
    bare.wait_for_selector("[data-drawn='3'][data-facts=third]")
    assert bare.evaluate("drawn") == [1, 3]
    assert bare.evaluate("early") == ""
    bare.wait_for_function("document.querySelector('.live').textContent === 'the third'")
    bare.evaluate("drawing.stop(); change('view', { answers: 3, drawn: 4, facts: 'gone' })")
    bare.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert bare.evaluate("drawn") == [1, 3]


def test_controls_show_a_trait_and_set_it(bare):
    bare.evaluate(
        """() => {
          Object.assign(traits, { level: 8, kind: "b", on: false, power: 0.01 });
          makeSelect(model, "level", [4, 8, 16], "level ", root, Number);
          makeSelect(model, "kind", [["a", "first"], ["b", "second"]], "kind ", root);
          makeTick(model, "on", "on", root);
          makeSlider(model, "power", { min: -3, max: 0, step: 1 }, "power ", root,
            v => v.toFixed(3), v => 10 ** v, Math.log10);
          window.clicks = 0;
          makeButton("Reset", "reset", root, () => { clicks += 1; });
        }"""
    )
    level, kind = bare.locator("[data-trait=level]"), bare.locator("[data-trait=kind]")
    assert level.input_value() == "8" and kind.locator("option").all_inner_texts() == [
        "first",
        "second",
    ]
    level.select_option("16")
    kind.select_option("a")
    bare.locator("[data-trait=on]").check()
    slider = bare.locator("[data-trait=power]")
    slider.press("ArrowUp")
    bare.locator(".reset").click()
    assert bare.evaluate("({ ...traits, view: 0 })") == {
        "view": 0, "level": 16, "kind": "a", "on": True, "power": 0.1,
    }  # fmt: skip
    assert bare.evaluate("clicks") == 1
    bare.evaluate("change('power', 0.001); change('on', false)")
    assert slider.input_value() == "-3" and bare.locator("span").inner_text() == "0.001"
    assert not bare.locator("[data-trait=on]").is_checked()


def test_text_of_a_table_is_text(bare):
    heads = ["", "<b>bold</b>"]
    bare.evaluate(f"startTable(root, '<i>caption</i>', {json.dumps(heads)})")
    assert bare.locator("caption").inner_text() == "<i>caption</i>"
    assert bare.locator("th[scope=col]").all_inner_texts() == heads
    assert bare.locator("table > tbody").count() == 1 and bare.locator("b, i").count() == 0
