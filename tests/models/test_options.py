"""What a file says about its model: older files mean what they meant, absurd ones nothing."""

from collections.abc import Sequence
from typing import Literal

import pytest
import torch
from torch import nn

from minseg.models import MaskRCNN
from minseg.models.options import blueprint, checked_options, fits
from minseg.train import load_model, save_model
from minseg.train.checkpoint import load_checkpoint, save_checkpoint
from minseg.train.step import make_optimisers


class First(nn.Module):
    """A model as it was first published."""

    def __init__(self, *, width: int = 4) -> None:
        super().__init__()
        self.options = {"width": width}
        self.layer = nn.Linear(width, width)

    def forward(self, x):
        return self.layer(x)


class Later(First):
    """It has learnt to take a slope, which by default is not what it used to be."""

    before = {"slope": 1.0}  # noqa: RUF012

    def __init__(self, *, width: int = 4, slope: float = 0.1) -> None:
        super().__init__(width=width)
        self.options = {"width": width, "slope": slope}

    def forward(self, x):
        return nn.functional.leaky_relu(self.layer(x), self.options["slope"])


class Careless(Later):
    """Somebody has added an option and not said what older files mean."""

    before = {}  # noqa: RUF012


Later.__name__ = Careless.__name__ = "First"  # as its files call it


def test_an_older_file_makes_the_older_model(tmp_path):
    torch.manual_seed(0)
    old, x = First(width=3), torch.randn(5, 3)
    save_model(old, tmp_path / "old")
    again = load_model(tmp_path / "old", Later)
    assert again.options == {"width": 3, "slope": 1.0}
    assert torch.equal(again(x), old(x)) and not torch.equal(Later(width=3)(x), old(x))
    save_model(Later(width=3, slope=0.5), tmp_path / "new")
    assert load_model(tmp_path / "new", Later).options["slope"] == 0.5


def test_an_older_run_goes_on_with_the_older_model_only(tmp_path):
    old = First()
    save_checkpoint(tmp_path / "run", old, make_optimisers(old, 0.1), {"step": 1})
    as_it_was, otherwise = Later(slope=1.0), Later()
    assert load_checkpoint(tmp_path / "run", as_it_was, make_optimisers(as_it_was, 0.1))
    with pytest.raises(ValueError, match=r"made with slope=1.0, not 0.1"):
        load_checkpoint(tmp_path / "run", otherwise, make_optimisers(otherwise, 0.1))


def test_without_a_word_about_older_files_nothing_is_guessed(tmp_path):
    save_model(First(), tmp_path / "old")
    with pytest.raises(ValueError, match=r"option 'slope' is missing, and First\.before lacks it"):
        load_model(tmp_path / "old", Careless)


def test_a_newer_file_is_refused_by_its_unknown_option(tmp_path):
    save_model(Later(), tmp_path / "new")
    with pytest.raises(ValueError, match="has no option 'slope': the file is newer"):
        load_model(tmp_path / "new", First)
    with pytest.raises(ValueError, match=r"made with slope=0\.1, not without it"):
        save_checkpoint(tmp_path / "run", Later(), [], {"step": 1})
        load_checkpoint(tmp_path / "run", First(), [])


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (3, int, True),
        (True, int, False),
        (3.0, int, False),
        (3, float, True),
        ("3", float, False),
        (True, bool, True),
        (1, bool, False),
        (None, int | None, True),
        ([1, 2], int | Sequence[int], True),
        ([1, "2"], int | Sequence[int], False),
        ([1, 2], tuple[int, int], True),
        ([1], tuple[int, int], False),
        ([1, 2, 3], tuple[int, ...], True),
        ("align", Literal["align", "pool"], True),
        ("x", Literal["align", "pool"], False),
        ({"any": 1}, nn.Module, True),
    ],
)
def test_kinds(value, hint, expected):
    assert fits(value, hint) is expected


def test_every_option_of_a_model_fits_its_own_annotation():
    options = MaskRCNN(classes=3).options | {"proposals": [60, 100], "classes": [7, 10**12]}
    options = {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()}
    assert checked_options(MaskRCNN, options) == options


def test_a_blueprint_has_the_shapes_and_draws_no_lots():
    state = torch.get_rng_state()
    plan = blueprint(First, {"width": 10**6}, 2)  # 4 TB, if it were one
    assert {name: tuple(t.shape) for name, t in plan.items()} == {
        "layer.weight": (10**6, 10**6),
        "layer.bias": (10**6,),
    }
    assert torch.equal(torch.get_rng_state(), state)


def test_a_model_without_end_is_not_waited_for():
    class Endless(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(1, 1) for _ in iter(int, 1))

    with pytest.raises(ValueError, match="far more tensors than the 5 of the file"):
        blueprint(Endless, {}, 5)
