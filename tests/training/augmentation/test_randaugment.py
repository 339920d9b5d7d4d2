"""RandAugment: its operations against Pillow's, and which image gets which."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Generator, Tensor  # noqa: E402

from subsetopt.training.augmentation import augmentation, randaugment  # noqa: E402
from subsetopt.training.augmentation.blends import BLENDS, blended  # noqa: E402
from subsetopt.training.augmentation.randaugment import one_each  # noqa: E402
from subsetopt.training.augmentation.tables import TABLES, looked_up  # noqa: E402
from subsetopt.training.augmentation.warps import FILL, WARPS, cut_out, warped  # noqa: E402

PER_KIND = 4
STRENGTHS = [0.0, 4 / 30, 0.5, 1.0]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # more of them take longer for so little
    yield
    torch.set_num_threads(before)


def photographs(kinds: int) -> Tensor:
    """Return smooth images and noise, of few levels and of many: the same for every operation."""
    generator = Generator().manual_seed(5)
    coarse = torch.rand(PER_KIND, 3, 5, 4, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=(33, 28), mode="bilinear")
    smooth[1] = smooth[1] * 0.4 + 0.3
    smooth[2] = torch.rand(3, 33, 28, generator=generator)
    smooth[3] = 0.25
    levels: Tensor = (smooth * 255).byte()
    return levels.repeat(kinds, 1, 1, 1)


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
        "grey": enhanced(enhance.Color),
        "flat_grey": enhanced(enhance.Contrast),
        "black": enhanced(enhance.Brightness),
        "smooth": enhanced(enhance.Sharpness),
        "rotate": lambda it: it.rotate(sign * 30 * strength),
        "shear_x": moved(1, sign * 0.3 * strength, 0, 0, 1, 0),
        "shear_y": moved(1, 0, 0, sign * 0.3 * strength, 1, 0),
        "translate_x": moved(1, 0, sign * 100 * strength, 0, 1, 0),
        "translate_y": moved(1, 0, 0, 0, 1, sign * 100 * strength),
    }
    return known[name]


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize(
    ("family", "apply"), [(TABLES, looked_up), (BLENDS, blended), (WARPS, warped)]
)
def test_as_pillow(family: Any, apply: Any, strength: float) -> None:
    image = pytest.importorskip("PIL.Image")
    images = photographs(len(family))
    draws = torch.arange(len(images)).remainder(2)[:, None].expand(-1, 2) * 0.9
    found = apply(images, strength, draws)
    for i, (before, after) in enumerate(zip(images, found, strict=True)):
        name = family[i // PER_KIND].__name__
        operation = pillow(name, strength, -1 if i % 2 else 1)
        picture = image.fromarray(before.permute(1, 2, 0).contiguous().numpy())
        wanted = torch.tensor(list(operation(picture).tobytes())).view(33, 28, 3).permute(2, 0, 1)
        off = (wanted - after.int()).abs()
        if apply is warped:
            # where two pixels are equally near, in whole rows or columns
            assert (off > 0).float().mean() < 0.04, name
        else:
            assert off.max() <= (1 if apply is blended else 0), name
            assert (off > 0).float().mean() < 0.01, name


def test_what_is_cut_out() -> None:
    images = torch.full((500, 3, 32, 30), 7, dtype=torch.uint8)
    draws = torch.rand(500, 2, generator=Generator().manual_seed(0))
    found = cut_out(images, 4 / 30, draws)
    inside = (found != 7).all(1)
    assert {tuple(it) for it in found[0, :, inside[0]].T.tolist()} == {FILL}
    areas = inside.flatten(1).sum(1)
    assert areas.max() == 36
    assert areas.min() >= 9
    assert (areas == 36).float().mean() > 0.5
    assert torch.equal(cut_out(images, 0.0, draws), images)


def test_every_operation_is_equally_likely(monkeypatch: pytest.MonkeyPatch) -> None:
    def marking(first: int, size: int) -> Any:
        def apply(part: Tensor, _strength: float, _draws: Tensor) -> Tensor:
            kinds = first + torch.arange(size).repeat_interleave(len(part) // size)
            marked: Tensor = part + kinds[:, None, None, None].byte()
            return marked

        return apply

    sizes = [size for _, size in randaugment.FAMILIES]
    assert sum(sizes) == 16
    families = [(marking(sum(sizes[:i]), size), size) for i, size in enumerate(sizes)]
    monkeypatch.setattr(randaugment, "FAMILIES", families)
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
    monkeypatch.setattr(randaugment, "one_each", lambda levels, *_: 255 - levels)
    images = torch.full((64, 3, 8, 8), 200, dtype=torch.uint8)
    kind = augmentation("randaugment", False, None, count=1, crop_last=crop_last)
    found, _ = kind(images, torch.arange(len(images)), generator=Generator().manual_seed(0))
    assert set(found.flatten().tolist()) == {55, 0 if crop_last else 255}


def test_floats_are_as_bytes() -> None:
    images = photographs(5)
    kind = augmentation("randaugment", True, None)
    bytes_, _ = kind(images, torch.arange(len(images)), generator=Generator().manual_seed(2))
    floats, _ = kind(images.float() / 255, torch.arange(20), generator=Generator().manual_seed(2))
    torch.testing.assert_close(floats, bytes_.float() / 255)
    assert (bytes_ != images).flatten(1).any(1).float().mean() > 0.9
