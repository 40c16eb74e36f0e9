# %% [markdown]
# # 06 · RoIAlign on the GPU, in Triton
#
# Lesson 05 ended with a bag of pixels: each bin of RoIAlign is a weighted sum of a few pixels. That view is what makes it fast, on a CPU and on a GPU. Here you write the GPU's program yourself, in five steps from adding two vectors to RoIAlign, and then read the package's own.
#
# **After this lesson you can**
#
# 1. write RoIAlign as a matrix that is mostly zeros, and its gradient as the same matrix turned over;
# 2. write a Triton kernel: programs, lanes, masks, loads and stores;
# 3. follow the package's RoIAlign kernel line by line, and say which bytes each of its programs moves;
# 4. say why a gradient made of atomic additions differs from run to run, and how to make one that does not;
# 5. compute from bytes alone how fast a kernel could ever be, and name what an interpreter cannot tell you.
#
# *55 minutes to read, 30 s to run, 500 MiB of memory, no GPU, no downloads. You need lesson 05. Triton exists for Linux: where it cannot be installed, read this lesson with the outputs that it comes with.*
#
# A GPU is not needed, because Triton has an **interpreter**, which runs the programs one after another on the CPU. Triton decides once, when it is first imported, whether to interpret or to compile. So the first line comes before all imports.

# %%
import os

os.environ["TRITON_INTERPRET"] = "1"  # before anything imports Triton

import time

import torch
import torch.nn.functional as F
import triton
import triton.language as tl

from minseg.course import check, claim, guess, progress, reveal, show_source
from minseg.draw import ALIGN_COLOUR, POOL_COLOUR, figure, show
from minseg.explore import KernelView
from minseg.kernel_trace import launch, shuffled, watch
from minseg.roi import bilinear_sample, roi_align
from minseg.roi.align import axis_taps, feature_box, roi_align_loop
from minseg_kernels.backward_tiles import backward_tiles
from minseg_kernels.forward import add_pixel, roi_align_forward
from minseg_kernels.geometry import axis_sample, box_edges, sample_position
from minseg_kernels.launch import Sampling
from minseg_kernels.samples import tap_four, walk_samples

# %% [markdown]
# ## A matrix of bags
#
# Take the map of lesson 05, 6 × 8 pixels, and its box, cut into 2 × 2 bins with 2 × 2 sampling points each. `axis_taps` lists which rows and columns a bin reads, and with which weights. Written into a matrix $A$ with a row for each bin and a column for each pixel, RoIAlign is
#
# $$\text{out} = A \cdot \text{pixels}, \qquad \frac{\partial L}{\partial\, \text{pixels}} = A^{\mathsf T} \cdot \frac{\partial L}{\partial\, \text{out}},$$
#
# where `pixels` is a table with a row for each pixel and a column for each channel. The gradient is the same operation with the roles swapped: where the forward *reads* pixel $j$ with weight $A_{ij}$, the backward *adds* to it with weight $A_{ij}$.

# %%
generator = torch.Generator().manual_seed(6)
pixels = torch.randn(48, 3, generator=generator)  # 6 × 8 pixels of 3 channels
roi = torch.tensor([[0.0, 1.75, 1.25, 5.75, 5.25]])  # in feature pixels
x1, y1, w, h = feature_box(roi, 1.0, aligned=True)
(i,), (wy,) = axis_taps(y1, h, 2, sampling_ratio=2, length=6)  # (2 bins, 4 taps) each
(j,), (wx,) = axis_taps(x1, w, 2, sampling_ratio=2, length=8)
A = torch.zeros(2, 2, 48)
for p, q in ((0, 0), (0, 1), (1, 0), (1, 1)):
    index = (i[p][:, None] * 8 + j[q]).flatten()
    A[p, q].index_add_(0, index, (wy[p][:, None] * wx[q]).flatten())
A = A.view(4, 48)

