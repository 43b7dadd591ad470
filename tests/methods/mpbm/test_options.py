"""Each option of MPBM changes what it says, and nothing else."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dgsearch.errors import TrainingError
from dgsearch.methods.erm import ERM
from dgsearch.methods.mpbm.rounds import Alternation
from tests.methods.mpbm.tiny import one_round, tiny_context, tiny_network, tiny_split


def _weights(module: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in module.parameters()]


def _same(first: nn.Module, second: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(_weights(first), _weights(second), strict=True))


def _untrained(**values: Any) -> Alternation:
    return Alternation(tiny_context(**values))


def test_without_alignment_the_discriminator_stays_untrained_and_its_weight_is_moot() -> None:
    run, losses = one_round(adversarial_alignment="off")
    assert _same(run._game.discriminator, _untrained()._game.discriminator)
    assert not _same(run._game.generator, _untrained()._game.generator)
    assert "discriminator_loss" not in losses
    other, _ = one_round(adversarial_alignment="off", lambda_adv=7.0)
    assert _same(run.classifier(), other.classifier())


def test_without_synthetic_training_the_classifier_is_erms_to_the_last_bit() -> None:
    run, _ = one_round(synthetic_training="off")
    context = tiny_context(reads=ERM.space.names)
    erm = ERM.stages(ERM.space.defaults())[-1].start(context)
    erm.train_epoch(1)
    assert _same(run.classifier(), erm.classifier())  # type: ignore[attr-defined]
    assert not _same(run._game.generator, _untrained()._game.generator)


def test_a_weight_of_zero_is_no_synthetic_training() -> None:
    off, _ = one_round(synthetic_training="off")
    zero, _ = one_round(lambda_mix=0.0)
    assert _same(off.classifier(), zero.classifier())


def test_a_generator_without_any_loss_stays_as_it_was() -> None:
    run, _ = one_round(generator_mix_loss="off", adversarial_alignment="off")
    assert _same(run._game.generator, _untrained()._game.generator)


def test_the_generator_minimises_or_maximises_its_mix_loss() -> None:
    def loss(direction: str) -> float:
        values = {"generator_mix_loss": direction, "adversarial_alignment": "off"}
        run = _untrained(**values)
        reported = [run.train_epoch(epoch)["generator_mix_loss"] for epoch in range(1, 6)]
        return reported[-1]

    assert loss("minimise") < loss("off") < loss("maximise")


def test_minimax_changes_the_generators_side_alone() -> None:
    run, _ = one_round(adversarial_form="minimax")
    default, _ = one_round()
    assert not _same(run._game.generator, default._game.generator)


@pytest.mark.parametrize("space", ["input", "features", "appearance"])
def test_without_a_query_the_attention_asks_with_the_image_itself(space: str) -> None:
    run = _untrained(query="none", query_space=space)
    queries = run._make_queries()
    network = tiny_network().eval()
    with torch.no_grad():
        torch.testing.assert_close(queries.features, network.features(tiny_split().images))
    torch.testing.assert_close(queries.images, tiny_split().images)


def test_noise_alone_does_not_look_at_the_loss() -> None:
    run, other = _untrained(query="noise"), _untrained(query="noise")
    other._split.labels.copy_(other._split.labels.flip(0))
    torch.testing.assert_close(run._make_queries().images, other._make_queries().images)
    assert run._make_queries().gradient_to_noise.isnan().all()


def test_fgsm_takes_one_step_of_the_sign_without_noise() -> None:
    queries = _untrained(query="fgsm", sign_step=0.05, T=9)._make_queries()
    start = tiny_split().images
    inside = (start > 0.05) & (start < 0.95)
    moved = (queries.images - start).abs()[inside]
    expected = torch.full_like(moved, 0.05)
    at_rest = moved < 1e-6  # pixels behind which every unit is off have no gradient
    torch.testing.assert_close(moved[~at_rest], expected[~at_rest])
    assert (~at_rest).float().mean() > 0.5


def test_sign_steps_add_up_and_keep_the_noise() -> None:
    quiet = _untrained(query="sgld_sign", sign_step=0.02, noise_scale=0.0, T=3)._make_queries()
    moved = (quiet.images - tiny_split().images).abs()
    assert moved.max() <= 0.06 + 1e-6
    noisy = _untrained(query="sgld_sign", sign_step=0.0, T=1)._make_queries()
    plain = _untrained(query="noise", T=1)._make_queries()
    torch.testing.assert_close(noisy.images, plain.images)


def test_sgld_in_feature_space_leaves_the_images_and_raises_the_loss() -> None:
    run = _untrained(query_space="features", noise_scale=0.0, step_size=10.0)
    queries = run._make_queries()
    torch.testing.assert_close(queries.images, tiny_split().images)
    labels, head = tiny_split().labels, tiny_network().head
    with torch.no_grad():
        before = nn.functional.cross_entropy(tiny_network().eval()(tiny_split().images), labels)
        assert nn.functional.cross_entropy(head(queries.features), labels) > before


def test_an_appearance_walk_recolours_whole_images() -> None:
    queries = _untrained(query_space="appearance", step_size=0.1, T=3)._make_queries()
    image, query = tiny_split().images[0].double(), queries.images[0].double()
    inside = ((query > 0.001) & (query < 0.999)).all(dim=0)
    assert inside.sum() > 20
    pixels = torch.cat([image[:, inside], torch.ones(1, int(inside.sum()))]).T
    solved = torch.linalg.lstsq(pixels, query[:, inside].T).solution
    torch.testing.assert_close(pixels @ solved, query[:, inside].T, atol=1e-4, rtol=0)


def test_training_on_the_query_needs_its_weight() -> None:
    default, _ = one_round()
    zero, losses = one_round(train_on_query=0.0)
    trained, reported = one_round(train_on_query=1.0)
    assert _same(default.classifier(), zero.classifier())
    assert losses["own_query_loss"] == 0
    assert reported["own_query_loss"] > 0
    assert not _same(default.classifier(), trained.classifier())
    assert _same(default._game.generator, trained._game.generator)


def _gradients(**values: Any) -> tuple[list[Tensor | None], list[Tensor | None]]:
    """Of L_mix^tr alone: in the extractor and in the head."""
    run = _untrained(**values)
    queries = run._make_queries()
    _, synthetic, _ = run._losses(run._inputs(torch.arange(8), queries))
    synthetic.backward()
    network = run._network
    return [p.grad for p in network.extractor.parameters()], [
        p.grad for p in network.head.parameters()
    ]


def test_by_default_the_mixed_loss_trains_extractor_and_head() -> None:
    extractor, head = _gradients()
    assert all(grad is not None and grad.abs().sum() > 0 for grad in [*extractor, *head])


def test_head_only_keeps_the_mixed_loss_out_of_the_extractor() -> None:
    extractor, head = _gradients(gradient="head_only")
    assert all(grad is None for grad in extractor)
    assert all(grad is not None and grad.abs().sum() > 0 for grad in head)


def test_the_query_carries_a_gradient_only_where_asked() -> None:
    with_it = _gradients(gradient="head_only", query_gradient="on")[0]
    assert all(grad is not None and grad.abs().sum() > 0 for grad in with_it)


@pytest.mark.parametrize(
    ("attention", "entropy"),
    [("uniform", 1.0), ("random", None), ("plain", None), ("feature", None)],
)
def test_attention_gives_weights_of_its_kind(attention: str, entropy: float | None) -> None:
    run, losses = one_round(attention=attention)
    features = torch.randn(8, 128, generator=torch.Generator().manual_seed(0))
    mixed = run._mixer.mix(features, features, torch.arange(8) % 3)
    torch.testing.assert_close(mixed.weights.sum(dim=-1), torch.ones(8, 128))
    per_feature = mixed.weights.std(dim=1).max() > 1e-6
    assert bool(per_feature) == (attention in ("feature", "random"))
    if entropy is not None:
        assert losses["attention_entropy"] == pytest.approx(entropy)


def test_random_attention_is_drawn_anew_at_each_step() -> None:
    run = _untrained(attention="random")
    features, labels = torch.ones(4, 128), torch.zeros(4, dtype=torch.int64)
    first, second = (run._mixer.mix(features, features, labels).weights for _ in range(2))
    assert not torch.equal(first, second)
    assert first.mean().item() == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize("label", ["query", "same_class"])
def test_hard_labels_are_those_of_the_query(label: str) -> None:
    run = _untrained(label=label)
    features = torch.randn(8, 128, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(8) % 3
    mixed = run._mixer.mix(features, features, labels)
    torch.testing.assert_close(mixed.target, nn.functional.one_hot(labels, 3).float())


def test_same_class_mixes_instances_of_the_class_alone() -> None:
    run = _untrained(label="same_class", attention="uniform", N_b=8)
    labels = torch.tensor([0, 0, 1, 2])
    features = nn.functional.one_hot(labels, 128).float()
    mixed = run._mixer.mix(features, features, labels)
    torch.testing.assert_close(mixed.features, features)


def test_a_temperature_flattens_the_attention() -> None:
    _, cool = one_round(attention="plain", temperature=1.0)
    _, hot = one_round(attention="plain", temperature=100.0)
    assert cool["attention_entropy"] < hot["attention_entropy"]
    assert hot["attention_entropy"] == pytest.approx(1.0, abs=0.01)


def test_layer_norm_makes_the_attention_blind_to_the_features_scale() -> None:
    labels = torch.zeros(4, dtype=torch.int64)
    features = torch.randn(4, 128, generator=torch.Generator().manual_seed(0))

    def weights(scale: float) -> Tensor:
        run = _untrained(layer_norm="on")
        return run._mixer.mix(scale * features, scale * features, labels).weights

    torch.testing.assert_close(weights(1.0), weights(50.0), atol=1e-4, rtol=0)


def test_the_correlation_is_refreshed_only_where_asked() -> None:
    never, _ = one_round()
    torch.testing.assert_close(never._mixer.correlation, torch.eye(128))
    often, _ = one_round(correlation_refresh="every_round")
    assert not torch.equal(often._mixer.correlation, torch.eye(128))


def test_taking_a_sample_changes_nothing() -> None:
    run, _ = one_round()
    weights = _weights(run.classifier())
    before = [run._noise.get_state(), run._mixer.random.get_state()]
    sample = run.samples()["features"]
    assert [len(sample["points"]), sample["columns"]] == [3 * 24, 12]
    assert {point[0] for point in sample["points"]} == {"real", "query", "synthetic"}
    assert 0 < sample["variance"] <= 1
    assert all(
        torch.equal(now, then)
        for now, then in zip(
            [run._noise.get_state(), run._mixer.random.get_state()], before, strict=True
        )
    )
    assert all(torch.equal(a, b) for a, b in zip(_weights(run.classifier()), weights, strict=True))


def test_too_many_instances_for_a_batch_are_an_error_that_names_n_b() -> None:
    with pytest.raises(TrainingError, match=r"N_b = 9: must be <= 8, .*raise batch_size"):
        _untrained(N_b=9)
    with pytest.raises(TrainingError, match=r"N_b = 25: must be <= 24"):
        _untrained(N_b=25, batch_size=100)


def test_a_loss_that_is_no_number_is_named() -> None:
    run = _untrained(lr=1e30)

    def train() -> None:
        for epoch in (1, 2):
            run.train_epoch(epoch)

    with pytest.raises(TrainingError, match=r"loss = (nan|inf): training diverged"):
        train()


def test_diagnostics_are_reported_every_round_and_are_sound() -> None:
    _, found = one_round(T=3)
    assert 0 <= found["discriminator_accuracy"] <= 1
    assert 0 <= found["attention_entropy"] <= 1 + 1e-6
    assert 0 <= found["query_accuracy"] <= 1
    assert found["feature_mmd"] >= 0
    assert 0 < found["query_displacement"] < 0.2
    assert 0 <= found["query_entropy"] <= math.log(3) + 1e-6
    assert found["gradient_to_noise"] > 0
