# %% [markdown]
# # 11 · A mask on a grid
#
# A network cannot predict a set of pixels: it predicts a fixed number of numbers. So most networks predict a mask as a small grid in its box. How fine must that grid be, and what is lost on the way there and back?
#
# *35 minutes: 15 to read and look, 4 to play, 16 to write code. 10 s to run. You need [unit 10](10_what_instance_segmentation_asks.ipynb).*

# %%
from minseg.draw import figure, show
from minseg.draw.grids import draw_cells, draw_shares
from minseg.experiments.representations import specimen
from minseg.instances import tight_boxes
from minseg.masks import to_grid

coin = specimen("coin")  # (96, 96) bool, cut out of the photograph
box = tight_boxes(coin[None])  # (1, 4)

fig, axes = figure(columns=3, height=340)
draw_cells(axes[0], coin, box[0], 14, "A coin and its 14 × 14 cells")
draw_shares(axes[1], to_grid(coin[None], box, 14)[0], "14 × 14 numbers")
draw_shares(axes[2], to_grid(coin[None], box, 7)[0], "7 × 7 numbers")
alt = "A coin in its box, which is cut into cells; the same as 14 by 14 and as 7 by 7 grey cells."
show(fig, alt=alt, facts=f"box {box[0].long().tolist()}, {int(coin.sum())} pixels")

# %% [markdown]
# The tight box of the mask is cut into $m \times m$ **cells**, and each becomes one number: white where the coin fills the cell, black where it does not reach, grey where the outline passes. Mask R-CNN (He et al., *Mask R-CNN*, 2017) predicts such grids, $m = 28$ of them along each side.
#
# ## What comes back
#
# The widget writes a mask down as a grid, reads it again, and shows the difference. **IoU** is what the two masks share, divided by what they cover together. **Boundary IoU** does the same for two thin bands along the inside of their outlines, so it minds small errors there much more.

# %%
from minseg.explore import RepresentationSweep

grids = ("binary grid", "grid of shares")
RepresentationSweep(kinds=grids, kind="grid of shares", thing="coin", step=9)  # step 9: 14 × 14

# %% [markdown]
# A *grid of shares* holds fractions, 0 to 1, one byte for each cell. A *binary grid* has each of them rounded to 0 or 1, one bit for each cell. The dotted line marks the bytes of **run lengths**, the numbers of equal pixels that follow one another, down each column: they lose nothing, but there are as many as the mask needs, and a network has a fixed number of outputs.
#
# 1. **The coin, grid of shares**, 14 × 14 cells. Now the binary grid, again 14 × 14. Which of the two IoUs falls more, and why?
# 2. **The star, grid of shares**, 8 × 8 cells. Where are the blue pixels?
# 3. **At equal bytes**: the star with 41 bytes, 16 of them for the box, as shares and as a binary grid. Which is better? And why might a network not care?
#
# <details><summary>Answers</summary>
#
# 1. Boundary IoU, from 0.87 to 0.69; IoU goes from 0.99 to 0.96. Inside, nothing can go wrong. All errors lie at the outline, where boundary IoU looks.
# 2. At the tips, which are narrower than a cell: a cell that is less than half full is lost.
# 3. The binary grid: 14 × 14 bits, IoU 0.84, against 5 × 5 fractions, 0.66. In a file, rounding and more cells is the better bargain. But a network's outputs are fractions anyway, so rounding saves it nothing.
#
# </details>
#
# ## A cell holds a share
#
# Take one row of pixels first. The mask covers columns 0 to 2, and the box from 1 to 5 is cut into three cells, each $\tfrac43$ of a pixel wide. Cells and pixels do not fit, and need not.

# %%
import torch

from minseg.draw.grids import draw_row

row = torch.tensor([True, True, True, False, False, False])
fig, axis = figure(width=620, height=190)
draw_row(axis, row, 1, 5, cells=3)
alt = "Six pixels, the first three of the mask; below, three cells from 1 to 5. Cell 1 is partly covered."
show(fig, alt=alt, facts="cells begin at 1, 2.33 and 3.67, and the last one ends at 5")

