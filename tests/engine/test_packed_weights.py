import torch

from choi_d2.engine.packed_weights import pack, unpack


def test_each_output_has_a_scale_of_its_own():
    weight = torch.randn(64, 8, 3, 3) * torch.logspace(-6, 3, 64).view(-1, 1, 1, 1)
    weight[5] = 0
    packed = pack({"a.weight": weight, "a.bias": torch.randn(64)}, 8)
    assert packed["a.weight"].dtype == torch.int8 and packed["a.bias"].dtype == torch.half
    unpacked = unpack(packed)
    assert set(unpacked) == {"a.weight", "a.bias"}
    step = weight.flatten(1).abs().amax(1).view(-1, 1, 1, 1) / 127
    assert bool(((unpacked["a.weight"] - weight).abs() <= 0.501 * step + 1e-12).all())


def test_what_eight_bits_are_too_few_for_has_sixteen():
    state = {
        "prior": torch.rand(100, 100),
        "small.weight": torch.rand(4, 4),
        "seen": torch.tensor([5_000_000]),
        "allowed": torch.tensor([True]),
    }
    packed = pack(state, 8)
    assert [x.dtype for x in packed.values()] == [torch.half, torch.half, torch.int64, torch.bool]


def test_numbers_that_are_too_large_for_half_precision():
    state = {"running_var": torch.tensor([1e5, 1.0]), "x": torch.tensor([float("inf")])}
    packed = pack(state, 16)
    assert packed["running_var"].dtype == torch.float32 and packed["x"].dtype == torch.half


def test_thirty_two_bits_are_all():
    state = {"a.weight": torch.randn(100, 100)}
    assert torch.equal(unpack(pack(state, 32))["a.weight"], state["a.weight"])
