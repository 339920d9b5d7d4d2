"""Crops, mirrors and mixtures: where each pixel comes from, what targets become, what is drawn."""

from collections.abc import Iterator
from typing import Any

import pytest

from subsetopt.errors import InvalidOption, InvalidProblem
from subsetopt.training.run import AUGMENTATIONS

torch = pytest.importorskip("torch")

from torch import Generator, Tensor  # noqa: E402
from torch.nn import functional  # noqa: E402

from subsetopt.training.augmentation import KINDS, Augmentation, augmentation  # noqa: E402

CLASSES = 5
MIXED = ["mixup", "ricap"]


def made(name: str, flips: bool = True, **options: Any) -> Augmentation:
    return augmentation(name, flips, CLASSES, **options)


def batch(n: int = 12, channels: int = 3, height: int = 9, width: int = 7) -> tuple[Tensor, Tensor]:
    generator = Generator().manual_seed(99)
    size = (n, channels, height, width)
    images = torch.randint(1, 256, size, generator=generator, dtype=torch.uint8)
    return images, torch.arange(n) % CLASSES


def applied(
    kind: Augmentation, images: Tensor, targets: Tensor, seed: int = 0
) -> tuple[Tensor, Tensor]:
    return kind(images, targets, generator=Generator().manual_seed(seed))


# -- all of them ---------------------------------------------------------------------------------


def test_names() -> None:
    assert tuple(KINDS) == AUGMENTATIONS
    assert [name for name in KINDS if made(name).mixes] == MIXED


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("size", [(12, 3, 9, 7), (1, 3, 8, 8), (17, 1, 6, 6), (3, 4, 2, 1)])
def test_shapes_dtypes_and_ranges(name: str, dtype: Any, size: tuple[int, ...]) -> None:
    images, targets = batch(*size)
    images = images if dtype == torch.uint8 else (images / 255).to(dtype)
    before = images.clone(), targets.clone()
    others, theirs = applied(made(name), images, targets)
    assert others.shape == images.shape
    becomes = torch.float32 if name == "mixup" and dtype == torch.uint8 else dtype
    assert others.dtype == becomes
    assert others.min() >= 0
    assert others.max() <= (255 if dtype == torch.uint8 else 1)
    assert theirs.shape == ((len(images), CLASSES) if name in MIXED else targets.shape)
    assert torch.equal(images, before[0])
    assert torch.equal(targets, before[1])


@pytest.mark.parametrize("name", KINDS)
def test_the_generator_is_all_that_decides(name: str) -> None:
    images, targets = batch(40)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = applied(made(name), images, targets)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    again = applied(made(name), images, targets)
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    if name != "none":
        assert not torch.equal(first[0], applied(made(name), images, targets, seed=1)[0])
        generator = Generator().manual_seed(0)
        made(name)(images, targets, generator=generator)
        second, _ = made(name)(images, targets, generator=generator)
        assert not torch.equal(first[0], second)


@pytest.mark.parametrize("name", KINDS)
def test_one_loss_per_sample_and_a_gradient(name: str) -> None:
    images, targets = applied(made(name), *batch())
    weights = torch.zeros(images[0].numel(), CLASSES, requires_grad=True)
    losses = functional.cross_entropy(
        images.float().flatten(1) @ weights, targets, reduction="none"
    )
    assert losses.shape == (len(images),)
    torch.autograd.backward(losses.mean())
    assert weights.grad is not None
    assert weights.grad.abs().sum() > 0


def test_channels_last() -> None:
    images, targets = batch()
    for name in KINDS:
        plain = applied(made(name), images, targets)
        last = applied(made(name), images.to(memory_format=torch.channels_last), targets)
        assert all(torch.equal(one, other) for one, other in zip(plain, last, strict=True))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_no_value_is_looked_at(name: str, dtype: Any) -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode

    kind, generator = made(name), Generator()
    with FakeTensorMode():  # tensors without values: to ask for one raises
        images = torch.zeros(20, 3, 9, 7, dtype=dtype)
        others, _ = kind(images, torch.zeros(20, dtype=torch.long), generator=generator)
    assert others.shape == (20, 3, 9, 7)


