from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from dgsearch.methods.averaging import Averaging, averaged_range

VALUES = {
    "averaging_start_patience": 3,
    "averaging_end_patience": 6,
    "averaging_tolerance": 1.3,
}
FALLING = [9.0, 5.0, 3.0]
TOLERABLE = [*FALLING, 1.0, 1.1, 1.2, 1.05, 1.1, 1.2, 1.15]
RISING = [*FALLING, 1.0, 1.1, 1.2, 1.05, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]


def _range(losses: Sequence[float], **changes: float) -> tuple[int, int | None] | None:
    values = {"start_patience": 3, "end_patience": 2, "tolerance": 1.5, **changes}
    return averaged_range(losses, **values)  # type: ignore[arg-type]


def test_there_is_no_start_while_the_loss_falls() -> None:
    assert _range([5.0, 4.0, 3.0, 2.0, 1.0]) is None


def test_it_starts_at_the_first_loss_that_is_the_lowest_of_so_many() -> None:
    assert _range([5.0, 2.0, 3.0]) is None  # two losses follow 5, and one is lower
    assert _range([5.0, 2.0, 3.0, 2.5]) == (1, None)
    assert _range([2.0, 2.0, 2.0]) == (0, None)  # an equal loss is no lower one


def test_it_ends_before_losses_that_are_all_above_the_limit() -> None:
    # the limit is 1.5 * (2 + 3 + 2.5) / 3 = 3.75
    start = [5.0, 2.0, 3.0, 2.5]
    assert _range([*start, 3.8]) == (1, None)
    assert _range([*start, 3.8, 3.7]) == (1, None)
    assert _range([*start, 3.8, 3.8]) == (1, 3)
    assert _range([*start, 3.0, 3.8, 3.8, 1.0]) == (1, 4)


def _trained(losses: Sequence[float], steps: int = 2) -> Averaging:
    """A weight that is moved to given points, `steps` of them before each loss."""
    network = nn.Linear(3, 1, bias=False)
    averaging = Averaging(network, VALUES)
    optimiser = torch.optim.SGD(network.parameters(), lr=1.0)
    points = _points(steps * len(losses))
    for epoch, loss in enumerate(losses):
        with averaging.collecting():
            for point in points[steps * epoch : steps * (epoch + 1)]:
                network.weight.grad = (network.weight - point).detach()
                optimiser.step()
        averaging.end_epoch(loss)
    return averaging


def _points(count: int) -> Tensor:
    rows = [[i**2 / 10, float((-1) ** i * i), float(7 * i % 11)] for i in range(count)]
    return torch.tensor(rows)


def test_the_mean_is_over_every_step_of_the_epochs_from_start_to_end() -> None:
    open_end, ended = _trained(TOLERABLE), _trained(RISING)
    assert open_end.epochs == (4, 10)
    assert ended.epochs == (4, 7)
    assert torch.allclose(open_end.weights()[0], _points(20)[6:20].mean(dim=0))
    assert torch.allclose(ended.weights()[0], _points(28)[6:14].mean(dim=0))


@pytest.mark.parametrize(
    ("losses", "expected"),
    [(TOLERABLE, [17.25, -0.5, 5.0]), (RISING, [9.55, -0.5, 4.625])],
    ids=["open", "ended"],
)
def test_it_agrees_with_the_released_code(losses: list[float], expected: list[float]) -> None:
    """`LossValley` of khanrc/swad at 252190e, with its defaults, on the same weights and losses.

    It was run once outside this repository.
    """
    assert _trained(losses).weights()[0][0].tolist() == pytest.approx(expected, rel=1e-6)


def test_before_there_is_a_start_the_mean_is_over_the_latest_epoch() -> None:
    falling = _trained(FALLING)
    assert not falling.started
    assert falling.epochs == (3, 3)
    assert torch.allclose(falling.weights()[0], _points(6)[4:].mean(dim=0))


def test_steps_of_other_weights_do_not_count() -> None:
    network, other = nn.Linear(3, 1, bias=False), nn.Linear(1, 1)
    averaging = Averaging(network, VALUES)
    with averaging.collecting():
        torch.optim.SGD(other.parameters(), lr=1.0).step()
    before = network.weight.detach().clone()
    averaging.end_epoch(1.0)
    assert torch.equal(averaging.weights()[0], before)  # no step: the weights as they are


@pytest.mark.parametrize("losses", [FALLING, TOLERABLE, RISING])
def test_a_restored_mean_goes_on_to_the_last_bit(losses: list[float]) -> None:
    for done in range(1, len(losses)):
        averaging = _trained(losses[:done])
        resumed = Averaging(nn.Linear(3, 1, bias=False), VALUES)
        resumed.restore(averaging.state())
        for loss in losses[done:]:
            averaging.end_epoch(loss)
            resumed._epoch.add([averaging._parameters[0]])
            resumed.end_epoch(loss)
        assert torch.equal(averaging.weights()[0], resumed.weights()[0])
        assert averaging.epochs == resumed.epochs


def test_few_epochs_are_held_at_a_time() -> None:
    assert len(_trained([20.0 - i for i in range(15)])._pending) <= 2
    assert len(_trained([*FALLING, *[1.0] * 15])._pending) <= 6


def test_under_the_mean_batch_norms_hold_the_statistics_of_the_images() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1), nn.Dropout(0.5))
    weight = network[0].weight
    averaging = Averaging(network, VALUES)
    with torch.no_grad():
        weight.fill_(1.0)
        averaging.end_epoch(1.0)
        weight.fill_(5.0)
    before = {name: item.clone() for name, item in network.state_dict().items()}
    images = [torch.tensor([1.0, 3.0]).view(2, 1, 1, 1), torch.tensor([5.0, 9.0]).view(2, 1, 1, 1)]
    random = torch.get_rng_state()
    with averaging.applied(images):
        assert weight.item() == 1.0
        assert network[1].running_mean.item() == pytest.approx(4.5)  # of 2 and 7
        assert network[1].running_var.item() == pytest.approx(5.0)  # of 2 and 8, unbiased
        assert network.training
    assert all(torch.equal(item, before[name]) for name, item in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
