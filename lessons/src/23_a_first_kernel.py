# %% [markdown]
# # 23 · A first kernel
#
# A laptop's processor does a few things at a time, and each of them fast. A GPU does tens of thousands of things at a time, in large groups that all do the same. **How does one write a program for that?** In this unit you write three, up to reading a feature map between its pixels; in the next one they become RoIAlign.
#
# **After this unit you can** write a Triton kernel: say which program you are and which numbers are yours, mask what does not exist, and lay out memory so that a GPU can read it fast.
#
# *40 minutes: 10 to read, 4 to look and guess, 24 to write code. 5 s to run. You need [unit 21](21_roi_pooling_versus_roialign.ipynb). No GPU.*
#
# You need no GPU because Triton has an **interpreter**, which runs a GPU's programs one after another on the CPU. Triton decides once, when it is first imported, whether to interpret or to compile. So the first line comes before all imports. (Triton exists for Linux. Elsewhere, read this unit with the outputs that it comes with.)

# %%
import os

os.environ["TRITON_INTERPRET"] = "1"  # before anything imports Triton

import torch
import triton
import triton.language as tl

from minseg.course import check, guess, hint, progress, reveal, solution

# %% [markdown]
# ## One program, twice
#
# Here is a complete kernel. It doubles five numbers, and two programs share the work.


# %%
@triton.jit
def double(x, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)  # my block of places
    inside = i < n
    numbers = tl.load(x + i, mask=inside)
    tl.store(out + i, 2 * numbers, mask=inside)


# %%
from minseg.draw import show
from minseg.draw.lanes import draw_lanes
from minseg.kernel_trace import launch

five, doubled = torch.arange(5.0), torch.zeros(5)
trace = launch(double, (2,), five, doubled, 5, BLOCK=4)
fig = draw_lanes(trace, "x", title="double: two programs of four lanes read five numbers")
alt = "Program 0 reads numbers 0 to 3; program 1 reads number 4, its other lanes stay empty."
show(fig, alt=alt, facts=f"out = {doubled.tolist()}")

# %% [markdown]
# The picture shows all there is to know about a kernel:
#
# - The top row is **memory**: the five numbers of `x`, side by side.
# - All **programs** run the same code, the **kernel**, and each asks which one it is: `tl.program_id(0)`.
# - Within a program a value such as `i` is not one number but a **block** of them. Each place in the block is a **lane**, and all lanes do the same thing at the same time. `tl.arange(0, BLOCK)` is 0, 1, 2, 3. `BLOCK: tl.constexpr` says that this number is known when the kernel is compiled.
# - `x` is a **pointer**: the address of the tensor's first number. `x + i` is the address of number `i`, and since `i` is a block, so is the address.
# - A block has as many lanes as a power of two. Data does not. So loads and stores take a **mask**: lanes where it is false touch no memory. Program 1 has places 4, 5, 6 and 7, and its mask lets only place 4 through. The dotted lanes hold nothing that you can rely on.
#
# A kernel is launched as `double[(2,)](five, doubled, 5, BLOCK=4)`: two programs, then the arguments. `launch`, from this package, does the same in the interpreter and writes down every address. What it returns is a **trace**, and `draw_lanes` draws it.
#
# **Predict.** Thirteen numbers, `BLOCK=8`, and just as many programs as are needed. How many lanes have nothing to do?

# %%
guess("23.q_idle", None)

# %%
programs = triton.cdiv(13, 8)  # division, rounded up
trace = launch(double, (programs,), torch.zeros(13), torch.zeros(13), 13, BLOCK=8)
idle = sum(int((~access.active).sum()) for access in trace.accesses if access.kind == "load")
reveal("23.q_idle", idle, "lanes")

# %% [markdown]
# Two programs have 2 · 8 = 16 lanes, and 16 − 13 = 3 of them are idle.
#
# ### Exercise 23.add (*warm-up*)
#
# `out[i] = a[i] + b[i]` for all `i < n`. The arguments are pointers to float32 vectors of `n` numbers; each program does `BLOCK` of them. `check` launches your kernel on vectors of 13, 17, 8 and 1 numbers. It looks at the result, at what is touched *outside* the vectors, and at how many numbers are loaded and stored. `hint("23.add")` helps, and `solution("23.add")` shows ours.


