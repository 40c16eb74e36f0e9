"""What every widget shares, so that a new one costs its own idea and nothing else.

Read `widget.py` (the protocol in Python) and `page.js` (the same in the browser) first, then
`values.py` (numbers from a browser), `png.py`, `svg_path.py` and `colours.py` (pictures to it),
`page.py` and `style.css`. Boards on which shapes are dragged share `shape_board.py`, `shapes.py`,
`shapes.js` and `shapes.css` as well.
"""
