# %% [markdown]
# # 24 · RoIAlign on the GPU
#
# [Unit 23](23_a_first_kernel.ipynb) ended with a kernel that reads a map between its pixels. Two more steps make it RoIAlign: average the samples of a bin, then do a row of bins at once. **And then: what bounds its speed?** Not what most people think.
#
# **After this unit you can** write RoIAlign as one kernel, follow the package's, say why its gradient is different each time and what to do about that, and compute from bytes how fast any kernel could ever be.
#
# *30 minutes: 14 to read and look, 6 to play and guess, 10 to write code; the stretch exercise is not counted. 10 s to run. You need unit 23. No GPU.*

# %%
import os

os.environ["TRITON_INTERPRET"] = "1"  # before anything imports Triton

import torch
import triton
import triton.language as tl

from minseg.course import check, guess, hint, progress, reveal, show_source, solution

generator = torch.Generator().manual_seed(6)

# %% [markdown]
# ## See it work
#
# The package's kernel, on a map with 64 channels at each pixel. Three RoIs are cut into 3 × 3 bins. One program makes one *row* of bins, so there are nine programs: number 3 · RoI + row. **Orange** is what the chosen program reads, and the numbers say how often; all of it was written down while the real kernel ran.

# %%
from minseg.explore import KernelView

KernelView(program=4)

# %% [markdown]
# **1.** Click programs 3, 4 and 5, the rows of RoI 1. Do they read pixels of their own?
#
# <details><summary>Answer</summary>
#
# No: rows that lie side by side share pixels, and each program reads them anew. None knows of the others.
#
# </details>
#
# **2.** Back to program 4. Pull the slider from load 1 to load 16. What does one load read?
#
# <details><summary>Answer</summary>
#
# One pixel for *each* of the three bins, with all its channels: 3 · 64 numbers at once. Four loads make a sample, 2 × 2 samples a bin: 16 loads, whatever the size of the RoI. (Loads whose weight is 0 are left out, so some programs ask for a little less.)
#
# </details>
#
# **3.** Shrink RoI 1 (lower right corner) to one or two pixels. Which numbers change in the table, and which stay?
#
# <details><summary>Answer</summary>
#
# What is asked for stays; the *distinct* pixels become fewer. A GPU's caches answer a repeated load, with luck, so the last line, **the floor**, is what a kernel can hope for, everything once: each touched pixel read once, each output written once.
#
# </details>
#
# ## One bin
#
# A bin's average needs a loop and a running total. `tl.zeros` makes a block of zeros; `tl.static_range(S)` counts to S, which is known when the kernel is compiled, so the body is written out S times. One program adds up rows of a table:


# %%
from minseg.kernel_trace import launch


@triton.jit
def add_rows(table, out, S: tl.constexpr, LANES: tl.constexpr):
    c = tl.arange(0, LANES)
    total = tl.zeros([LANES], tl.float32)
    for s in tl.static_range(S):
        total += tl.load(table + s * LANES + c)
    tl.store(out + c, total)


total = torch.zeros(4)
launch(add_rows, (1,), torch.arange(12.0), total, S=3, LANES=4)
print(total.tolist())

# %% [markdown]
# Where the samples of a bin lie you know from [unit 22](22_roialign_whole.ipynb), so here the package helps. `axis_sample(start, bin, p, s, n, L)` does one axis: bins of length `bin` begin at `start`; it takes sample `s` (of `n`) of bin `p`, on a map of length `L`, and returns the two pixels that it falls between and their weights, `low, high, w_low, w_high`. Border rules are in it, and so is the 1/n of the average. A kernel calls it like any function. Each argument may be a number or a block.

# %%
from minseg_kernels.geometry import axis_sample

show_source(axis_sample)

# %% [markdown]
# ### Exercise 24.bin (*core*)
#
# Program `i` averages S × S samples of bin `i`. `bins` is (n, 4) float32, a row for each bin: y, height, x, width in index coordinates. Each row is a single bin, so pass p = 0 on both axes. `pixels` is (H, W, C), channels-last; `out` is (n, C). `hint("24.bin")` helps.


# %%
@triton.jit
def my_bin(pixels, bins, out, H, W, C, S: tl.constexpr, LANES: tl.constexpr):
    """out[i, c] = the average over bin i, of map (H, W, C)."""
    ...


check("24.bin", my_bin)