# %% [markdown]
# **Predict.** A cell's number is the share of it that the mask covers. What is the number of cell 1, the middle one?

# %%
from minseg.course import guess, reveal

guess("11.q_share", None)

# %%
mask = row.repeat(4, 1)[None]  # (1, 4, 6): the same in four rows
shares = to_grid(mask, torch.tensor([[1.0, 0.0, 5.0, 4.0]]), 3)
reveal("11.q_share", shares[0, 0, 1])

# %% [markdown]
# The mask ends at $x = 3$ and cell 1 begins at $2\tfrac13$, so it covers $\tfrac23$ of a pixel of a cell that is $\tfrac43$ wide: ½. In two dimensions a cell and a pixel share a *rectangle*, the length that they share across times the length that they share down. Therefore all shares of a mask $M$ are one product of three matrices,
#
# $$G = A_y\, M\, A_x^{\mathsf T}, \qquad A_x[k, j] = \frac{\text{length that cell } k \text{ and pixel } j \text{ share}}{\text{length of cell } k},$$
#
# with $A_x$ for columns, (cells, W), and $A_y$, (cells, H), for rows in the same way.
#
# **Exercise (*core*): crop to a grid.** `masks` is (N, H, W) bool, `boxes` is (N, 4) floating point: x1, y1, x2, y2, anywhere, with fractions, box n for mask n. A box may reach out of the image, where everything is background; every box has a width and a height. The answer is (N, size, size), floating point; N = 0 gives (0, size, size).


# %%
from minseg.course import check, hint, solution


def my_to_grid(masks, boxes, size):
    """(N, size, size): the share of each cell that the mask covers."""
    raise NotImplementedError


check("11.to_grid", my_to_grid)

# %% [markdown]
# `hint("11.to_grid")` helps, and `solution("11.to_grid")` shows the package's code. `to_grid_loop`, beside it in `minseg/masks/grid.py`, says it in plain loops.
#
# ## And back, without moving
#
# To paste a grid into the image, read it at the centre of each pixel, and keep the pixel if the value is at least ½. Between the centres of cells, read **bilinearly**: a weighted mean of the four nearest cells, each with the more weight the nearer it is. Across and down can be done one after the other, so again a row is enough. A colleague has written this:


# %%
def read_row(cells, low, high, length):
    """Read m cells (or rows of cells) that fill [low, high] at `length` pixels. It has a bug."""
    m = len(cells)
    centre = torch.arange(length) + 0.5  # of each pixel
    at = m * (centre - low) / (high - low)  # in cells; 0 was meant to be the centre of cell 0
    weights = (1 - (at[:, None] - torch.arange(m)).abs()).clamp(min=0)  # (length, m)
    return weights @ cells


# %%
from minseg.draw.masks import draw_errors
from minseg.masks import from_grid
from minseg.metrics import boundary_iou, mask_iou

x1, y1, x2, y2 = box[0].tolist()
grid = to_grid(coin[None], box, 14)  # (1, 14, 14)
good = from_grid(grid, box, 96, 96, threshold=None)[0]  # (96, 96) values
down = read_row(grid[0], y1, y2, 96)  # (96, 14)
bad = read_row(down.T, x1, x2, 96).T  # (96, 96)

fig, axes = figure(columns=2, width=700, height=350)
draw_errors(axes[0], coin, good >= 0.5, title="Pasted by the package")
draw_errors(axes[1], coin, bad >= 0.5, title="Pasted by the colleague")
alt = "Two coins. The right one lies too far up and to the left."
iou = [mask_iou(coin[None], values[None] >= 0.5).item() for values in (good, bad)]
edge = [boundary_iou(coin[None], values[None] >= 0.5).item() for values in (good, bad)]
facts = f"IoU {iou[0]:.3f} and {iou[1]:.3f}; boundary IoU {edge[0]:.2f} and {edge[1]:.2f}"
show(fig, alt=alt, facts=facts)