# %%
@triton.jit
def my_add(a, b, out, n, BLOCK: tl.constexpr):
    """out[i] = a[i] + b[i] for all i < n; each program does BLOCK of them."""
    ...


check("23.add", my_add)

# %% [markdown]
# Without a mask, your kernel would read and write memory that belongs to somebody else. A GPU lets you, and so would the interpreter. `check` keeps your tensors in the middle of wider buffers, counts what falls beside them, and stops anything wilder, so try what you like.
#
# ## Lanes are channels
#
# Which lane should do what? Memory answers that. It does not deliver single numbers: an NVIDIA GPU moves **sectors** of 32 bytes, which is 8 float32 numbers side by side, whether you wanted one of them or all.
#
# A feature map has many channels at each pixel, and we always want all of them. PyTorch's usual layout, (N, C, H, W), keeps each channel as a plane, so the channels of one pixel lie far apart. **Channels-last** memory, (N, H, W, C), puts them side by side. Below, one program reads pixel 2 of a tiny map, 8 pixels of 8 channels, in both layouts. The shades of grey are sectors.


# %%
@triton.jit
def read_pixel(x, out, first, step, C: tl.constexpr):
    c = tl.arange(0, C)  # a lane for each channel
    tl.store(out + c, tl.load(x + first + c * step))


def read(first, step, pixels, C):
    """The trace of reading a pixel whose channels are `step` numbers apart."""
    return launch(read_pixel, (1,), torch.zeros(pixels * C), torch.zeros(C), first, step, C=C)


