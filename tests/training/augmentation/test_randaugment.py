"""RandAugment: its operations against Pillow's, and which image gets which."""

from collections.abc import Callable
from typing import Any

import pytest

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import MissingDependency

torch = pytest.importorskip("torch")
pytest.importorskip("kornia")

from torch import Generator, Tensor  # noqa: E402

from subsetopt.training.augmentation import _randaugment, augmentation  # noqa: E402
from subsetopt.training.augmentation._randaugment import (  # noqa: E402  # noqa: E402
    FILL,
    OPERATIONS,
    as_floats,
    as_levels,
    one_each,
)

STRENGTHS = [0.0, 4 / 30, 0.5, 1.0]
OFF = {
    "autocontrast": (1, 0.01),  # rounded in single precision
    # the grey or blurred image is not rounded to levels
    "colour": (1, 0.5),
    "contrast": (1, 0.5),
    "sharpness": (1, 0.5),
    # moved by up to 0.15 pixels
    "shear_x": (255, 0.15),
    "shear_y": (255, 0.15),
}
"""By how many levels at most, and at what share of pixels, an operation is not Pillow's."""


def photographs() -> Tensor:
    """Return smooth images and noise, of few levels and of many."""
    generator = Generator().manual_seed(5)
    coarse = torch.rand(4, 3, 5, 4, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=(33, 28), mode="bilinear")
    smooth[1] = smooth[1] * 0.4 + 0.3
    smooth[2] = torch.rand(3, 33, 28, generator=generator)
    smooth[3] = 0.25
    levels: Tensor = (smooth * 255).byte()
    return levels


def pillow(name: str, strength: float, sign: int) -> Callable[[Any], Any]:
    """Return the operation in terms of Pillow, at that share of its published range."""
    image, enhance, ops = (
        pytest.importorskip(f"PIL.{part}") for part in ("Image", "ImageEnhance", "ImageOps")
    )

    def moved(*matrix: float) -> Callable[[Any], Any]:
        return lambda it: it.transform(it.size, image.AFFINE, matrix)

    def enhanced(kind: Any) -> Callable[[Any], Any]:
        return lambda it: kind(it).enhance(0.1 + 1.8 * strength)

    add = int(110 * strength)
    known: dict[str, Callable[[Any], Any]] = {
        "autocontrast": ops.autocontrast,
        "equalize": ops.equalize,
        "invert": ops.invert,
        "posterize": lambda it: ops.posterize(it, max(1, int(4 * strength))),
        "solarize": lambda it: ops.solarize(it, 256 * strength),
        "solarize_add": lambda it: ops.solarize(it.point(lambda v: min(255, v + add)), 128),
        "colour": enhanced(enhance.Color),
        "contrast": enhanced(enhance.Contrast),
        "brightness": enhanced(enhance.Brightness),
        "sharpness": enhanced(enhance.Sharpness),
        "rotate": lambda it: it.rotate(sign * 30 * strength),
        "shear_x": moved(1, sign * 0.3 * strength, 0, 0, 1, 0),
        "shear_y": moved(1, 0, 0, sign * 0.3 * strength, 1, 0),
        "translate_x": moved(1, 0, sign * 100 * strength, 0, 1, 0),
        "translate_y": moved(1, 0, 0, 0, 1, sign * 100 * strength),
    }
    return known[name]


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "cut_out"])
@pytest.mark.parametrize("channels", [1, 3])
def test_as_pillow(name: str, strength: float, channels: int) -> None:
    image = pytest.importorskip("PIL.Image")
    images = photographs()[:, :channels]
    draws = torch.arange(len(images)).remainder(2)[:, None].expand(-1, 2) * 0.9
    found = as_levels(OPERATIONS[name](as_floats(images), strength, draws))
    most, share = OFF.get(name, (0, 0))
    for i, (before, after) in enumerate(zip(images, found, strict=True)):
        pixels = before.permute(1, 2, 0).contiguous().numpy()
        picture = image.fromarray(pixels if channels == 3 else pixels[:, :, 0])
        wanted = pillow(name, strength, -1 if i % 2 else 1)(picture)
        levels = torch.tensor(list(wanted.tobytes())).view(33, 28, channels).permute(2, 0, 1)
        off = (levels - after.int()).abs()
        assert off.max() <= most
        assert (off > 0).float().mean() <= share