features = pixels.T.view(1, 3, 6, 8).clone().requires_grad_()
out = roi_align(features, roi, 2, 1.0, 2, True)
(gradient,) = torch.autograd.grad(out, features, torch.ones_like(out))
assert torch.allclose(A @ pixels, out[0].flatten(1).T, atol=1e-6)
assert torch.allclose(A.T @ torch.ones(4, 3), gradient[0].flatten(1).T, atol=1e-6)
fig, ax = figure(width=860, height=150)
ax.imshow(A.numpy(), cmap="Blues", aspect="auto")
ax.set(title="A: each row is a bag of pixels", yticks=range(4))
ax.set(xlabel="pixel, 8 · row + column", ylabel="bin")
alt = "A matrix of 4 rows and 48 columns, nearly empty: three groups of three columns in each row."
facts = f"{(A != 0).sum()} of {A.numel()} weights are not zero; sums {A.sum(1).tolist()}"
show(fig, alt=alt, facts=facts)

# %% [markdown]
# Nobody stores the zeros. Averaging a few rows of a table is what a language model does with word vectors, an **embedding bag**, and PyTorch has a fast, threaded `embedding_bag` for it. In `minseg/roi/bag.py` it serves both directions: the forward with the taps grouped by bin, the gradient with the same taps grouped by pixel, so that every number of the gradient is written once, by one thread.
#
# What is it worth? The obvious way in PyTorch is to *gather*: read the surface at all sampling points with `bilinear_sample`, then average. It writes four copies of every reading to memory before anything is added up, and its gradient scatters all of them back one at a time.


# %%
def by_gathering(features, rois, bins, n):
    """RoIAlign of one image: all points first, then their averages."""
    x1, y1, w, h = feature_box(rois, 1.0, aligned=True)
    t = (torch.arange(bins * n) + 0.5) / (bins * n)
    x, y = x1[:, None] + w[:, None] * t, y1[:, None] + h[:, None] * t  # (K, bins · n)
    x, y = torch.broadcast_tensors(x[:, None, :], y[:, :, None])
    read = bilinear_sample(features[0], x.flatten(), y.flatten())  # (C, K · (bins · n)²)
    return F.avg_pool2d(read.view(-1, *x.shape), n).transpose(0, 1)


maps = torch.randn(1, 64, 50, 76, generator=generator).requires_grad_()
corner, size = torch.rand(2, 64, 2, generator=generator)
corner = corner * torch.tensor([50.0, 25.0])
rois = torch.cat([torch.zeros(64, 1), corner, corner + 5 + 20 * size], dim=1)
same = by_gathering(maps, rois, 7, 2) - roi_align(maps, rois, 7, 1.0, 2, True)
assert same.abs().max() < 1e-4


