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
from minseg.roi import bilinear_sample, roi_align
from minseg.roi.align import axis_taps, feature_box, roi_align_loop
from minseg.trace import launch, shuffled, watch
from minseg_kernels.backward_tiles import backward_tiles
from minseg_kernels.forward import add_pixel, roi_align_forward
from minseg_kernels.geometry import axis_sample, box_edges
from minseg_kernels.launch import Sampling
from minseg_kernels.samples import tap_four

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

# %%
assert gathered > 2 * bagged

# %% [markdown]
# A loop in C++ avoids the copies, and is still slower than the bag: torchvision's takes one channel after the other, looks up its weights anew for each, and uses one thread. The bag handles all channels of a pixel at once, in the CPU's wide registers. `benchmarks/roi_align_cpu.py` races the two on your machine; README has a table of such a race, with its machine and date.
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

# %%
for access in trace.accesses:
    print("program", access.program[0], access.kind, access.element[access.active].tolist())

# %% [markdown]
# `launch` is the package's: it runs `double[(2,)](five, doubled, 5, BLOCK=4)`, which is how a kernel is launched in Triton, and takes notes of every address. Program 1 has places 4, 5, 6 and 7 in its block, and its mask let only place 4 through. `BLOCK: tl.constexpr` is a number known when the kernel is compiled.
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
# RoIAlign is a sum of *rows of a table*, so what a program must do well is read a row. One program a row, one lane a channel.
#
# **Exercise: gather rows.** Program `r` copies row `index[r]` of a table (rows, C). In memory a row is C numbers, one row after another.


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
# **Exercise: read between pixels**, lesson 05's formula with all channels at once. `pixels` is (H, W, C), channels-last; program `i` reads at index coordinates (`x[i]`, `y[i]`), with points outside held to the border. The four loads do not depend on one another: a GPU has them all under way at the same time, which hides much of the wait for memory.


# %%
@triton.jit
def my_sample(pixels, x, y, out, H, W, C, LANES: tl.constexpr):
    """out[i, c] = the map at (x[i], y[i]), for the point i of this program and all c < C."""
    ...


check("06.sample", my_sample)

# %% [markdown]
# ## One bin, and the RoI
#
# From here on the package helps. `axis_sample` does the arithmetic of one axis: where sample `s` of bin `p` lies, which two pixels it falls between, and their weights, with the border rules of lesson 05. The share $1/n$ of the average is in the weights. `start`, `bin` and the rest may be numbers or blocks.

# %%
show_source(axis_sample)
show_source(box_edges, docstring=False)

# %% [markdown]
# `box_edges` reads a RoI and cuts it into bins, for the last exercise.
#
# **Exercise: one bin.** A row of `bins` is (y, height, x, width) in index coordinates. Program `i` averages S × S samples of bin `i`; its number of the bin along each axis, `p`, is 0.


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
show_source(roi_align_forward)

# %% [markdown]
# Against your kernel it does four things more. `features` is a *tuple* of maps, a feature pyramid, and each program picks the level of its RoI, so one launch serves all levels. Strides of `out` come as arguments, so it fills either layout. Image offsets are 64-bit numbers, since a batch may have more than $2^{31}$ values. And half-precision maps are summed in float32. `roi_align` uses it for tensors on a GPU, and on request in the interpreter:

# %%
some = maps.detach()[:, :5, :20, :20].contiguous(memory_format=torch.channels_last)
few = torch.tensor([[0, 2.2, 1.4, 9.1, 8.8], [0, 7.5, 3.1, 19.5, 25.0]])
by_triton = roi_align(some, few, 3, 1.0, 2, True, backend="triton")
assert torch.allclose(by_triton, roi_align(some, few, 3, 1.0, 2, True), atol=1e-5)
print(tuple(by_triton.shape), "from", len(few) * 3, "programs")

# %% [markdown]
# ## See it work
#
# The map below has 64 channels a pixel. Three RoIs are cut into 3 × 3 bins, so there are nine programs. Orange is what the chosen program reads; the numbers say how often. All of it was noted down while the real kernel ran.

# %%
KernelView(program=4)