# %% [markdown]
# ## A row of bins: RoIAlign
#
# One program for each bin would read its RoI's numbers again and again. The kernel makes a row of bins in one program, which is a block with *two* axes, bins × channels. The y side of its samples is a number, shared by the row; the x side is a block with an entry for each bin. As in NumPy, `x[:, None]` and `c[None, :]` put them on their axes. Seven bins take eight lanes, so bins need a mask too.
#
# `box_edges(rois, k, scale, PH, PW, True)` reads RoI k and cuts it: it returns its image `n`, its y start, bin height, x start and bin width.
#
# ### Exercise 24.roi (*stretch*)
#
# Program number k · PH + p makes row p of RoI k. `pixels` is (N, H, W, C), `rois` (K, 5), `out` (K, PH, PW, C). `BINS` and `LANES` are powers of two, at least PW and C.


# %%
from minseg_kernels.geometry import box_edges

show_source(box_edges, docstring=False)


@triton.jit
def my_roi(
    pixels,
    rois,
    out,
    scale,
    H,
    W,
    C,
    PH: tl.constexpr,
    PW: tl.constexpr,
    S: tl.constexpr,
    BINS: tl.constexpr,
    LANES: tl.constexpr,
):
    """out[k, p, q, c] for all q < PW and c < C."""
    ...


check("24.roi", my_roi)

# %% [markdown]
# `solution("24.roi")` shows ours. The package's kernel, `minseg_kernels/forward.py`, is the same one and does a little more: it takes a pyramid of maps and picks each RoI's level, so that one launch serves all; shares rows with many channels among several programs; masks out loads whose weight is 0; and sums half-precision maps in float32. `roi_align` calls it for tensors on a GPU, and on request in the interpreter:

# %%
from minseg.roi import roi_align

some = torch.randn(1, 5, 20, 20, generator=generator)
few = torch.tensor([[0, 2.2, 1.4, 9.1, 8.8], [0, 7.5, 3.1, 19.5, 25.0]])
by_triton = roi_align(some, few, 3, 1.0, 2, True, backend="triton")
by_torch = roi_align(some, few, 3, 1.0, 2, True)
print("furthest apart:", "< 1e-5" if (by_triton - by_torch).abs().max() < 1e-5 else "MORE")

# %% [markdown]
# ## The gradient, and chance
#
# Backwards, each program takes its row of the output's gradient and *adds* it, weighted, to the pixels that the forward read. RoIs overlap, so two programs may add to one number at the same moment. Read, add, write back: if both read before either writes, one addition is lost. So a GPU has **atomic** additions, which cannot be interrupted.
#
# They cost something else. Which program comes first is chance, and a float32 sum depends on the order: $(10^8 + 1) - 10^8$ is 0, since $10^8 + 1$ rounds to $10^8$; $(10^8 - 10^8) + 1$ is 1. The interpreter always runs programs in the same order; `shuffled` draws another one.
#
# **Predict.** Six RoIs overlap on a map of 8 × 16 pixels with 8 channels, 1,024 numbers. The gradient is computed twice, with programs in two orders. How many of its numbers differ, be it in a single bit?

# %%
guess("24.q_differ", None)

# %%
from minseg.kernel_trace import shuffled

corner = torch.rand(6, 2, generator=generator) * torch.tensor([8.0, 2.0])
boxes = torch.cat([torch.zeros(6, 1), corner, corner + 6], dim=1)
upstream = torch.randn(6, 8, 3, 3, generator=generator)


def gradient_in_order(seed, deterministic=False):
    """The gradient of the map, with programs in the order that the seed draws."""
    features = torch.zeros(1, 8, 8, 16, requires_grad=True)
    options = {"backend": "triton", "deterministic": deterministic}
    with shuffled(seed):
        out = roi_align(features, boxes, 3, 1.0, 2, True, **options)
        return torch.autograd.grad(out, features, upstream)[0]


first, second = gradient_in_order(1), gradient_in_order(2)
untouched = (first == 0).sum()
print(f"{untouched} of {first.numel()} numbers get nothing at all")
reveal("24.q_differ", (first != second).sum(), "numbers")