def sectors(trace):
    """How many sectors of 8 float32 numbers its loads touch."""
    return len((trace.elements("load", "x") // 8).unique())


planes, side_by_side = read(first=2, step=8, pixels=8, C=8), read(first=16, step=1, pixels=8, C=8)
for trace, layout in ((planes, "planes"), (side_by_side, "channels-last")):
    moved = sectors(trace)
    fig = draw_lanes(trace, "x", title=f"{layout}: sectors touched: {moved}", sector=8)
    alt = f"One program reads 8 numbers of 64 from {layout}."
    show(fig, alt=alt, facts=f"{layout}: {moved} of 8 sectors for 8 numbers")

# %% [markdown]
# **Predict.** Now the real thing: 48 pixels with 64 channels. How many times as many sectors does the GPU move for one pixel from planes as from channels-last?

# %%
guess("23.q_sectors", None)

# %%
planes = sectors(read(first=20, step=48, pixels=48, C=64))
side_by_side = sectors(read(first=20 * 64, step=1, pixels=48, C=64))
print(f"{planes} sectors from planes, {side_by_side} from channels-last")
reveal("23.q_sectors", planes / side_by_side, "times")

# %% [markdown]
# From planes, each of the 64 numbers sits in a sector of its own. Side by side, 64 numbers of 4 bytes are 256 bytes, which is 256 / 32 = 8 sectors. And 64 / 8 = 8: with planes, seven eighths of what arrives is thrown away. So this is the plan: *one lane for each channel, and the map in channels-last.*
#
# ### Exercise 23.gather (*core*)
#
# RoIAlign is a weighted sum of rows of a table, so the first thing to learn is to read a row. `table` is (rows, C) float32; in memory each row is C numbers, one row after another. `index` holds whole numbers, one for each program. Program `r` copies row `index[r]` of the table to row `r` of `out`. C need not be a power of two; `LANES` is the smallest power of two that is not less than C. `tl.load(index + r)`, a pointer without a block, loads one number for all lanes together.


# %%
@triton.jit
def my_gather(table, index, out, C, LANES: tl.constexpr):
    """out[r, c] = table[index[r], c] for the row r of this program and all c < C."""
    ...


check("23.gather", my_gather)

# %% [markdown]
# ## Four pixels make a sample
#
# RoIAlign reads the map *between* its pixels ([unit 21](21_roi_pooling_versus_roialign.ipynb)): at (x, y) it takes the four pixels around, each with its weight. With lanes as channels that is four loads, each of one pixel's channels (a row of the table above). Here is where they go, for a map of 3 × 4 pixels with 2 channels, read at x = 1.25, y = 0.5. The four pixels are (0, 1), (0, 2), (1, 1) and (1, 2), given as (row, column):


# %%
@triton.jit
def read_four(pixels, out, W, C: tl.constexpr):
    c = tl.arange(0, C)
    total = tl.zeros([C], tl.float32)  # a block of zeros
    for y in tl.static_range(2):  # written out twice when the kernel is compiled
        for x in tl.static_range(2):
            total += tl.load(pixels + (y * W + 1 + x) * C + c) / 4  # equal weights, for now
    tl.store(out + c, total)


pixels = torch.arange(24.0)  # (3, 4, 2), channels-last
trace = launch(read_four, (1,), pixels, torch.zeros(2), 4, C=2)
fig = draw_lanes(
    trace, "pixels", title="Pixel (row, column) begins at number (row · 4 + column) · 2"
)
alt = "One program reads numbers 2 to 5 and 10 to 13 of 24, lanes 0 and 1 in turn."
show(fig, alt=alt, facts=f"reads {sorted(trace.elements('load', 'pixels').tolist())}")

# %% [markdown]
# A pixel's number in memory is `(row * W + column) * C`, plus the channel. That one line is most of what goes wrong in kernels.
#
# The four loads do not wait for one another. A GPU has them all under way at once, which hides much of the time that memory takes to answer.
#
# ### Exercise 23.sample (*core*)
#
# Your kernel gets the weights right. `pixels` is (H, W, C), channels-last; program `i` reads at *index coordinates* (`x[i]`, `y[i]`): 0 is the centre of the first pixel. Points outside are held to the border: x to [0, W − 1], y to [0, H − 1]. On the last row or column there is no further pixel, so take the last one again; its weight is 0.
#
# What you need: `tl.minimum(a, b)` and `tl.maximum(a, b)` give the smaller and the larger, lane by lane. A place in memory must be a whole number: `x.to(tl.int32)` cuts the fraction off, which is the floor of a number that is not negative.


# %%
@triton.jit
def my_sample(pixels, x, y, out, H, W, C, LANES: tl.constexpr):
    """out[i, c] = the map at (x[i], y[i]), for the point i of this program and all c < C."""
    ...


check("23.sample", my_sample)

# %% [markdown]
# > **In practice**
# >
# > - Nobody writes `add` or `gather` as a kernel: `a + b` and `table[index]` are kernels already. One writes a kernel where PyTorch would write large intermediate results to memory only to read them back. RoIAlign from PyTorch's parts does that four times for each sample.
# > - The typical mistake is a mask or a stride that is right for the sizes one tried. Try odd sizes: 1, 13, 17. Nothing crashes; a neighbour's numbers change.
# > - `x.contiguous(memory_format=torch.channels_last)` turns a map into channels-last once. Every box that is read from it profits.
# > - To see a kernel without a GPU there is also `triton-viz` (Deep-Learning-Profiling-Tools, on GitHub).
#
# ## Recap
#
# - A kernel is one program, run many times. `program_id` says which one you are, `arange` which lanes you have, the mask which of them exist.
# - Memory moves in sectors of 32 bytes. Lanes that read side by side share them, so lanes are channels and maps are channels-last.
# - A sample is four pixels and four weights; the channels of a pixel begin at (row · W + column) · C.
#
# Your predictions and exercises:

# %%
progress("23")

# %% [markdown]
# > **When it does not work**
# >
# > - *`No module named 'triton'`*: it exists for Linux: `python -m pip install triton`. On macOS and Windows read the stored outputs.
# > - *"Triton was imported before TRITON_INTERPRET=1 was set"*: restart the kernel (Kernel ▸ Restart) and run from the first cell.
# > - *`check` says "touched outside"*: a mask is missing, or a pointer counts in the wrong unit. A pointer moves by numbers: a pixel is C of them, a row of the map W · C.
# > - *A result is nan*: you used lanes that a mask had switched off. They hold anything, unless `tl.load(…, other=0.0)` says what.
# > - *"arange's arguments must be of type tl.constexpr"*, or *"a power of 2"*: lanes come from `tl.arange(0, LANES)`, never from C, and the mask `c < C` does the rest.
# > - *"invalid operands of type pointer<fp32> …"*: a place in memory was computed as a fraction. Cast it: `.to(tl.int32)`.
#
# **Next:** [24 · RoIAlign on the GPU](24_roialign_on_the_gpu.ipynb) puts samples into bins and bins into a kernel, and asks how fast it could ever be.