# %% [markdown]
# Things to try:
#
# 1. **Click program 3, then 4, then 5**: the rows of RoI 1. Program number = 3 · RoI + row. Neighbours read some of the same pixels, and neither knows of the other.
# 2. **Pull the load slider** from 1 to 16. A load is one instruction and reads one pixel for *each* bin, 3 × 64 numbers at once. Four loads make a sample, four samples a bin.
# 3. **Drag RoI 1 about.** Its programs read other pixels, and never more than 16 loads. **Shrink it** (lower right corner) to one or two pixels: the loads pile up on the same few pixels, and what is asked for grows far beyond what is distinct.
# 4. **Samples 1 × 1**: a quarter of the loads. Compare the last two lines of the table.
# 5. **Push RoI 2 into the corner.** Its last row is clamped: loads whose weight is 0 are masked out and move nothing.
#
# The table's last line is the **floor**: each pixel that any RoI touches is read once, and each output written once. No kernel can move less. What is asked for above that comes, with luck, from the GPU's caches.
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
# The differences are tiny, and yet two trainings with the same seed drift apart after some thousand steps, and a bug that shows in one run cannot be found in the next. So the package has a second backward. It swaps the roles: a program owns a *tile* of 8 × 8 pixels, goes through the RoIs that touch it, always in the same order, and gathers what they owe it. Each number of the gradient is stored once, nothing is added to memory, and no zeros need to be written beforehand. On the CPU, the bag grouped by pixel is the same idea.

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
# It is good for exactly one thing, whether the arithmetic is right. It has no race, since programs never meet; no speed worth the name; no registers that run out, no caches, no sectors, and its half-precision rounding is its own. This kernel forgets to be atomic. The interpreter finds nothing wrong with it:


# %%
@triton.jit
def careless_count(counts, label):
    mine = counts + tl.load(label + tl.program_id(0))
    tl.store(mine, tl.load(mine) + 1)  # read, add, write back: not atomic


counts, label = torch.zeros(3), torch.tensor([0, 2, 2, 1, 2, 0])
trace = launch(careless_count, (6,), counts, label)
writers = trace.elements("store", "counts").bincount().tolist()
print("counts", counts.int().tolist(), "- right, here. Programs that store each:", writers)

# %% [markdown]
# The notes give it away: several programs store to one address, and none of them is atomic. That is what a test without a GPU can look for, and the package's tests do. They also compile every kernel for three GPU generations without having one, and read in the machine code that loads are 16 bytes wide.
#
# ## How fast could it be?
#
# A kernel must move bytes and do arithmetic, and a GPU can do so much of each a second. Whichever takes longer is a **floor** under its time. Drawn over the *intensity*, operations for each byte, the two limits make a roof, the **roofline** (Williams, Waterman and Patterson, 2009). For one NVIDIA H200 the maker's data sheet (2024) gives 4.8 TB/s and 67 TFLOP/s in float32.
#
# **Predict.** A map of 2 × 256 × 200 × 304 float32 numbers, 1,000 RoIs, 7 × 7 bins with 2 × 2 points. Each pixel is read once and each output written once. How many microseconds, at least, on that GPU?

# %%
guess("06.3", None)

# %%
bandwidth, arithmetic = 4.8e12, 67e12  # bytes and operations a second: data sheet, not measured
outputs = 1000 * 7 * 7 * 256
least = 4 * (2 * 256 * 200 * 304 + outputs)  # bytes
operations = outputs * 16 * 2  # 16 taps, a product and a sum each
asked = 4 * outputs * 16

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
show(fig, alt=alt, facts=facts + f"all loads ask for {asked / least:.1f} times the floor")
reveal("06.3", 1e6 * least / bandwidth, "µs", digits=2)

# %% [markdown]
# The point *no cache* is what it would be if every load went to memory. These are floors from a data sheet, not measurements: what any RoIAlign must take at least. Arithmetic needs 6 µs of them and does not matter; whoever wants it faster must move fewer bytes: maps in half precision, whole sectors put to use, and repeated reads answered by caches.
#
# **GPU figures: not measured yet.** `benchmarks/roi_align_gpu.py` measures the kernels on a CUDA GPU beside torchvision's, with their share of this floor. No number is shown here until it has run.
#
# ## RoIAlign four ways
#
# The loop and the bag of lesson 05, the two Triton backwards, and a peer. The peer is torchvision 0.21.0, its C++ operator on the CPU: one channel of one RoI of a recorded case, 3 × 5 bins, stride 4, three points a bin and axis, `aligned=False`, forward and gradient. We keep the part of the map that the box touches.


# %%
def numbers(table):
    """A tensor from lines of numbers."""
    return torch.tensor([[float(word) for word in line.split()] for line in table.splitlines()])