# %% tags=["nbval-ignore-output"]
def seconds(operator, *case):
    """The best of three, forward and backward."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        operator(*case).sum().backward()
        best = min(best, time.perf_counter() - start)
    return best


gathered = seconds(by_gathering, maps, rois, 7, 2)
bagged = seconds(roi_align, maps, rois, 7, 1.0, 2, True)
print(f"gather {1e3 * gathered:.0f} ms, bag {1e3 * bagged:.0f} ms: {gathered / bagged:.0f} times")
assert gathered > 2 * bagged

# %% [markdown]
# A loop in C++ avoids the copies, and is still slower than the bag: torchvision's takes one channel after the other, looks up its weights anew for each, and uses one thread. The bag goes through all channels of a pixel in a row, several with each instruction. `benchmarks/roi_align_cpu.py` races the two on your machine; `docs/measured.md` has a table of such a race, with its machine and date.
#
# ## A program, its lanes, and a mask
#
# A GPU runs thousands of **programs** at a time, all with the same code, the **kernel**. Each asks which one it is, `tl.program_id(0)`, and takes its share of the work. Within a program a value is a whole block of numbers, one for each **lane**, and all lanes do the same. Memory is reached through **pointers**: `x + i` is the address of number `i` of tensor `x`, and if `i` is a block, so is the address.
#
# Blocks have as many lanes as a power of two. Data does not. So loads and stores take a **mask**: lanes where it is false touch no memory.


# %%
@triton.jit
def double(x, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)  # my block of places
    inside = i < n
    tl.store(out + i, 2 * tl.load(x + i, mask=inside), mask=inside)


# %%
five, doubled = torch.arange(5.0), torch.zeros(5)
trace = launch(double, (2,), five, doubled, 5, BLOCK=4)  # a grid of two programs
print(doubled.tolist())
for access in trace.accesses:
    print("program", access.program[0], access.kind, access.element[access.active].tolist())

# %% [markdown]
# `launch` is the package's: it runs `double[(2,)](five, doubled, 5, BLOCK=4)`, which is how a kernel is launched in Triton, and writes down every address: it returns a **trace**. Program 1 has places 4, 5, 6 and 7 in its block, and its mask let only place 4 through. `BLOCK: tl.constexpr` is a number known when the kernel is compiled.
#
# **Exercise: add.** The body is yours; `check` launches it with blocks of 8 on vectors of 13, 17, 8 and 1 numbers. It looks at the result, at what is touched *outside* the tensors, and at how many numbers are loaded and stored. `hint("06.add")` helps.


# %%
@triton.jit
def my_add(a, b, out, n, BLOCK: tl.constexpr):
    """out[i] = a[i] + b[i] for all i < n; each program does BLOCK of them."""
    ...


check("06.add", my_add)

# %% [markdown]
# Without a mask the interpreter would read and write memory that belongs to somebody else, as a GPU would. `check` keeps your tensors in wider buffers, counts what falls beside them, and stops anything wilder, so try what you like.
#
# ## Lanes are channels
#
# RoIAlign is a sum of *rows of a table*, so what a program must do well is read a row. One program a row, one lane a channel. C channels need at least C lanes, so `LANES` is the smallest power of two that is not less than C.
#
# **Exercise: gather rows.** Program `r` copies row `index[r]` of a table (rows, C). In memory a row is C numbers, one row after another. `tl.load(index + r)`, a pointer without a block, loads one number for all lanes together.


# %%
@triton.jit
def my_gather(table, index, out, C, LANES: tl.constexpr):
    """out[r, c] = table[index[r], c] for the row r of this program and all c < C."""
    ...


check("06.gather", my_gather)

# %% [markdown]
# Why lanes as channels? Memory does not deliver single numbers. An NVIDIA GPU moves **sectors** of 32 bytes, 8 float32 numbers side by side, whether you wanted one of them or all. PyTorch's usual layout NCHW keeps each channel as a plane: the 64 numbers of one pixel lie far apart. In **channels-last** memory format they lie side by side.
#
# **Predict.** One pixel, 64 channels. How many times as many sectors does the GPU move from planes as from channels-last?

# %%
guess("06.1", None)


# %%
@triton.jit
def read_pixel(x, out, first, step, C: tl.constexpr):
    c = tl.arange(0, C)
    tl.store(out + c, tl.load(x + first + c * step))


def sectors(first, step):
    trace = launch(read_pixel, (1,), torch.zeros(64 * 48), torch.zeros(64), first, step, C=64)
    return len((trace.elements("load", "x") * 4 // 32).unique())


planes, side_by_side = sectors(first=20, step=48), sectors(first=20 * 64, step=1)
print(f"pixel 20 of 6 × 8: {planes} sectors from planes, {side_by_side} from channels-last")
reveal("06.1", planes / side_by_side, "times")

# %% [markdown]
# That is the first half of a fast RoIAlign. If neighbouring lanes read neighbouring *bins* of one plane instead, as torchvision's kernel does, some sectors serve two lanes, but most of what arrives is thrown away. Callers who keep planes pay for one transposition of the map, which then serves every box.
#
# ## One sample
#
# **Exercise: read between pixels**, lesson 05's formula with all channels at once. `pixels` is (H, W, C), channels-last; program `i` reads at index coordinates (`x[i]`, `y[i]`), with points outside held to the border. `tl.minimum(a, b)` and `tl.maximum(a, b)` give the smaller and the larger, lane by lane. A place in memory must be a whole number: `x.to(tl.int32)` cuts the fraction off, which is the floor of a number that is not negative. The four loads do not depend on one another: a GPU has them all under way at the same time, which hides much of the wait for memory.


# %%
@triton.jit
def my_sample(pixels, x, y, out, H, W, C, LANES: tl.constexpr):
    """out[i, c] = the map at (x[i], y[i]), for the point i of this program and all c < C."""
    ...


check("06.sample", my_sample)

# %% [markdown]
# ## One bin, and the RoI
#
# From here on the package helps. `axis_sample` does the arithmetic of one axis: where sample `s` of bin `p` lies (`sample_position`, with lesson 05's border rules), which two pixels it falls between, and their weights. The share $1/n$ of the average is in the weights. `start`, `bin` and the rest may be numbers or blocks; `tl.where` chooses lane by lane, and `L` is the map's length on this axis.

# %%
show_source(sample_position)
show_source(axis_sample)
show_source(box_edges, docstring=False)

# %% [markdown]
# `box_edges` reads a RoI and cuts it into bins, for the last exercise; `tl.div_rn` divides and rounds as a CPU does, where a GPU's plain `/` may be off in the last place.
#
# A bin's average needs a loop and a running total. `tl.zeros` makes a block of zeros, and `tl.static_range(S)` counts to S, known when the kernel is compiled: the body is written out S times. One program adds up a column of rows:


# %%
@triton.jit
def add_rows(table, out, S: tl.constexpr, LANES: tl.constexpr):
    total, c = tl.zeros([LANES], tl.float32), tl.arange(0, LANES)
    for s in tl.static_range(S):
        total += tl.load(table + s * LANES + c)
    tl.store(out + c, total)


total = torch.zeros(4)
launch(add_rows, (1,), torch.arange(12.0), total, S=3, LANES=4)
print(total.tolist())

# %% [markdown]
# **Exercise: one bin.** A row of `bins` is (y, height, x, width) in index coordinates. Program `i` averages S × S samples of bin `i`. Each row is a single bin: pass p = 0 on both axes.


# %%
@triton.jit
def my_bin(pixels, bins, out, H, W, C, S: tl.constexpr, LANES: tl.constexpr):
    """out[i, c] = the average over bin i, of map (H, W, C)."""
    ...


check("06.bin", my_bin)

# %% [markdown]
# Now all of it. One program makes one *row* of bins of one RoI, which is a block with two axes, bins × channels. The y side of its samples is a number, shared by the row, and the x side is a block with an entry for each bin. `x[:, None]` and `c[None, :]` put them on their axes, as in NumPy. Seven bins take eight lanes, so bins need a mask too.
#
# **Exercise: RoIAlign.** `box_edges(rois, k, scale, PH, PW, True)` gives a RoI's image `n`, its y start, bin height, x start and bin width; `pixels` is (N, H, W, C) and `out` (K, PH, PW, C). Program number $k \cdot PH + p$ makes row $p$ of RoI $k$.


# %%
@triton.jit
def my_roi(
    pixels, rois, out, scale, H, W, C,
    PH: tl.constexpr, PW: tl.constexpr, S: tl.constexpr, BINS: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip
    """out[k, p, q, c] for all q < PW and c < C; BINS and LANES are powers of two."""
    ...


check("06.roi", my_roi)

# %% [markdown]
# ## The package's kernel
#
# It is the same kernel, with the four taps of a sample in a function of their own. What to do with a pixel is handed in: the forward's tap reads and adds up, the backward's adds to the pixel. So the walk over all samples, with its weights and borders, is written once for both.

# %%
show_source(add_pixel)
show_source(tap_four)
show_source(walk_samples)

# %% [markdown]
# The first branch is your two loops. The second, `S = 0`, is for sampling that adapts: a large bin takes more samples than a small one, so the loops' ends are known only as they run. Now the kernel itself. `pick` chooses a level's entry of a tuple, and `do_not_specialize` keeps Triton from compiling once more for a batch of 1 or of a multiple of 16 images.

# %%
show_source(roi_align_forward)

# %% [markdown]
# What it does beyond your kernel, from top to bottom:
#
# - **Levels.** `features` is a *tuple* of maps, a feature pyramid. Each program picks the level of its RoI, so one launch serves all.
# - **Channel blocks.** With many channels a row is shared among several programs; `program_id(1)` says which block is mine.
# - **Any RoI.** `ALIGNED` may be false. A RoI of an image or level that does not exist gives NaN, and reads no memory of others.
# - **Large batches.** Offsets of images and RoIs are 64-bit numbers, since a batch may have more than $2^{31}$ values.
# - **Skipped loads.** `add_pixel` masks out what weighs 0.
# - **Half precision.** Such maps are summed in float32 all the same.
# - **Either layout.** Strides of `out` come as arguments.
#
# `roi_align` uses it for tensors on a GPU, and on request in the interpreter:

# %%
some = maps.detach()[:, :5, :20, :20].contiguous(memory_format=torch.channels_last)
few = torch.tensor([[0, 2.2, 1.4, 9.1, 8.8], [0, 7.5, 3.1, 19.5, 25.0]])
by_triton = roi_align(some, few, 3, 1.0, 2, True, backend="triton")
assert torch.allclose(by_triton, roi_align(some, few, 3, 1.0, 2, True), atol=1e-5)
print(tuple(by_triton.shape), "from", len(few) * 3, "programs")

# %% [markdown]
# ## See it work
#
# The map below has 64 channels a pixel. Three RoIs are cut into 3 × 3 bins, so there are nine programs. Orange is what the chosen program reads; the numbers say how often. All of it was written down while the real kernel ran.

# %%
KernelView(program=4)

# %% [markdown]
# Things to try:
#
# 1. **Click program 3, then 4, then 5**: the rows of RoI 1. Program number = 3 · RoI + row. Neighbours read some of the same pixels, and neither knows of the other.
# 2. **Back to program 4: pull the load slider** from 1 to 16. A load is one instruction and reads one pixel for *each* bin, 3 × 64 numbers at once. Four loads make a sample, four samples a bin.
# 3. **Drag RoI 1 about.** Its programs read other pixels, and never more than 16 loads. **Shrink it** (lower right corner) to one or two pixels: the loads pile up on the same few pixels. What is asked for stays, what is distinct shrinks.
# 4. **Samples 1 × 1**: a quarter of the loads. Compare the last two lines of the table.
# 5. **Click program 8: 12 loads.** RoI 2 lies in the corner, and the last samples of its last row are clamped: loads whose weight is 0 are masked out and move nothing. So with program 5, where a line of samples falls right on a row of pixels.
#
# The last line (in the still picture, the last bar) is the **floor**: each pixel that any RoI touches is read once, and each output written once. No kernel can move less. What is asked for above that comes, with luck, from the GPU's caches.
#
# ## The gradient: atomics, and chance
#
# Turn the arrows round: each program takes its row of the output's gradient and *adds* it, weighted, to the pixels that the forward read. RoIs overlap, so two programs may add to one number at the same moment. Read, add, write back: if both read before either writes, one addition is lost. A GPU therefore has **atomic** additions, which cannot be interrupted.
#
# They cost something else. Which program comes first is chance, and float32 addition depends on the order: $(10^8 + 1) - 10^8$ is 0, since $10^8 + 1$ rounds to $10^8$, while $(10^8 - 10^8) + 1$ is 1. The interpreter runs programs always in the same order, but `shuffled` draws another.
#
# **Predict.** Six RoIs overlap on a map of 8 × 16 pixels with 8 channels, 1,024 numbers. The gradient is computed twice, with programs in two orders. How many of the numbers differ, be it in a single bit?

# %%
guess("06.2", None)

# %%
corner = torch.rand(6, 2, generator=generator) * torch.tensor([8.0, 2.0])
boxes = torch.cat([torch.zeros(6, 1), corner, corner + 6], dim=1)
upstream = torch.randn(6, 8, 3, 3, generator=generator)


def gradient_in_order(seed, deterministic):
    features = torch.zeros(1, 8, 8, 16, requires_grad=True)
    with shuffled(seed):
        out = roi_align(
            features, boxes, 3, 1.0, 2, True, backend="triton", deterministic=deterministic
        )
        return torch.autograd.grad(out, features, upstream)[0]


first, second = (gradient_in_order(seed, deterministic=False) for seed in (1, 2))
reveal("06.2", (first != second).sum(), "numbers")
assert 0 < (first - second).abs().max() < 1e-5

# %% [markdown]
# The differences are tiny, and yet the same seed no longer gives the same bits: each step of a training starts from the differences of the step before, and whoever looks for a bug cannot repeat the run that showed it. So the package has a second backward. It swaps the roles: a program owns a *tile* of 8 × 8 pixels, goes through the RoIs that touch it, always in the same order, and gathers what they owe it. Each number of the gradient is stored once, nothing is added to memory, and no zeros need to be written beforehand. On the CPU, the bag grouped by pixel is the same idea.

# %%
fixed = [gradient_in_order(seed, deterministic=True) for seed in (1, 2)]
print("same bits in both orders:", torch.equal(*fixed))
tiled = torch.empty(1, 8, 16, 8)  # (N, H, W, C)
with watch({"gradient": tiled}) as trace:
    level = torch.zeros(6, dtype=torch.int32)
    backward_tiles(upstream, boxes, level, [tiled], Sampling((1.0,), 2, True))
stored = trace.elements("store", "gradient").bincount(minlength=tiled.numel())
print("stores of each number:", stored.unique().tolist(), "atomic additions:", trace.count("add"))
assert torch.equal(*fixed) and torch.allclose(fixed[0], first, atol=1e-5)

# %% [markdown]
# ## What the interpreter cannot show
#
# It shows whether the arithmetic is right, and which addresses are touched. It has no race, since programs never meet; no speed worth the name; no caches, no sectors, no end of the room in which a program keeps its blocks; and its half-precision rounding is its own. This kernel forgets to be atomic. The interpreter finds nothing wrong with it:


# %%
@triton.jit
def careless_count(counts, label):
    mine = counts + tl.load(label + tl.program_id(0))
    tl.store(mine, tl.load(mine) + 1)  # read, add, write back: not atomic


counts, label = torch.zeros(3), torch.tensor([0, 2, 2, 1, 2, 0])
stored = launch(careless_count, (6,), counts, label).elements("store", "counts")
print("counts", counts.int().tolist(), "- right, here. Stores of each:", stored.bincount().tolist())

# %% [markdown]
# The trace gives it away: several programs store to one address, and none of them is atomic. That is what a test without a GPU can look for, and the package's tests do. They also compile every kernel for three GPU generations without having one, and read in the machine code that loads are 16 bytes wide.
#
# ## How fast could it be?
#
# A kernel must move bytes and do arithmetic, and a GPU can do so much of each a second. Whichever takes longer is a **floor** under its time. Drawn over the *intensity*, operations for each byte, the two limits make a roof, the **roofline**, and the place where slope and plateau meet is its **ridge** (Williams, Waterman and Patterson, 2009). NVIDIA's data sheet of the H200 (2024) gives 4.8 TB/s and 67 TFLOP/s in float32. These are peaks, so what follows from them is a floor from a data sheet, not a time that anything was seen to take.
#
# **Predict.** A map of 2 × 256 × 200 × 304 float32 numbers, 1,000 RoIs, 7 × 7 bins with 2 × 2 points. Each pixel is read once and each output written once. How many microseconds, at least, on that GPU?

# %%
guess("06.3", None)

# %%
bandwidth, arithmetic = 4.8e12, 67e12  # bytes and operations a second: data sheet, not measured
outputs = 1000 * 7 * 7 * 256
least = 4 * (2 * 256 * 200 * 304 + outputs)  # bytes
operations = outputs * 16 * 2  # 16 taps, a product and a sum each
asked = 4 * outputs * (16 + 1)  # 16 loads and a store, from and to memory

intensity = torch.tensor([0.1, arithmetic / bandwidth, 1000])
fig, ax = figure(width=640, height=320)
ax.loglog(intensity, (intensity * bandwidth).clamp(max=arithmetic) / 1e12, color="black")
for name, moved, colour in (("floor", least, ALIGN_COLOUR), ("no cache", asked, POOL_COLOUR)):
    at = operations / moved
    ax.plot(at, at * bandwidth / 1e12, "o", color=colour)
    ax.annotate(name, (at, at * bandwidth / 1e12), (8, -12), textcoords="offset points")
ax.set_title("RoIAlign lies far left of the ridge: bytes are what counts")
ax.set(xlabel="operations a byte", ylabel="TFLOP/s at most")
alt = "A roof of slope and plateau; two points low on the slope, the floor right of no cache."
facts = f"{operations / least:.1f} operations a byte, at the ridge {arithmetic / bandwidth:.0f}; "
show(fig, alt=alt, facts=facts + f"all loads and stores: {asked / least:.1f} times the floor")
reveal("06.3", 1e6 * least / bandwidth, "µs", digits=2)

# %% [markdown]
# The point *no cache* is what it would be if every load went to memory. These are floors from a data sheet, not measurements: what any RoIAlign must take at least. Arithmetic needs 6 µs of them and does not matter; whoever wants it faster must move fewer bytes: maps in half precision, whole sectors put to use, and repeated reads answered by caches.
#
# **GPU figures: not measured yet.** `benchmarks/roi_align_gpu.py` measures the kernels on a CUDA GPU beside torchvision's, with their share of this floor. No number is shown here until it has run.
#
# ## RoIAlign four ways
#
# The loop and the bag of lesson 05, the two Triton backwards, and a peer. The peer is torchvision 0.21.0, its C++ operator on the CPU: one channel of one RoI of a recorded case, 7 × 7 bins, two points a bin and axis, `aligned=False`, forward and gradient. The RoI is half a pixel wide and a quarter high, and the old convention takes at least one each way (`box_edges`). We keep the nine pixels that it touches.


# %%
def numbers(table):
    """A tensor from lines of numbers."""
    return torch.tensor([[float(word) for word in line.split()] for line in table.splitlines()])


their_roi = torch.tensor([[0.0, 0.25, 0.5, 0.75, 0.75]])
their_map = numbers("""\
  2.56250 -3.84375  2.37500
  2.56250 -2.37500 -2.09375
 -2.71875 -3.75000  2.46875""")
their_out = numbers("""\
 0.773118 -0.022162 -0.817444 -1.612724 -2.408004 -2.903539 -2.499840
 0.840561  0.075255 -0.690052 -1.455358 -2.220664 -2.724011 -2.441486
 0.908003  0.172672 -0.562660 -1.297992 -2.033323 -2.544483 -2.383131
 0.895129  0.195990 -0.503150 -1.202288 -1.901427 -2.408163 -2.337691
 0.400350 -0.225287 -0.850926 -1.476563 -2.102201 -2.531091 -2.369739
