"""Balancing of losses: the closed forms of their optima, and what each rule promises."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.losses import (
    UncertaintyWeights,
    difficulty_weights,
    dynamic_weight_average,
    gradient_balance,
)

KINDS = {"box": "regression", "class": "classification"}


def settled(kinds, values, **options):
    """Weights learnt for losses that do not change."""
    balance = UncertaintyWeights(kinds, **options)
    optimiser = torch.optim.Adam(balance.parameters(), lr=0.05)
    for _ in range(800):
        optimiser.zero_grad()
        sum(balance(values).values()).backward()
        optimiser.step()
    return balance


@pytest.mark.slow
def test_the_optimum_has_its_closed_form():
    """e^s = L (regression) or 2L (classification), weighted losses ½, objective ½ Σ (1 + log …)."""
    values = {"box": torch.tensor(4.0), "class": torch.tensor(0.01)}
    balance = settled(KINDS, values)
    assert balance.log_variance.exp().tolist() == pytest.approx([4.0, 0.02], rel=1e-3)
    weights = balance.weights()
    assert weights["box"].item() == pytest.approx(0.125, rel=1e-3)
    assert weights["class"].item() == pytest.approx(50, rel=1e-3)
    objective = sum(balance(values).values()).item()
    assert objective == pytest.approx(0.5 * (2 + math.log(4.0) + math.log(0.02)), rel=1e-4)


@settings(deadline=None, max_examples=40)
@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.01, 100), st.floats(0.01, 100))
def test_weighted_losses_are_the_definition(s, t, box, kind):
    balance = UncertaintyWeights(KINDS)
    balance.log_variance.data = torch.tensor([s, t])
    losses = balance({"class": torch.tensor(kind), "box": torch.tensor(box)})  # any order
    assert losses["box"].item() == pytest.approx(box * math.exp(-s) / 2 + s / 2, rel=1e-5, abs=1e-5)
    assert losses["class"].item() == pytest.approx(kind * math.exp(-t) + t / 2, rel=1e-5, abs=1e-5)


def test_units_do_not_matter_at_the_optimum():
    """A loss in other units, 100 times as large: the gradient it sends back is the same."""
    pulls = []
    for unit in (1, 100):
        x = torch.tensor(3.0, requires_grad=True)
        balance = UncertaintyWeights({"box": "regression"})
        balance.log_variance.data = torch.tensor([9.0 * unit]).log()  # the optimum
        balance({"box": unit * x.square()})["box"].backward()
        pulls.append(x.grad.item())
    assert pulls[0] == pytest.approx(pulls[1], rel=1e-5)


def test_a_loss_of_zero_meets_the_bound_and_finds_back():
    balance = settled({"box": "regression"}, {"box": torch.tensor(0.0)}, largest=3.0)
    assert balance.weights()["box"].item() == pytest.approx(math.exp(3) / 2)
    s = balance.log_variance
    s.grad = None
    balance({"box": torch.tensor(5.0)})["box"].backward()
    assert s.item() == -3 and s.grad.item() < 0  # a step against the gradient raises s


def test_gradients_become_equal_and_keep_their_directions():
    shared = [torch.randn(3, 2, requires_grad=True), torch.randn(4, requires_grad=True)]
    losses = {
        "mask": shared[0].square().sum() + shared[1].sum(),
        "box": 1e-3 * (shared[0].sum() - shared[1].square().sum()),
        "class": 50 * shared[1].cos().sum(),  # reaches one of them
    }
    weights = gradient_balance(losses, shared, "mask")
    assert weights["mask"] == 1 and not any(w.requires_grad for w in weights.values())

    def pull(loss):
        parts = torch.autograd.grad(loss, shared, retain_graph=True, allow_unused=True)
        return (
            torch.cat([torch.zeros(6) if p is None else p.flatten() for p in parts]).norm().item()
        )

    norms = [pull(weights[name] * loss) for name, loss in losses.items()]
    assert norms == pytest.approx([pull(losses["mask"])] * 3, rel=1e-4)
    sum(weights[name] * losses[name] for name in losses).backward()  # the graphs are still there


def test_a_loss_that_does_not_pull_gets_no_infinite_weight():
    shared = torch.ones(2, requires_grad=True)
    other = torch.ones(1, requires_grad=True)
    losses = {"mask": shared.sum(), "apart": other.sum(), "flat": 0 * shared.sum()}
    weights = gradient_balance(losses, [shared], "mask", eps=0.1)
    expected = math.sqrt(2) / 0.1
    assert weights["apart"].item() == weights["flat"].item() == pytest.approx(expected)


def test_difficulty_lowers_the_weight_of_the_harder_task():
    """Against the sentence that often goes with it."""
    weights = difficulty_weights(torch.tensor([0.2, 2.0]))
    assert weights.tolist() == pytest.approx([0.8187, 0.1353], abs=1e-4)
    initial = torch.tensor([1.0, 3.0])
    assert torch.equal(difficulty_weights(torch.tensor([0.2, 2.0]), initial), initial * weights)


def test_average_raises_the_weight_of_the_task_that_stalls():
    """Closed form for two: 2 / (1 + e^{(r₂ − r₁)/T})."""
    last, before = torch.tensor([0.5, 3.0]), torch.tensor([1.0, 3.0])
    weights = dynamic_weight_average(last, before)
    assert weights[0].item() == pytest.approx(2 / (1 + math.exp((1 - 0.5) / 2)))
    assert weights[1] > 1 and weights.sum().item() == pytest.approx(2)
    assert torch.equal(dynamic_weight_average(last), torch.ones(2))
    even = dynamic_weight_average(last, before, temperature=1e6)
    torch.testing.assert_close(even, torch.ones(2))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: UncertaintyWeights({}), "kinds must say .* got {}"),
        (lambda: UncertaintyWeights({"box": "l1"}), "got {'box': 'l1'}"),
        (
            lambda: UncertaintyWeights(KINDS)({"box": torch.ones(())}),
            r"losses must be \['box', 'class'\], got \['box'\]",
        ),
        (lambda: gradient_balance({"a": torch.ones(())}, [], "b"), "primary must be one of"),
        (lambda: gradient_balance({"a": torch.ones(())}, [], "a"), "parameters must hold"),
        (lambda: difficulty_weights(torch.ones(2, 2)), r"ratio must be \(K,\), got \(2, 2\)"),
        (lambda: dynamic_weight_average(torch.ones(2, 2)), "must be vectors of one length"),
        (
            lambda: dynamic_weight_average(torch.ones(2), torch.ones(3)),
            "must be vectors of one length",
        ),
        (
            lambda: dynamic_weight_average(torch.ones(2), temperature=0),
            "temperature must be above 0, got 0",
        ),
        (
            lambda: dynamic_weight_average(torch.ones(2), torch.zeros(2)),
            r"losses above 0, got \[0.0, 0.0\]",
        ),
    ],
)
def test_says_what_it_needs(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_are_balanced_as_float32(dtype):
    """300² is beyond float16, and so is 6·10⁴ / ½."""

    def weights(dtype):
        shared = torch.tensor([1.0, 2.0], dtype=dtype, requires_grad=True)
        losses = {"a": 300 * shared.sum(), "b": shared.square().sum()}
        return gradient_balance(losses, [shared], "a")["b"]

    assert weights(dtype).item() == pytest.approx(weights(torch.float32).item(), rel=1e-6)
    last, before = torch.tensor([6e4, 1.0]).to(dtype), torch.tensor([0.5, 1.0]).to(dtype)
    wide = dynamic_weight_average(last.float(), before.float())
    assert torch.equal(dynamic_weight_average(last, before), wide)