# %% [markdown]
# Grey pixels are kept, blue ones lost, orange ones added. The colleague's mask has kept its size and its shape, and has moved up and to the left. It is one of the commonest bugs of the field, and hard to notice: it looks like a network that is a little inaccurate.
#
# **Predict.** The box is 73 pixels wide and has 14 cells. By how many pixels has the mask moved across?

# %%
guess("11.q_moved", None)


# %%
def middle(values):
    """Where the values have their middle, across."""
    columns = values.sum(dim=0)
    return (columns * (torch.arange(96) + 0.5)).sum() / columns.sum()


reveal("11.q_moved", middle(good) - middle(bad), "px", digits=2)

# %% [markdown]
# Half a cell: 73 / 14 / 2 = 2.6 pixels. In a photograph where an object is 400 pixels wide, it would be 14.
#
# **Exercise (*core*): repair the half cell.** Mend `read_row`. `cells` is (m,) floating point, m ≥ 1; `low` < `high` are the edges of the box, anywhere, even outside of the image; `length` is the number of pixels and may be 0. The answer is (length,). Beyond the first and the last centre the values fade to 0 within one cell, as they do above.


# %%
def my_read_row(cells, low, high, length):
    """(length,) values at the centres of pixels, of (m,) cells that fill [low, high]."""
    raise NotImplementedError


check("11.half_cell", my_read_row)

# %% [markdown]
# After that, `solution("11.half_cell")` shows the whole of it.
#
# ## How fine?
#
# Take five smooth masks, about 200 pixels across, and the coarsest way there is: each cell is rounded to 0 or 1, and each pixel takes the value of the cell that it lies in, called **nearest**. With $m = 14$, the masks that come back have on average 1 − IoU = 0.058.
#
# **Predict.** What is 1 − IoU at $m = 28$?

# %%
guess("11.q_finer", None)

# %%
from minseg.experiments.grid_targets import four_ways, print_ways
from minseg.experiments.representation_limits import smooth_masks

sizes = (7, 14, 28, 56, 112)
errors = four_ways(smooth_masks(5), sizes)
reveal("11.q_finer", errors["rounded, nearest"][2], digits=2)

# %% [markdown]
# About half. The outline can be wrong by a share of a cell, and a cell is $L/m$ wide in a box with sides $L$. That happens all along the outline, so the wrong area is the length of the outline times a share of $L/m$:
#
# $$1 - \mathrm{IoU} \approx c \cdot \frac{\text{perimeter}}{\text{area}} \cdot \frac{L}{m},$$
#
# where $c$ is a constant below 1. Twice the cells, half the error. That is a **power law**; with both axes logarithmic, it is a straight line.
#
# Now do not round: let the cells keep their shares, and paste them nearest as before.
#
# **Predict.** How many times smaller does the error at $m = 28$ become?

# %%
guess("11.q_rounding", None)

# %%
reveal("11.q_rounding", errors["rounded, nearest"][2] / errors["shares, nearest"][2])
print_ways(errors, sizes)

# %% [markdown]
# Not at all: a factor of 1. Pasted nearest, a pixel asks only whether *its* cell is at least half full, which is what rounding had asked. Shares pay where they are read *between* cells. At $m = 28$, reading bilinearly makes the error of rounded cells 0.0309 / 0.0229 = 1.3 times smaller, and keeping the shares makes it 0.0229 / 0.0059 = 3.9 times smaller still. Shares know *where* in the cell the outline passes, and a bilinear paste can use it.

# %%
from minseg.draw.grids import draw_grid_errors

