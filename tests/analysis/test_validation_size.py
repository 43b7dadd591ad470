from __future__ import annotations

import math

import numpy as np
import pytest

from dgsearch.analysis.validation_size import regret_by_images, sizes_up_to

# a is right on the first two of three images, b on the last; a is the better one on the test
RIGHT = np.array([[True, True, False], [False, False, True]])


def test_regret_by_fewer_images_is_that_of_all_sets_of_them() -> None:
    table = regret_by_images({0: (RIGHT, [0.6, 0.3])}, [1, 2, 3]).set_index("images")
    # one image: the last of three chooses b, .3 worse
    assert table.loc[1, "regret"] == pytest.approx(0.1)
    # two: the first two choose a; the two other sets tie, .15 worse on average
    assert table.loc[2, "regret"] == pytest.approx(0.1)
    assert table.loc[3, "regret"] == 0
    # regrets 0, 0 and .3: variance .02; with all images there is one set
    assert table.loc[1, "draws"] == pytest.approx(math.sqrt(0.02))
    assert table.loc[3, "draws"] == 0


def test_the_binomial_error_is_that_of_the_mean_accuracy() -> None:
    table = regret_by_images({0: (RIGHT, [0.6, 0.3])}, [2])
    assert table["binomial"].item() == pytest.approx(math.sqrt(0.25 / 2))  # half of six are right


def test_the_interval_is_over_seeds() -> None:
    wrong = RIGHT[::-1]
    table = regret_by_images({0: (RIGHT, [0.6, 0.3]), 4: (wrong, [0.6, 0.3])}, [3])
    assert table["regret"].item() == pytest.approx(0.15)  # 0 and .3
    assert table["low"].item() == pytest.approx(0.15 - 12.706205 * 0.15, abs=1e-6)
    assert table["seeds"].item() == 2


def test_many_images_are_drawn_and_near_the_binomial_answer() -> None:
    # a is right on 60 of 100 images and b on the other 40, so that a set of five chooses b where
    # three of it or more are among those 40: 1 - sum of the hypergeometric up to two
    right = np.arange(100) < 60
    table = regret_by_images({0: (np.stack([right, ~right]), [1.0, 0.0])}, [5])
    few = sum(math.comb(40, k) * math.comb(60, 5 - k) for k in range(3)) / math.comb(100, 5)
    standard_error = math.sqrt(few * (1 - few) / 500)
    assert table["regret"].item() == pytest.approx(1 - few, abs=4 * standard_error)


def test_a_number_beyond_the_images_is_refused() -> None:
    with pytest.raises(ValueError, match=r"sizes holds 4, which must lie in 1\.\.3"):
        regret_by_images({0: (RIGHT, [0.6, 0.3])}, [4])


def test_the_sizes_end_with_all_images() -> None:
    assert sizes_up_to(100) == [5, 10, 20, 50, 100]
    assert sizes_up_to(3) == [3]
