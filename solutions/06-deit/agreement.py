"""06 deit: timm's `VisionTransformerDistilled`, and the loss of DeiT's authors."""

from timm.models.deit import VisionTransformerDistilled
from torch.func import functional_call
from torch.nn import functional as F

from operation import Given, Operation
from vit import Everything, config_of, new_vit


class BothHeads(Everything):
    """A model that also gives each head's logits, as in distillation, and the weights of its attention."""

    def forward(self, images):
        results = super().forward(images)
        self.model.set_distilled_training(True)
        self.model.train()
        class_logits, dist_logits = self.model.forward_head(results.pop("features"))
        return {**results, "class_logits": class_logits, "dist_logits": dist_logits}


def new_deit(**config):
    return new_vit(**config, positions="learned", pool="cls", kind=VisionTransformerDistilled)


def deit(images, weights, **config):
    parameters = {f"model.{name}": value for name, value in weights.items()}
    return functional_call(BothHeads(new_deit(**config)), parameters, images)


def images(numbers, batch, *sizes):
    config = config_of(sizes)
    del config["positions"], config["pool"]
    picture = numbers.normal(batch, config["channels"], config["image"], config["image"])
    return Given({"images": picture}, config, numbers.weights_of(new_deit(**config)))


def distillation_loss(class_logits, dist_logits, teacher_logits, labels, mode, temperature, alpha):
    """The authors' `DistillationLoss`, whose α is the teacher's part and whose KL is a mean over the classes, too."""
    of_labels = F.cross_entropy(class_logits, labels)
    if mode == "hard":
        of_teacher, share = F.cross_entropy(dist_logits, teacher_logits.argmax(dim=1)), 0.5
    else:
        student, teacher = ((logits / temperature).log_softmax(1) for logits in (dist_logits, teacher_logits.detach()))
        divergence = F.kl_div(student, teacher, reduction="sum", log_target=True)
        of_teacher, share = divergence * temperature**2 / len(labels), 1 - alpha
    return {"loss": of_labels * (1 - share) + of_teacher * share}


def some_logits(numbers, batch, classes, mode, temperature=1.0, alpha=0.5):
    logits = {
        name: numbers.normal(batch, classes, std=2.0) for name in ("class_logits", "dist_logits", "teacher_logits")
    }
    labels = {"labels": numbers.labels(batch, classes)}
    return Given({**logits, **labels}, {"mode": mode, "temperature": temperature, "alpha": alpha})


OPERATIONS = [
    Operation(
        "deit",
        deit,
        images,
        {
            "two-blocks": (2, 6, 3, 2, 3, 4, 2, 2, 2),
            "prime": (3, 21, 7, 3, 11, 13, 1, 1, 3),
            "no-blocks": (2, 6, 2, 2, 3, 4, 0, 2, 4),
            "one-patch": (2, 5, 5, 1, 4, 4, 2, 2, 1),
            "one-image": (1, 6, 3, 3, 4, 4, 1, 2, 4),
            "mnist": (2, 28, 7, 1, 10, 64, 6, 4, 4),
        },
        gradients=True,
    ),
    Operation(
        "distillation_loss",
        distillation_loss,
        some_logits,
        {
            "soft": (4, 5, "soft", 3.0, 0.3),
            "hard": (4, 5, "hard"),
            "prime": (7, 11, "soft", 1.7, 0.9),
            "prime-hard": (7, 11, "hard"),
            "labels-alone": (3, 4, "soft", 2.0, 1.0),
            "teacher-alone": (3, 4, "soft", 2.0, 0.0),
            "one-image": (1, 5, "soft", 4.0, 0.5),
            "one-class": (3, 1, "soft", 2.0, 0.5),
            "cold": (3, 5, "soft", 0.5, 0.5),
            "imagenet": (8, 1000, "soft", 3.0, 0.5),
        },
        gradients=True,
    ),
]