# %% [markdown]
# Pixels that no RoI reads stay 0. Of the others, those with one or two additions cannot differ, since a + b = b + a; with three or more, rounding may depend on the order, and often does.
#
# The differences are tiny. But the same seed no longer gives the same bits: each step of a training starts from the differences of the step before, and whoever hunts a bug cannot repeat the run that showed it. So the package has a second backward, `deterministic=True`. It swaps the roles: a program owns a *tile* of 8 × 8 pixels, goes through the RoIs that touch it, always in the same order, and gathers what they owe it. Each number is stored once, and nothing is added to memory.

# %%
fixed = [gradient_in_order(seed, deterministic=True) for seed in (1, 2)]
print("the same bits in both orders:", torch.equal(*fixed))

# %% [markdown]
# ## What an interpreter cannot show
#
# It shows whether the arithmetic is right, and which addresses are touched. It has no races, since its programs never meet. It has no speed worth the name, no caches, and no limit on **registers**, the small, fast memory in which a program keeps its blocks; a GPU's kernel that needs too many slows down at once. This one forgets to be atomic, and the interpreter finds nothing wrong with it:


# %%
@triton.jit
def careless_count(counts, label):
    mine = counts + tl.load(label + tl.program_id(0))
    tl.store(mine, tl.load(mine) + 1)  # read, add, write back: not atomic


from minseg.draw import show
from minseg.draw.lanes import draw_lanes

counts, label = torch.zeros(3), torch.tensor([0, 2, 2, 1, 2, 0])
trace = launch(careless_count, (6,), counts, label)
fig = draw_lanes(trace, "counts", "store", title="Six programs store; three of them to one address")
alt = "Programs 1, 2 and 4 store to number 2, programs 0 and 5 to number 0, program 3 to number 1."
show(fig, alt=alt, facts=f"counts {counts.int().tolist()}: right, in the interpreter")

# %% [markdown]
# The trace gives it away: several programs store to one address, and none of the stores is atomic. A test without a GPU can look for that, and the package's tests do. They also compile every kernel for three generations of GPUs without having one.
#
# ## How fast could it be?
#
# A kernel must move bytes and do arithmetic, and a GPU can do so much of each in a second. Whichever takes longer bounds it from below. NVIDIA's data sheet of the H200 (2024) gives 4.8 TB/s of memory and 67 TFLOP/s in float32.
#
# **Predict**, with pencil and paper. A map of 2 × 256 × 200 × 304 float32 numbers, 1,000 RoIs of 7 × 7 bins with 256 channels. Read each number of the map once, write each output once, 4 bytes each. How many microseconds does that take, at 4.8 TB/s?

# %%
guess("24.q_microseconds", None)

# %%
bandwidth, arithmetic = 4.8e12, 67e12  # bytes and operations in a second: data sheet, not measured
outputs = 1000 * 7 * 7 * 256
moved = 4 * (2 * 256 * 200 * 304 + outputs)  # bytes
operations = outputs * 16 * 2  # 16 loads for each output, a product and a sum each
print(f"arithmetic alone: {1e6 * operations / arithmetic:.0f} µs")
reveal("24.q_microseconds", 1e6 * moved / bandwidth, "µs", digits=2)

# %% [markdown]
# The map has 31.1 million numbers and the output 12.5 million: 175 MB, and 175 · 10⁶ / (4.8 · 10¹²) s is 36 µs. Arithmetic would be done in 6 µs. So RoIAlign is bound by *memory*: whoever wants it faster must move fewer bytes.
#
# The usual picture of this is the **roofline** (Williams, Waterman and Patterson, 2009): how many operations a second are possible, over how many operations a kernel does for each byte it moves. On the slope memory is the limit, on the plateau arithmetic. The second point, *no cache*, is what happens if each of the 16 loads goes all the way to memory.

# %%
from minseg.draw import ALIGN_COLOUR, POOL_COLOUR, figure

without_cache = 4 * outputs * (16 + 1)  # bytes: 16 loads and a store
intensity = torch.tensor([0.1, arithmetic / bandwidth, 1000])
fig, ax = figure(width=640, height=320)
ax.loglog(intensity, (intensity * bandwidth).clamp(max=arithmetic) / 1e12, color="black")
for name, many, colour in (
    ("everything once", moved, ALIGN_COLOUR),
    ("no cache", without_cache, POOL_COLOUR),
):
    at = operations / many
    ax.plot(at, at * bandwidth / 1e12, "o", color=colour)
    ax.annotate(name, (at, at * bandwidth / 1e12), (8, -12), textcoords="offset points")
