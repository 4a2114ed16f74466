"""What changes while a network learns: its weights, their average, the optimizer and the learning rate."""

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
        network: the one that learns, as built.
        parallel: the same, behind what adds up gradients where there are several processes.
        averaged: the moving average of its weights, or None where the recipe has no averaging.
        teacher: a network that has learnt, whose answers count beside the labels, or None.
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
    ) -> "Learner":
        """Prepare a network with fresh weights to learn by a recipe, in so many ``steps``, perhaps from a teacher."""
        network = network.to(device).to(memory_format=torch.channels_last)
        _turn_gradients(network)
        optimizer = make_optimizer(network, recipe)
        averaged = None
        if recipe.averaging:
            # In a short run the average would look back to its beginnings: an eighth of it is far enough.
            horizon = min(recipe.averaging, recipe.epochs / 8) * steps / recipe.epochs
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
        """The network that is judged and kept: the average where there is one."""
        return self.averaged.module if self.averaged is not None else self.network

    def step(self, images: Tensor, labels: Tensor, share: float = 1.0) -> tuple[Tensor, Tensor]:
        """Learn from one batch; return its mean loss and its logits, both detached.

        Args:
            images: (N, 1, 28, 28).
            labels: (N,); with ``recipe.outliers``, those of no class are not below the number of classes.
            share: what the loss counts: with several processes, how much larger than the average this part is.
        """
        if self.recipe.mixing:
            images, others, own = cut_mix(images, self.recipe.mixing)
        logits = run_model(self.parallel, images, bfloat16=self.recipe.bfloat16)
        losses = _losses(logits, labels, self.recipe)
        if self.recipe.mixing:
            losses = _losses(logits, labels[others], self.recipe).lerp(losses, own)
        loss = losses.mean()
        if self.teacher is not None:
            loss = loss.lerp(self._distance_from_teacher(images, logits), self.recipe.teaching)
        self.optimizer.zero_grad(set_to_none=True)
        (loss * share).backward()
        self.optimizer.step()
        self.scheduler.step()
        if self.averaged is not None:
            self.averaged.update_parameters(self.network)
        return loss.detach(), logits.detach()

    def _distance_from_teacher(self, images: Tensor, logits: Tensor) -> Tensor:
        """Mean divergence of the pupil's answers from the teacher's, which sees the same changed images.

        Both are softened by the temperature, whose square keeps the gradients' size (Hinton, Vinyals, Dean, 2015,
        section 2); the same images: Beyer et al., "Knowledge distillation: a good teacher is patient and consistent",
        2022.
        """
        assert self.teacher is not None
        temperature = self.recipe.teaching_temperature
        with torch.no_grad():
            taught = run_model(self.teacher, images, bfloat16=self.recipe.bfloat16)
        answers, wanted = ((each / temperature).log_softmax(dim=1) for each in (logits, taught))
        return kl_div(answers, wanted, reduction="batchmean", log_target=True) * temperature**2

    def state_dict(self) -> dict[str, Any]:
        """Return all that ``load_state_dict`` needs to go on as if never stopped."""
        return {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict() if self.averaged is not None else None,
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Return to where ``state_dict`` was taken."""
        self.network.load_state_dict(state["network"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])


def _losses(logits: Tensor, labels: Tensor, recipe: Recipe) -> Tensor:
    """(N,) cross-entropies; where an image has no class, from the even distribution."""
    if not recipe.outliers:
        return cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing, reduction="none")
    unknown = labels >= logits.shape[1]
    known = labels.masked_fill(unknown, -1)
    losses = cross_entropy(logits, known, label_smoothing=recipe.label_smoothing, ignore_index=-1, reduction="none")
    return torch.where(unknown, -logits.log_softmax(dim=1).mean(dim=1), losses)


def run_model(model: nn.Module, images: Tensor, *, bfloat16: bool) -> Tensor:
    """Run a model, in the mode it is in: (N, 1, 28, 28) -> (N, classes) float32 logits."""
    with torch.autocast(images.device.type, torch.bfloat16, enabled=bfloat16):
        logits: Tensor = model(images)
    return logits.float()


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether ``device`` has instructions for bfloat16; without them it is ten times as slow as float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return any(there for name, there in torch.cpu.get_capabilities().items() if "bf16" in name)


def make_optimizer(network: nn.Module, recipe: Recipe) -> Optimizer:
    """Return the recipe's optimizer, fused: one pass over all weights."""
    match recipe.optimizer:
        case "sgd":
            return SGD(
                network.parameters(),
                recipe.lr,
                momentum=recipe.momentum,
                nesterov=recipe.nesterov,
                weight_decay=recipe.weight_decay,
                fused=True,
            )
        case "adam":
            return Adam(network.parameters(), recipe.lr, fused=True)
        case "adamw":
            return AdamW(network.parameters(), recipe.lr, weight_decay=recipe.weight_decay, fused=True)


def _turn_gradients(network: nn.Module) -> None:
    """Bring the gradient of the last maps into their own layout.

    The maps lie pixel by pixel (channels last), but what the linear layers hand back lies channel by channel, and the
    layers next to them would read one and write the other: 7 % of LeNet's time.
    """
    layers: list[nn.Module] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.dim() == 4:
            layers.append(layer)

    hooks = [layer.register_forward_hook(note) for layer in network.modules()]
    device = next(network.parameters()).device
    with torch.no_grad():
        network.eval()(torch.zeros(1, 1, 28, 28, device=device))
    for hook in hooks:
        hook.remove()
    if layers:
        layers[-1].register_forward_hook(_turn)


def _turn(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    if output.requires_grad:
        output.register_hook(lambda gradient: gradient.contiguous(memory_format=torch.channels_last))


def _scheduler(optimizer: Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    if recipe.one_cycle:
        return OneCycleLR(optimizer, max_lr=recipe.lr, total_steps=steps)
    return ConstantLR(optimizer, factor=1.0)