@pytest.mark.cuda
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_on_a_gpu(name: str, dtype: Any, no_waiting: Any) -> None:
    images, targets = (it.cuda() for it in batch(40))
    images = images if dtype == torch.uint8 else images.to(dtype) / 255
    states = torch.get_rng_state(), torch.cuda.get_rng_state()
    found = []
    for _ in range(2):
        generator = Generator("cuda").manual_seed(0)
        with no_waiting():
            found.append(made(name)(images, targets, generator=generator))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
    assert all(it.device == images.device for it in found[0])
    assert torch.equal(torch.get_rng_state(), states[0])
    assert torch.equal(torch.cuda.get_rng_state(), states[1])
    if name != "none":
        with pytest.raises(InvalidOption, match="the generator is on cpu"):
            made(name)(images, targets, generator=Generator())


# -- crops and mirrors ---------------------------------------------------------------------------


def placed(image: Tensor, top: int, left: int, mirrored: bool) -> Tensor:
    """Move an image pixel by pixel, one after another."""
    channels, height, width = image.shape
    moved: Tensor = torch.zeros_like(image)
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                source_y, source_x = y + top, (width - 1 - x if mirrored else x) + left
                if 0 <= source_y < height and 0 <= source_x < width:
                    moved[c, y, x] = image[c, source_y, source_x]
    return moved


@pytest.mark.parametrize("flips", [True, False])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_every_pixel_comes_from_the_right_place(flips: bool, padding: int) -> None:
    images, targets = batch(30, 2, 4, 3)
    found, same = applied(made("standard", flips, padding=padding), images, targets)
    assert same is targets
    shifts = range(-padding, padding + 1)
    choices = [(y, x, m) for y in shifts for x in shifts for m in ((False, True)[: 1 + flips])]
    seen = []
    for image, other in zip(images, found, strict=True):
        fits = [choice for choice in choices if torch.equal(placed(image, *choice), other)]
        assert len(fits) == 1
        seen += fits
    assert {m for _, _, m in seen} == ({True, False} if flips else {False})
    assert {y for y, _, _ in seen} == {x for _, x, _ in seen} == set(shifts)


def test_crops_are_uniform() -> None:
    count = 8000
    images = torch.zeros(count, 1, 9, 9)
    images[:, :, 4, 3] = 1.0
    found, _ = applied(made("standard", padding=1), images, torch.zeros(count))
    rows, columns = found[:, 0].flatten(1).argmax(1) // 9, found[:, 0].flatten(1).argmax(1) % 9
    for values in ([3, 4, 5], [2, 3, 4, 5, 6]):
        places = rows if len(values) == 3 else columns
        shares = torch.stack([(places == value).float().mean() for value in values])
        # columns: 3 +- 1 and, mirrored, 5 +- 1
        wanted = [1 / 3] * 3 if len(values) == 3 else [1 / 6, 1 / 6, 1 / 3, 1 / 6, 1 / 6]
        torch.testing.assert_close(shares, torch.tensor(wanted), atol=0.02, rtol=0)


# -- mixtures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("soft", [False, True])
def test_mixup_is_convex(soft: bool) -> None:
    images, targets = batch(8)
    labels = functional.one_hot(targets, CLASSES).float()
    for seed in range(5):
        kind = made("mixup", flips=False, padding=0)
        mixed, theirs = applied(kind, images, labels if soft else targets, seed)
        torch.testing.assert_close(theirs.sum(1), torch.ones(8))
        for i in range(8):
            fits = []
            for j in range(8):
                difference = (images[i].float() - images[j].float()).flatten()
                share = 1.0
                if j != i:
                    offset = (mixed[i] - images[j].float()).flatten()
                    share = float(offset @ difference / (difference @ difference))
                expected = share * images[i].float() + (1 - share) * images[j].float()
                if torch.allclose(expected, mixed[i], atol=1e-2):
                    fits.append((j, share))
            assert fits
            j, share = fits[0]
            assert -1e-5 <= share <= 1 + 1e-5
            torch.testing.assert_close(
                theirs[i], share * labels[i] + (1 - share) * labels[j], atol=1e-3, rtol=0
            )


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_shares_follow_the_beta_distribution(alpha: float) -> None:
    from subsetopt.training.augmentation._mixing import beta

    shares = beta(alpha, 20_000, Generator().manual_seed(0))
    assert shares.mean() == pytest.approx(0.5, abs=0.01)
    assert shares.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.03)