ax.set_title("RoIAlign lies on the slope: memory bounds it")
ax.set(xlabel="operations for each byte", ylabel="TFLOP/s at most")
alt = (
    "A slope that turns into a plateau; two points low on the slope, 'everything once' the higher."
)
facts = f"{operations / moved:.1f} operations for each byte; the plateau begins at "
show(fig, alt=alt, facts=facts + f"{arithmetic / bandwidth:.0f}")

# %% [markdown]
# These are limits from a data sheet, not times that anybody has measured; a real kernel is slower, and how much slower only a GPU can say. If you have one, `make gpu` measures these kernels beside torchvision's and prints their share of the limit. No GPU has run it for this page yet, so there is no figure here.
#
# > **In practice**
# >
# > - `torchvision.ops.roi_align` on a GPU has a lane for each output and keeps planes; in float32 it is what nearly everybody uses, and its gradient is atomic: `torch.use_deterministic_algorithms(True)` changes to a slower one.
# > - The typical symptom of atomics: two runs with one seed agree for some steps and then drift apart. It is not a bug, and it is a nuisance.
# > - Before making a kernel faster, compute its bytes. If it already takes little more than they do, half precision helps, and cleverness does not.
#
# ## Recap
#
# - RoIAlign is one kernel: a program for each row of bins, channels as lanes, 16 loads that wait for nobody, one store.
# - Atomic additions come in any order, and float32 sums depend on it. Tiles that gather in a fixed order give the same bits.
# - An interpreter checks arithmetic and addresses; races, registers and speed need a GPU.
# - RoIAlign is bound by memory: 36 µs for the bytes, 6 µs for the arithmetic.

# %%
progress("24")

# %% [markdown]
# ## Part 2 in one picture

# %%
from minseg.data import coins_truth, photo
from minseg.draw.part_two import draw_part_two
from minseg.roi import quantise_box

box, stride = coins_truth().boxes[9], 16
rounded = quantise_box(box / stride, "round") * stride
fig = draw_part_two(photo("coins"), box, rounded, stride)
alt = "A coin with its box and the rounded box; the same with sampling points; rows of memory."
moves = (rounded - box).abs().max()
facts = f"rounding alone, without the + 1, moves an edge of this box by up to {moves:.1f} pixels"
show(fig, alt=alt, facts=facts)

# %% [markdown]
# The orange box shows rounding alone, without the + 1 of units 20 and 21. On the right is a sketch of unit 24's kernel: four programs, each of which reads whole pixels, all channels side by side, from several places in memory.
#
# **Five questions.** Answer each in a sentence before you open it.
#
# **1.** A RoI pooling layer at stride 32 reads a box of 20 pixels. What does it most likely look at?
#
# <details><summary>Answer</summary>
#
# At one or two whole cells, 32 or 64 pixels: mostly at what lies beside the object. Rounding moves each edge by up to half a cell, a quarter on average, whatever the object's size, so small objects lose most.
#
# </details>
#
# **2.** Why can RoI pooling give no gradient to the box?
#
# <details><summary>Answer</summary>
#
# Its answer stands still while the box moves, and then jumps: the slope is 0 nearly everywhere. RoIAlign's answer is a weighted average whose weights change with the box, so it has a slope, although the usual operators do not compute it (unit 22).
#
# </details>
#
# **3.** Two programs disagree by half a pixel. What do you look at first?
#
# <details><summary>Answer</summary>
#
# `aligned`: whether box coordinates are shifted by half a pixel, because the centre of the first pixel lies at ½. Then at the number of samples and the border rule.
#
# </details>
#
# **4.** A kernel is right for 16 channels and wrong for 17. What is missing?
#
# <details><summary>Answer</summary>
#
# The mask: 17 channels need 32 lanes, and 15 of them must touch nothing.
#
# </details>
#
# **5.** A kernel moves 175 MB and does 0.4 GFLOP. Would a GPU with twice the arithmetic run it faster?
#
# <details><summary>Answer</summary>
#
# No. Its bytes take six times as long as its arithmetic. Twice the memory bandwidth would, and so would maps in half precision.
#
# </details>
#
# The notes' claims on this: C130, measured in [95](95_costs.ipynb).
#
# **Next:** part 3, [30 · Average precision by hand](30_average_precision_by_hand.ipynb).