def test_levels_survive() -> None:
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(as_levels(as_floats(levels)), levels)


def test_what_is_cut_out() -> None:
    images = torch.full((500, 3, 32, 30), 7, dtype=torch.uint8)
    draws = torch.rand(500, 2, generator=Generator().manual_seed(0))
    cut_out = OPERATIONS["cut_out"]
    found = as_levels(cut_out(as_floats(images), 4 / 30, draws))
    inside = (found != 7).all(1)
    assert {tuple(it) for it in found[0, :, inside[0]].T.tolist()} == {FILL}
    areas = inside.flatten(1).sum(1)
    assert areas.max() == 36
    assert areas.min() >= 9
    assert (areas == 36).float().mean() > 0.5
    assert torch.equal(cut_out(images, 0.0, draws), images)


def test_where_kornia_is_missing_that_is_told_early(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = OptionalDependency("kornia", "kornia_of_no_one", extra="train")
    monkeypatch.setattr(_randaugment, "KORNIA", missing)
    with pytest.raises(
        MissingDependency, match=r"kornia is not installed: pip install .*\[train\]"
    ):
        augmentation("randaugment", True, None)


def test_every_operation_is_equally_likely(monkeypatch: pytest.MonkeyPatch) -> None:
    def marking(kind: int) -> Any:
        return lambda part, _strength, _draws: part + kind / 255

    assert len(OPERATIONS) == 16
    marked = {name: marking(kind) for kind, name in enumerate(OPERATIONS)}
    monkeypatch.setattr(_randaugment, "OPERATIONS", marked)
    generator = Generator().manual_seed(0)
    for n in (1, 20, 32):
        images = torch.arange(n, dtype=torch.uint8)[:, None, None, None] * 0
        counts = torch.zeros(n, 16)
        for _ in range(1600 // n):
            kinds = one_each(images, 0.1, generator).flatten().long()
            counts[torch.arange(n), kinds] += 1
            assert kinds.bincount().max() <= -(-n // 16)
        shares = counts.sum(0) / counts.sum()
        torch.testing.assert_close(shares, torch.full((16,), 1 / 16), atol=0.03, rtol=0)


def test_images_stay_in_their_rows() -> None:
    levels = torch.arange(20, dtype=torch.uint8) * 10
    images = levels[:, None, None, None].expand(-1, 3, 6, 6).contiguous()
    untouched = augmentation("randaugment", False, None, padding=0, count=0)
    assert torch.equal(untouched(images, levels, generator=Generator())[0], images)
    kind = augmentation("randaugment", False, None, padding=0, count=1, magnitude=15)
    rows = torch.zeros(20)
    for seed in range(50):
        found, targets = kind(images, levels, generator=Generator().manual_seed(seed))
        assert targets is levels
        rows += (found[:, 0, 3, 3] == levels).float()
    assert rows.min() > 10  # equalize, contrast, shears and others leave even images as they are


@pytest.mark.parametrize("crop_last", [False, True])
def test_the_margin(crop_last: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_randaugment, "one_each", lambda levels, *_: 255 - levels)
    images = torch.full((64, 3, 8, 8), 200, dtype=torch.uint8)
    kind = augmentation("randaugment", False, None, count=1, crop_last=crop_last)
    found, _ = kind(images, torch.arange(len(images)), generator=Generator().manual_seed(0))
    assert set(found.flatten().tolist()) == {55, 0 if crop_last else 255}


def test_floats_are_as_bytes() -> None:
    images = photographs().repeat(5, 1, 1, 1)
    kind = augmentation("randaugment", True, None)
    bytes_, _ = kind(images, torch.arange(len(images)), generator=Generator().manual_seed(2))
    floats, _ = kind(images.float() / 255, torch.arange(20), generator=Generator().manual_seed(2))
    torch.testing.assert_close(floats, bytes_.float() / 255)
    assert (bytes_ != images).flatten(1).any(1).float().mean() > 0.9
