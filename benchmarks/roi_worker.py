"""One side of a race: times RoIAlign on request, in its own process.

Run by `roi_align_cpu.py` under two Pythons: the course's, where it times `minseg.roi.roi_align`,
and the system's, where it times `torchvision.ops.roi_align` (C++). Both build the same inputs from
NumPy's generator. It reads one JSON request a line and answers with one JSON line.
"""

import json
import resource
import sys
import time

import numpy as np
import torch

CASES = {  # name: feature shape, RoIs, their sides in feature px, output, sampling ratio
    "7×7": ((2, 256, 100, 152), 512, (10, 60), 7, 2),
    "14×14": ((2, 256, 100, 152), 512, (10, 60), 14, 2),
    "7×7 adaptive": ((2, 256, 100, 152), 512, (10, 60), 7, 0),
    "teaching 7×7": ((1, 64, 32, 32), 32, (4, 20), 7, 2),
}


def operator(name):
    if name == "minseg":
        from minseg.roi import roi_align
    else:
        from torchvision.ops import roi_align
    return roi_align


def inputs(case, channels_last, seed=0):
    shape, count, sides, output, ratio = CASES[case]
    rng = np.random.default_rng(seed)
    size = rng.uniform(*sides, (count, 2))
    corner = rng.uniform(0, 1, (count, 2)) * (np.array(shape[:1:-1]) - size)
    image = np.sort(rng.integers(0, shape[0], count))[:, None]
    rois = np.concatenate([image, corner, corner + size], 1).astype(np.float32)
    x = torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
    grad_shape = (count, shape[1], output, output)
    grad = torch.from_numpy(rng.standard_normal(grad_shape, dtype=np.float32))
    if channels_last:
        x = x.to(memory_format=torch.channels_last)
        grad = grad.to(memory_format=torch.channels_last)
    return x, torch.from_numpy(rois), grad, output, ratio


def run(roi_align, x, rois, grad, output, ratio):
    x = x.detach().requires_grad_()
    start = time.perf_counter()
    out = roi_align(x, rois, output, 1.0, ratio, True)
    middle = time.perf_counter()
    out.backward(grad)
    end = time.perf_counter()
    return middle - start, end - middle, out, x.grad


def forward_only(roi_align, x, rois, grad, output, ratio):
    with torch.no_grad():
        start = time.perf_counter()
        roi_align(x, rois, output, 1.0, ratio, True)
        return time.perf_counter() - start


def answer(roi_align, request, cache):
    key = request["case"], request["channels_last"]
    if key not in cache:
        cache[key] = inputs(*key)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    repeat = request.get("repeat", 1)
    times = [run(roi_align, *cache[key])[:2] for _ in range(repeat)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    forward, backward = min(times, key=sum)
    result = {"forward": forward, "backward": backward, "extra_mb": (peak - before) / 1024}
    result["forward_alone"] = min(forward_only(roi_align, *cache[key]) for _ in range(repeat))
    if request.get("check"):
        _, _, out, grad = run(roi_align, *cache[key])
        result["check"] = [out.double().abs().sum().item(), grad.double().abs().sum().item()]
    return result


def main():
    name, threads = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(threads)
    roi_align, cache = operator(name), {}
    version = torch.__version__
    if name == "torchvision":
        import torchvision

        version = f"{torchvision.__version__} on torch {version}"
    print(json.dumps({"version": version}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(roi_align, json.loads(line), cache)), flush=True)


if __name__ == "__main__":
    main()
