import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

import training.learner
from models import create_model
from training.distributed import ALONE
from training.extra_images import NO_CLASS
from training.learner import Learner, _losses
from training.recipes import find_recipe

CPU = torch.device("cpu")


def test_a_mixed_image_answers_for_both_of_its_classes_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = []

    def cut_mix(images: Tensor, share: float) -> tuple[Tensor, Tensor, Tensor]:
        shares.append(share)
        return images, torch.tensor([1, 2, 0]), torch.tensor([1.0, 0.75, 0.25])

    monkeypatch.setattr(training.learner, "cut_mix", cut_mix)
    recipe = find_recipe("tutorial", "mlp", cutmix=0.5)
    learner = Learner.of(create_model("mlp", 10), recipe, 10, CPU, ALONE)
    images, labels = torch.randn(3, 1, 28, 28), torch.tensor([3, 8, 5])
    losses = cross_entropy(
        learner.network.train()(images).repeat(2, 1), torch.tensor([3, 8, 5, 8, 5, 3]), reduction="none"
    )
    loss, _ = learner.step(images, labels)
    expected = losses @ torch.tensor([1.0, 0.75, 0.25, 0.0, 0.25, 0.75]) / 3
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    assert shares == [0.5]


def test_an_image_of_no_class_pulls_towards_no_class() -> None:
    recipe = find_recipe("default", "sturdy")
    sure, even = torch.tensor([[9.0, 0, 0]]), torch.zeros(1, 3)
    none = torch.tensor([NO_CLASS])
    assert _losses(even, none, recipe) < _losses(sure, none, recipe)
    assert _losses(sure, torch.tensor([0]), recipe) < _losses(even, torch.tensor([0]), recipe)
    both = _losses(torch.cat([sure, even]), torch.tensor([0, NO_CLASS]), recipe)
    alone = torch.cat([_losses(sure, torch.tensor([0]), recipe), _losses(even, none, recipe)])
    torch.testing.assert_close(both, alone)