fig, axis = figure(width=640, height=380)
draw_grid_errors(axis, sizes, errors)
axis.set_title("Twice the cells, about half the error; shares pay if read bilinearly")
alt = "Four lines fall with m. The two nearest ones lie on one another, shares read bilinearly are lowest."
show(fig, alt=alt, facts=f"at m = 28: {', '.join(f'{row[2]:.4f}' for row in errors.values())}")

# %% [markdown]
# (At $m = 112$ a cell is smaller than two pixels, and its share tells nearly all of them. That is why the lowest line bends.)
#
# These are the errors of a network that puts out exactly these numbers and makes no other mistake. Other numbers in the same cells can do better: [unit 13](13_a_mask_as_a_landscape.ipynb) writes distances into them. And a network that is *trained* on rounded cells still puts out fractions, so it need not end at the errors of rounded cells.
#
# ## What a finer grid costs
#
# The part of Mask R-CNN that draws masks has four convolutions of 3 × 3, from 256 channels to 256. Each of the $m \times m$ places takes $3 \cdot 3 \cdot 256 \cdot 256$ multiplications in each of the four.

# %%
for m in (14, 28, 56):
    print(f"m = {m}: {4 * 9 * 256 * 256 * m * m / 1e6:5.0f} million multiplications")

# %% [markdown]
# Half the error costs four times the work. (The number of weights stays, $4 \cdot 9 \cdot 256 \cdot 256$, 2.4 million: a convolution uses the same ones at each place.) To save, Mask R-CNN computes at 14 × 14 and doubles at the very end, by a **transposed convolution**, also called deconvolution: each place *writes* a block of $k \times k$ outputs, its value times $k \times k$ learned weights, and where blocks overlap, what they write is added up.

# %%
from minseg.draw.grids import draw_writes
from minseg.masks import deconvolution_overlap

fig, axes = figure(columns=2, width=640, height=320)
draw_writes(axes[0], deconvolution_overlap(4, kernel=2), "k = 2: each place once")
draw_writes(axes[1], deconvolution_overlap(4, kernel=3), "k = 3: a checkerboard")
alt = "How often each place is written on: with k = 2 once, with k = 3 one, two or four times."
show(fig, alt=alt, facts="4 × 4 places, blocks begin two pixels apart")

# %% [markdown]
# With blocks of 3 × 3 that begin two pixels apart, some places are written on four times and others once, so even a constant input comes out as a checkerboard, unless training corrects it (Odena et al., *Deconvolution and Checkerboard Artifacts*, 2016). Mask R-CNN takes 2 × 2 blocks, which do not overlap.
#
# > **In practice**
# >
# > - *By default*, 28 × 28 cells and a bilinear paste. Large objects with thin parts need more.
# > - *Of two well-known libraries*, torchvision trains on shares and detectron2 on rounded cells; both paste bilinearly. The original paper's target is the binary mask.
# > - *The typical mistake* is a forgotten half. Symptom: AP a little low, boundary IoU very low, and all masks off in the *same* direction. The test takes a minute: crop a true mask, paste it, and look at the IoU. In detectron2 a more exact paste alone was worth about half a point of mask AP.
# > - *The call*: `torch.nn.functional.grid_sample(…, align_corners=False)` has both halves; `align_corners=True` has neither.
#
# ## Recap
#
# - A cell holds the share of its area that the mask covers: $G = A_y M A_x^{\mathsf T}$.
# - A number belongs to the *centre* of its cell or pixel. Forget one half, and every mask moves by half a cell.
# - The error of a grid is a share of a cell all along the outline: twice the cells, half the error, four times the work.
# - Shares pay only if they are read between cells: rounding costs nothing with a nearest paste, and a factor of 3.9 with a bilinear one.

# %%
from minseg.course import progress

progress("11")

# %% [markdown]
# The notes' claims on this: C22 to C25, measured in [91](91_masks_and_tasks.ipynb).
#
# **Next**, [unit 12](12_a_mask_as_an_outline.ipynb): most cells of a grid say nothing, since they are deep inside or far outside. What if one writes down the outline only?
