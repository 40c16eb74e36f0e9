"""Use minseg as it is installed, far from its sources: `python use_installed.py CLONE`.

`make test-wheel` copies this file out of the clone and runs it in an environment into which nothing
but the wheel was installed. What the wheel forgot, a style sheet or a model, is missing here.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import minseg

CLONE = Path(sys.argv[1]).resolve()
HERE = Path(minseg.__file__).parent


def files(folder: Path) -> set[str]:
    """What lies in a package, leaving out what Python itself writes there."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)) for path in found if "__pycache__" not in path.parts}


def nothing_is_missing_and_nothing_too_many() -> None:
    """Every file of the clone, and none of a build before it."""
    assert CLONE not in HERE.parents and Path(sys.prefix) in HERE.parents, HERE
    kernels = CLONE / "kernels" / "minseg_kernels"
    packages = {CLONE / "minseg": HERE, kernels: HERE.parent / "minseg_kernels"}
    for source, installed in packages.items():
        assert files(source) == files(installed), files(source) ^ files(installed)


def every_module_can_be_imported() -> None:
    """Those for Triton only where there is one."""
    triton = importlib.util.find_spec("triton") is not None
    for path in sorted(HERE.rglob("*.py")):
        name = ".".join(("minseg", *path.relative_to(HERE).with_suffix("").parts))
        if name.endswith("__main__") or (not triton and "triton" in path.read_text("utf-8")):
            continue
        importlib.import_module(name.removesuffix(".__init__"))


def operators_and_the_shipped_model_work() -> None:
    """The coins of a photograph, which comes with scikit-image."""
    import torch

    from minseg.data import coins_truth, photo
    from minseg.metrics import average_precision
    from minseg.models import load_coins
    from minseg.roi import roi_align

    boxes = [torch.tensor([[37.0, 12.5, 101.3, 80.0]])]
    assert roi_align(torch.rand(1, 64, 32, 32), boxes, 7, 1 / 16).shape == (1, 64, 7, 7)
    found = load_coins().predict(photo("coins")[None])
    assert average_precision(found, [coins_truth()]).ap50 > 0.9


def a_model_is_trained_and_found_again() -> None:
    """Two steps, a folder, and the model out of it."""
    import torch

    from minseg.data import SceneDataset
    from minseg.models import MaskRCNN
    from minseg.train import InMemory, load_model, train

    scenes = InMemory(SceneDataset("train", size=64, length=2))
    model = MaskRCNN(widths=(8, 16, 16, 24), channels=16, box_width=16, mask_width=16)
    with tempfile.TemporaryDirectory() as folder:
        train(model, scenes, steps=2, batch_size=2, out=folder)
        again = load_model(Path(folder) / "model.safetensors")
    pairs = zip(model.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def a_widget_has_its_page_and_its_still() -> None:
    """JavaScript and style are files of the package."""
    from minseg.explore import RoIExplorer

    widget = RoIExplorer()
    assert len(str(widget._esm)) > 1000 and len(str(widget._css)) > 100
    assert widget._repr_mimebundle_()[0]["image/png"]


def the_commands_answer() -> None:
    """As processes: `python -m minseg evaluate` of a truth against itself."""
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 3, 20, 10]}
    images = [{"id": 1, "height": 40, "width": 60}]
    truth = {
        "images": images,
        "annotations": [box | {"area": 200, "iscrowd": 0}],
        "categories": [{"id": 1, "name": "a"}],
    }
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder) / "truth.json", Path(folder) / "found.json"
        names[0].write_text(json.dumps(truth))
        names[1].write_text(json.dumps([box | {"score": 0.9}]))
        files = ["--truth", str(names[0]), "--predictions", str(names[1])]
        command = [sys.executable, "-m", "minseg", "evaluate", "--kind", "box", "--json", *files]
        ran = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        assert ran.returncode == 0, ran.stderr
        assert json.loads(ran.stdout)["all"]["ap"] == 1, ran.stdout


CHECKS = (
    nothing_is_missing_and_nothing_too_many,
    every_module_can_be_imported,
    operators_and_the_shipped_model_work,
    a_model_is_trained_and_found_again,
    a_widget_has_its_page_and_its_still,
    the_commands_answer,
)

if __name__ == "__main__":
    for check in CHECKS:
        check()
        print(check.__name__.replace("_", " "), flush=True)
    print(f"minseg {minseg.__version__} works where it was installed: {len(CHECKS)} passed")