-0.174746 -0.720664 -1.266583 -1.812501 -2.358419 -2.697226 -2.414701
-0.749841 -1.216040 -1.682240 -2.148438 -2.614637 -2.863361 -2.459662""")

# %%
# the gradient of the output, and what the peer made of it: the gradient of the map
handed_back = numbers("""\
  0.84375  0.90625  0.96875  1.50000 -1.56250  1.37500  1.90625
 -0.56250  1.37500  0.25000 -0.81250  0.84375 -0.84375 -1.43750
 -0.15625 -0.68750 -2.00000  1.84375 -0.40625  0.25000  0.28125
 -0.46875  0.00000 -1.96875 -1.28125  1.46875  1.09375 -0.31250
 -0.18750  0.31250 -0.12500  1.71875  1.28125  1.12500 -0.87500
 -1.25000  1.37500  0.09375  0.62500 -1.56250 -1.09375 -2.00000
 -1.65625  0.84375  1.25000 -0.09375 -0.28125  1.21875 -1.81250""")
their_gradient = numbers("""\
 0.659997  1.301000  0.093132
-0.465083  1.092674 -0.490314
-0.067682 -0.561085 -0.250140""")

# %%
ways = {
    "loop": (roi_align_loop, {}),
    "bag": (roi_align, {"backend": "torch"}),
    "Triton, atomics": (roi_align, {"backend": "triton"}),
    "Triton, tiles": (roi_align, {"backend": "triton", "deterministic": True}),
}
print(f"{'from the peer':16} {'output':>10} {'gradient':>10}")
for name, (operator, options) in ways.items():
    features = their_map[None, None].clone().requires_grad_()
    out = operator(features, their_roi, 7, 1.0, 2, False, **options)
    (gradient,) = torch.autograd.grad(out, features, handed_back[None, None])
    off = [(a - b).abs().max() for a, b in ((out, their_out), (gradient, their_gradient))]
    print(f"{name:16}", *(f"{'< 1e-5' if v < 1e-5 else 'MORE':>10}" for v in off))
    assert max(off) < 1e-5

# %% [markdown]
# The recorded numbers have six decimals. At full precision, and on boxes that are wild, inverted, empty or outside, the package's tests compare them all.
#
# ## The notes say: masks in parallel
#
# The same thought, many small operations made one large one, serves masks too. To find duplicates one needs the IoU of every mask with every other. A loop visits all pairs. Flatten the masks to rows of zeros and ones, and all intersections at once are one matrix product.

# %%
masks = torch.rand(60, 96, 128, generator=generator) < torch.rand(60, 1, 1, generator=generator)


def iou_by_loop(masks):
    rows = [[(a & b).sum() / (a | b).sum() for b in masks] for a in masks]
    return torch.tensor(rows)


def iou_by_matmul(masks):
    flat = masks.flatten(1).float()
    both, area = flat @ flat.T, flat.sum(dim=1)
    return both / (area[:, None] + area - both)


took = {}
for way in (iou_by_loop, iou_by_matmul, iou_by_matmul):  # the first product warms up
    start = time.perf_counter()
    took[way] = (way(masks), time.perf_counter() - start)
(by_loop, slow), (by_matmul, quick) = took[iou_by_loop], took[iou_by_matmul]
claim(
    "C130",
    measured="60 masks of 96 × 128, all 3,600 pairs: one product gives the loop's IoU, the same "
    "to the last bit, in less than a third of its time.",
    supports=torch.equal(by_loop, by_matmul) and quick < slow / 3,
)

# %% [markdown]
# ## Recap
#
# You can now
#
# 1. **write RoIAlign as a matrix of bags**, mostly zeros, and the gradient as its transpose: the same taps, grouped by pixel;
# 2. **write a kernel**: which program am I, which lanes are mine, which of them exist; the mask belongs to loads and stores alike;
# 3. **follow the package's**: one program a row of a RoI, lanes are channels, 16 loads that wait for nobody, one store;
# 4. **explain chance**: atomic additions arrive in any order, and float32 sums depend on it; tiles that gather in a fixed order give the same bits;
# 5. **compute a floor** from bytes, and mistrust an interpreter about races and speed.
#
# Your predictions beside what was measured, and your exercises:

# %%
progress("06")

# %% [markdown]
# **Reading on.** Tillet, Kung and Cox, *Triton: an intermediate language and compiler for tiled neural network computations*, 2019, for the idea of programs on blocks. Williams, Waterman and Patterson, *Roofline: an insightful visual performance model*, 2009. Lin et al., *Feature Pyramid Networks*, 2017, section 4.2, for the levels that one launch serves. In the package: `kernels/minseg_kernels`, whose first file gives a reading order, and `minseg/kernel_trace.py`, which wrote the traces of this lesson.
#
# > **When it does not work**
# >
# > - *`No module named 'triton'`*: it exists for Linux, and comes with PyTorch's CUDA build; else `python -m pip install triton`. On macOS and Windows read the stored outputs.
# > - *"Triton was imported before TRITON_INTERPRET=1 was set"*: restart the kernel and run from the first cell.
# > - *`check` says "touched outside"*: a mask is missing, or a pointer counts in the wrong unit. A pointer moves by numbers: a pixel is C of them, a row of the map W · C.
# > - *A result is nan*: you used lanes that a mask had switched off, or stored nothing there. Masked lanes load anything, unless `other=0.0` says what.
# > - *"arange's arguments must be of type tl.constexpr"*, or *"a power of 2"*: lanes come from `tl.arange(0, LANES)`, never from C, and the mask `c < C` does the rest. Keep the stubs' heads as they are.
# > - *"invalid operands of type pointer<fp32> …"*: a place in memory was computed as a fraction, by `tl.floor` for example. Cast it: `.to(tl.int32)`.