their_map = numbers("""\
   2.59375  0.84375 -1.96875      1.5   1.0625  2.46875
  -0.71875   -2.625   0.4375   -3.375  0.65625  2.96875
  -0.59375   2.0625     1.25  3.40625   3.5625 -3.65625
    3.8125 -3.40625    3.625 -1.59375 -3.59375  3.21875
  -0.90625  0.78125  3.53125 -0.40625  1.46875 -1.03125
   -1.0625 -0.15625   3.1875 -1.09375 -3.21875  -1.5625
  -0.15625     1.75  -2.1875    -2.25 -2.71875        2
        -2    1.875   -1.625  -3.0625   0.8125 -3.53125
       1.5   1.6875 -3.53125  0.15625   -1.625  3.46875
  -1.53125   0.5625 -2.53125  0.71875 -2.09375  3.59375
      2.75 -3.84375     -1.5  2.65625  3.65625 -3.78125
        -3  1.09375  1.53125  -2.3125     -2.5   1.6875
  -3.03125  0.71875  0.09375     1.75  3.71875 -1.28125""")
their_roi = torch.tensor([[0.0, 0.640625, -2.265625, 18.875, 52.0]])

# %%
their_out = numbers("""\
   0.181417  0.270437  0.660665  0.250690  0.563830
   0.612973  0.258073 -0.926776 -1.433769 -1.059422
  -0.635447 -0.246282  0.006044  0.652934  0.576603""")
# the gradient of the output, and what the peer made of it: the gradient of the map
handed_back = numbers("""\
         0  0.09375  0.90625 -1.03125 -1.28125
  -1.65625 -1.71875   1.0625 -0.40625 -1.71875
  -1.28125  -1.5625   -1.125 -0.53125  0.84375""")
their_gradient = numbers("""\
          0  0.011994  0.151022 -0.078120 -0.344466 -0.095994
          0  0.007270  0.091541 -0.047352 -0.208795 -0.058186
          0  0.010252  0.129084 -0.066772 -0.294428 -0.082050
          0  0.011777  0.148280 -0.076702 -0.338211 -0.094251
  -0.061601 -0.174465  0.007375 -0.002002 -0.217613 -0.069906
  -0.150391 -0.433214 -0.073652  0.042526 -0.322212 -0.112405
  -0.166032 -0.478271 -0.081313  0.046949 -0.355724 -0.124096
  -0.104432 -0.300825 -0.051144  0.029530 -0.223744 -0.078055
  -0.153519 -0.442226 -0.075184  0.043410 -0.328914 -0.114744
  -0.126020 -0.391187 -0.372748 -0.211973  0.105611  0.059772
  -0.080787 -0.250775 -0.238954 -0.135888  0.067703  0.038318
  -0.121180 -0.376162 -0.358431 -0.203832  0.101555  0.057477
  -0.163993 -0.509062 -0.485067 -0.275846  0.137435  0.077783""")

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
    out = operator(features, their_roi, (3, 5), 1 / 4, 3, False, **options)
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
    "to the last bit, in less than a third of its time on a CPU with one thread.",
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
# **Reading on.** Tillet, Kung and Cox, *Triton: an intermediate language and compiler for tiled neural network computations*, 2019, for the idea of programs on blocks. Williams, Waterman and Patterson, *Roofline: an insightful visual performance model*, 2009. Lin et al., *Feature Pyramid Networks*, 2017, section 4.2, for the levels that one launch serves. In the package: `kernels/minseg_kernels`, whose first file gives a reading order, and `minseg/trace.py`, the notes that this lesson took.
#
# > **When it does not work**
# >
# > - *`No module named 'triton'`*: it exists for Linux, and comes with PyTorch's CUDA build; else `python -m pip install triton`. On macOS and Windows read the stored outputs.
# > - *"Triton was imported before TRITON_INTERPRET=1 was set"*: restart the kernel and run from the first cell.
# > - *`check` says "touched outside"*: a mask is missing, or a pointer counts in the wrong unit. A pointer moves by numbers: a pixel is C of them, a row of the map W · C.
# > - *A result is nan*: you used lanes that a mask had switched off, or stored nothing there. Masked lanes load anything, unless `other=0.0` says what.
# > - *An error speaks of `constexpr`*: block sizes and numbers of bins need `: tl.constexpr` in the kernel's head, as in the stubs.