def test_ricap_patches_and_areas() -> None:
    n, height, width = 6, 9, 7
    # Every value says which image, row and column it is of
    values = torch.arange(n * height * width, dtype=torch.float32)
    images, targets = values.view(n, 1, height, width), torch.arange(n)
    kind = augmentation("ricap", False, n, padding=0)
    points = set()
    for seed in range(30):
        patched, theirs = applied(kind, images, targets, seed)
        code = patched[:, 0].long()
        image, row, column = code // (height * width), code // width % height, code % width
        high, wide = point_of(row, column, image)
        points.add((high, wide))
        labels = torch.zeros(n, n)
        for i in range(n):
            for ys, xs in quadrants(high, wide, height, width):
                if not len(ys) or not len(xs):
                    continue
                block = slice(ys[0], ys[-1] + 1), slice(xs[0], xs[-1] + 1)
                assert len(set(image[i][block].flatten().tolist())) == 1
                origin = row[i][block][0, 0], column[i][block][0, 0]
                assert torch.equal(
                    row[i][block], (origin[0] + torch.arange(len(ys)))[:, None].expand(-1, len(xs))
                )
                assert torch.equal(
                    column[i][block], (origin[1] + torch.arange(len(xs))).expand(len(ys), -1)
                )
                share = len(ys) * len(xs) / (height * width)
                labels[i, image[i][block][0, 0]] += share
            if high and wide:
                assert image[i, 0, 0] == i
        torch.testing.assert_close(theirs, labels)
        assert torch.equal(image.flatten(1).sort(0).values[:, 0], torch.arange(n))
    assert len(points) > 15


def point_of(row: Tensor, column: Tensor, image: Tensor) -> tuple[int, int]:
    """Return height and width of the first patch: where the sources of the batch have a seam."""
    seam_y = (row.diff(dim=1) != 1) | (image.diff(dim=1) != 0)
    seam_x = (column.diff(dim=2) != 1) | (image.diff(dim=2) != 0)
    ys = seam_y.any(0).all(1).nonzero().flatten().tolist()
    xs = seam_x.any(0).all(0).nonzero().flatten().tolist()
    assert len(ys) <= 1
    assert len(xs) <= 1
    return (ys[0] + 1 if ys else 0), (xs[0] + 1 if xs else 0)


def quadrants(high: int, wide: int, height: int, width: int) -> Iterator[tuple[range, range]]:
    for ys in (range(high), range(high, height)):
        for xs in (range(wide), range(wide, width)):
            yield ys, xs


# -- what is refused -----------------------------------------------------------------------------


def test_options() -> None:
    with pytest.raises(InvalidOption, match=r"one of none, standard, .*got 'mixupp'"):
        made("mixupp")
    with pytest.raises(InvalidOption, match="no option 'alpha'; it has padding"):
        made("standard", alpha=0.3)
    with pytest.raises(InvalidOption, match="no option 'alpha'; it has none"):
        made("none", alpha=0.3)
    with pytest.raises(InvalidOption, match=r"alpha must .*got 0"):
        made("mixup", alpha=0)
    with pytest.raises(InvalidOption, match=r"padding must .*got -1"):
        made("ricap", padding=-1)
    with pytest.raises(InvalidOption, match=r"magnitude must .*got 31"):
        made("randaugment", magnitude=31)
    with pytest.raises(InvalidOption, match="count must be an integer"):
        made("randaugment", count=True)
    for name in MIXED:
        with pytest.raises(InvalidOption, match="mixes classes"):
            augmentation(name, True, None)
    assert not augmentation("randaugment", True, None).mixes


def test_batches() -> None:
    images, targets = batch()
    with pytest.raises(InvalidProblem, match=r"shape \(12, 189\)"):
        applied(made("standard"), images.flatten(1), targets)
    with pytest.raises(InvalidProblem, match=r"dtype torch\.int64"):
        applied(made("standard"), images.long(), targets)
    with pytest.raises(InvalidProblem, match="of single pixels do not move"):
        applied(made("standard"), images, images[:, 0])
    flat = images.flatten(1), images[:, 0]
    assert applied(made("none"), *flat)[0] is flat[0]
    with pytest.raises(InvalidProblem, match="samples are mixed with classes"):
        applied(made("mixup"), images, targets.float())
    with pytest.raises(InvalidProblem, match=r"probabilities \(n, 5\)"):
        applied(made("ricap"), images, torch.ones(12, 4))
