"""The state of learning: weights, their average, optimizer and learning rate; and one step of it."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.augment import cut_mix
from training.distributed import Processes
from training.recipes import Recipe


@dataclass
class Learner:
    """A network that learns.

    Attributes:
        network: the network that learns, as built.
        parallel: the network inside the wrapper that adds up the gradients of several processes.
        averaged: the moving average of its weights; None where the recipe averages nothing.
        teacher: a trained network whose answers count beside the labels, or None.
    """

    network: nn.Module
    parallel: nn.Module
    averaged: AveragedModel | None
    optimizer: Optimizer
    scheduler: LRScheduler
    recipe: Recipe
    teacher: nn.Module | None = None

    @classmethod
    def of(
        cls,
        network: nn.Module,
        recipe: Recipe,
        steps: int,
        device: torch.device,
        processes: Processes,
        teacher: nn.Module | None = None,
        contiguous: bool = False,
    ) -> "Learner":
        """Prepare a network to learn.

        Args:
            network: with its first weights.
            recipe: how it learns.
            steps: of the whole run.
            device: where it learns.
            processes: those that share each batch.
            teacher: a trained network, or None.
            contiguous: whether maps are stored channel by channel, which suits depthwise convolutions.
        """
        network = network.to(device)
        if not contiguous:
            network = network.to(memory_format=torch.channels_last)
            _convert_gradients(network)
        optimizer = _optimizer(network, recipe)
        averaged = None
        if recipe.ema_epochs:
            # In a short run the average would reach back to its beginning, so it takes an eighth of the run at most.
            horizon = min(recipe.ema_epochs, recipe.epochs / 8) * steps / recipe.epochs
            averaged = AveragedModel(
                network, multi_avg_fn=get_ema_multi_avg_fn(1 - 1 / max(horizon, 1)), use_buffers=True
            )
        return cls(
            network=network,
            parallel=DistributedDataParallel(network) if processes.count > 1 else network,
            averaged=averaged,
            optimizer=optimizer,
            scheduler=_scheduler(optimizer, recipe, steps),
            recipe=recipe,
            teacher=teacher.to(device).to(memory_format=torch.channels_last).eval() if teacher else None,
        )

    @property
    def model(self) -> nn.Module:
        """The network that is evaluated and saved: the average where there is one."""
        return self.averaged.module if self.averaged is not None else self.network

    def step(self, images: Tensor, labels: Tensor, share: float = 1.0) -> tuple[Tensor, Tensor]:
        """Learn from one batch; return its mean loss and its logits, both detached.

        Args:
            images: (N, 1, 28, 28).
            labels: (N,); with ``recipe.outliers``, a label beyond the classes marks an image of no class.
            share: factor on the loss: with several processes, the size of this part over that of the average part.
        """
        if self.recipe.cutmix:
            images, others, own = cut_mix(images, self.recipe.cutmix)
        logits = run_model(self.parallel, images, bfloat16=self.recipe.bfloat16)
        losses = _losses(logits, labels, self.recipe)
        if self.recipe.cutmix:
            losses = _losses(logits, labels[others], self.recipe).lerp(losses, own)
        loss = losses.mean()
        if self.teacher is not None:
            loss = loss.lerp(self._distance_from_teacher(images, logits), self.recipe.distillation)
        self.optimizer.zero_grad(set_to_none=True)
        (loss * share).backward()
        self.optimizer.step()
        self.scheduler.step()
        if self.averaged is not None:
            self.averaged.update_parameters(self.network)
        return loss.detach(), logits.detach()

    def _distance_from_teacher(self, images: Tensor, logits: Tensor) -> Tensor:
        """Return the mean divergence of the student's answers from the teacher's on the same augmented images.

        The temperature softens both, and its square keeps the size of the gradients (Hinton, Vinyals, Dean, 2015,
        section 2); the same images: Beyer et al., "Knowledge distillation: a good teacher is patient and consistent",
        2022.
        """
        assert self.teacher is not None
        temperature = self.recipe.distillation_temperature
        with torch.no_grad():
            taught = run_model(self.teacher, images, bfloat16=self.recipe.bfloat16)
        answers, targets = ((each / temperature).log_softmax(dim=1) for each in (logits, taught))
        return kl_div(answers, targets, reduction="batchmean", log_target=True) * temperature**2

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, from which learning can go on as if it had never stopped."""
        return {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict() if self.averaged is not None else None,
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state that ``state_dict`` returned."""
        self.network.load_state_dict(state["network"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])


def _losses(logits: Tensor, labels: Tensor, recipe: Recipe) -> Tensor:
    """Return (N,) cross-entropies; for an image of no class, the one from the uniform distribution."""
    if not recipe.outliers:
        return cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing, reduction="none")
    unknown = labels >= logits.shape[1]
    known = labels.masked_fill(unknown, -1)
    losses = cross_entropy(logits, known, label_smoothing=recipe.label_smoothing, ignore_index=-1, reduction="none")
    return torch.where(unknown, -logits.log_softmax(dim=1).mean(dim=1), losses)


def run_model(model: nn.Module, images: Tensor, *, bfloat16: bool) -> Tensor:
    """Run a model without changing its mode: (N, 1, 28, 28) -> (N, classes) float32 logits.

    Args:
        model: the network.
        images: normalized, on the network's device.
        bfloat16: whether matrices are multiplied in bfloat16.
    """
    with torch.autocast(images.device.type, torch.bfloat16, enabled=bfloat16):
        logits: Tensor = model(images)
    return logits.float()


def multiplies_bfloat16(device: torch.device) -> bool:
    """Tell whether ``device`` has instructions for bfloat16, which is ten times as slow as float32 without them."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return any(has for name, has in torch.cpu.get_capabilities().items() if "bf16" in name)


def _optimizer(network: nn.Module, recipe: Recipe) -> Optimizer:
    """Return the recipe's optimizer, fused, which takes one pass over all weights."""
    weights, decay = network.parameters(), recipe.weight_decay
    match recipe.optimizer:
        case "sgd":
            return SGD(weights, recipe.lr, recipe.momentum, weight_decay=decay, nesterov=recipe.nesterov, fused=True)
        case "adam":
            return Adam(weights, recipe.lr, fused=True)
        case "adamw":
            return AdamW(weights, recipe.lr, weight_decay=decay, fused=True)


def _convert_gradients(network: nn.Module) -> None:
    """Convert the gradient of the last maps to the memory layout of the maps.

    The maps are stored with channels last, but the gradient that the linear layers return has channels first, and the
    layers before them would read one layout and write the other: 7 % of LeNet's time.
    """
    layers: list[nn.Module] = []

    def _note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.dim() == 4:
            layers.append(layer)

    hooks = [layer.register_forward_hook(_note) for layer in network.modules()]
    device = next(network.parameters()).device
    with torch.no_grad():
        network.eval()(torch.zeros(1, 1, 28, 28, device=device))
    for hook in hooks:
        hook.remove()
    if layers:
        layers[-1].register_forward_hook(_convert)


def _convert(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    if output.requires_grad:
        output.register_hook(lambda gradient: gradient.contiguous(memory_format=torch.channels_last))


def _scheduler(optimizer: Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    if recipe.one_cycle:
        return OneCycleLR(optimizer, max_lr=recipe.lr, total_steps=steps)
    return ConstantLR(optimizer, factor=1.0)
