"""Module 1 removed: generator and encoder learn from the student domain's images instead.

A departure that asks what the data-free module is worth. The student then has no weights from
the teacher's generator and starts from scratch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from dgsearch.data.splits import TARGET_TRAIN
from dgsearch.methods.augkd.data_free import build_encoder, build_generator
from dgsearch.methods.augkd.equations import gaussian_divergence
from dgsearch.methods.augkd.teacher import start_student
from dgsearch.methods.base import Product, StageContext, check_finite


class Reconstruction:
    """The run of the stage `reconstruction`: a variational autoencoder of the labelled images."""

    def __init__(self, context: StageContext) -> None:
        """Start new networks over the student's training images."""
        values = context.values
        self.epochs = values.integer("generator_epochs")
        self._values = values
        self._split = context.splits[TARGET_TRAIN]
        self._student = start_student(context)
        self._generator = build_generator(context).train()
        self._encoder = build_encoder(context).train()
        self._random = context.generator("data_free", "latent", on_device=True)
        self._order = context.generator("data_free", "order")
        parameters = [*self._generator.parameters(), *self._encoder.parameters()]
        self._optimiser = torch.optim.Adam(parameters, lr=values.number("data_free_lr"))

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """`generator_steps` steps over the images, in as many passes as it takes."""
        steps = self._values.integer("generator_steps")
        total, done = torch.zeros((), device=self._split.labels.device), 0
        while done < steps:
            size = self._values.integer("generated_batch")
            for batch in self._split.batches(size, self._order, smallest=2):
                total += self._step(batch.images, batch.labels)
                done += 1
                if done == steps:
                    break
        return check_finite(reconstruction_loss=float(total) / steps)

    def parts(self) -> Mapping[str, Any]:
        """Networks, optimiser and the random numbers."""
        return {
            "generator": self._generator,
            "encoder": self._encoder,
            "student": self._student,
            "optimiser": self._optimiser,
            "latent": self._random,
            "order": self._order,
        }

    def product(self) -> Product:
        """Weights of generator and encoder, and the student as it started."""
        return {
            "generator": self._generator.state_dict(),
            "encoder": self._encoder.state_dict(),
            "student": self._student.state_dict(),
        }

    def _step(self, images: Tensor, labels: Tensor) -> Tensor:
        mean, log_variance = self._encoder(images, labels)
        noise = torch.randn(mean.shape, generator=self._random, device=mean.device)
        found = self._generator(mean + (0.5 * log_variance).exp() * noise)
        error = (found - images).square().sum(dim=(1, 2, 3)).mean()
        divergence = gaussian_divergence(mean, log_variance)
        loss = error + self._values.number("divergence_weight") * divergence
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        detached: Tensor = loss.detach()
        return detached
